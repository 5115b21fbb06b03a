//! What a request of a guest asks: read once, checked in this form, and sent in this form.

use http::{Method, Request, Uri, uri::PathAndQuery};

use crate::grant::{Host, HttpTarget, Scheme, split_port};

/// What a request asks, in the form of a grant.
///
/// # Errors
/// Why nobody could be asked that.
pub(super) fn target<B>(request: &Request<B>) -> Result<HttpTarget, &'static str> {
    if request.method() == Method::CONNECT {
        return Err("CONNECT makes tunnels, which no grant covers");
    }
    let uri = request.uri();
    let scheme = uri.scheme_str().and_then(Scheme::named).ok_or("the scheme is neither http nor https")?;
    let authority = uri.authority().ok_or("there is no host")?.as_str();
    if authority.contains('@') {
        return Err("a user stands before the host: send it in the header `authorization`");
    }
    let (host, port) = split_port(authority)?;
    let host = Host::parse(host)?;
    Ok(HttpTarget {
        method: request.method().as_str().to_owned(),
        scheme,
        host,
        port: port.unwrap_or(scheme.default_port()),
    })
}

/// The address of the resource: what was checked, and the path that was given.
///
/// # Errors
/// The parts make none.
pub(super) fn uri(target: &HttpTarget, path: Option<&PathAndQuery>) -> Result<Uri, http::Error> {
    let HttpTarget { scheme, host, port, .. } = target;
    let authority = if *port == scheme.default_port() { host.to_string() } else { format!("{host}:{port}") };
    let path = path.map_or("/", PathAndQuery::as_str);
    Uri::builder().scheme(scheme.name()).authority(authority).path_and_query(path).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, uri: &str) -> Result<String, &'static str> {
        let request = Request::builder().method(method).uri(uri).body(()).expect("a request");
        let target = target(&request)?;
        Ok(format!("{target} as {}", super::uri(&target, request.uri().path_and_query()).expect("an address")))
    }

    #[test]
    fn what_is_checked_is_what_is_sent() {
        for (uri, expected) in [
            ("https://API.Example.com./a?b=c", "GET https://api.example.com as https://api.example.com/a?b=c"),
            ("https://api.example.com:443", "GET https://api.example.com as https://api.example.com/"),
            ("http://api.example.com:8080/", "GET http://api.example.com:8080 as http://api.example.com:8080/"),
            ("http://0x7f.1/", "GET http://127.0.0.1 as http://127.0.0.1/"),
            ("http://2130706433/", "GET http://127.0.0.1 as http://127.0.0.1/"),
            ("http://[::ffff:127.0.0.1]:80/", "GET http://127.0.0.1 as http://127.0.0.1/"),
            ("http://[0::1]/", "GET http://[::1] as http://[::1]/"),
            ("http://xn--bcher-kva.example/", "GET http://xn--bcher-kva.example as http://xn--bcher-kva.example/"),
        ] {
            assert_eq!(asked("GET", uri).as_deref(), Ok(expected), "{uri}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (method, uri) in [
            ("GET", "https://allowed.example@evil.example/"),
            ("GET", "https://allowed.example:pw@evil.example/"),
            ("GET", "https://evil.example:0/"),
            ("GET", "https://evil.example:/"),
            ("GET", "https://a..example/"),
            ("GET", "https://1.2.3.4.5/"),
            ("GET", "ftp://a.example/"),
            ("GET", "/path"),
            ("CONNECT", "https://a.example/"),
        ] {
            assert!(asked(method, uri).is_err(), "{method} {uri}: {:?}", asked(method, uri));
        }
    }
}
