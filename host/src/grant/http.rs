//! Where requests over HTTP may go: method, scheme, host and port, in one form for what is granted and what is asked.

use std::{borrow::Cow, collections::BTreeSet, fmt, net::IpAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

use super::Names;

/// The longest name of a host, in characters (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253;

/// How requests are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is meant when none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host in the one form in which hosts are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A name: in lower case, international ones in Punycode, without a dot at the end.
    Name(String),
    /// An address, however it was written: `0x7f.1` is 127.0.0.1, and so is `[::ffff:127.0.0.1]`.
    Address(IpAddr),
}

impl Host {
    /// Reads a host as URLs write it, an IPv6 address in brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = match url::Host::parse(text).map_err(|_| "the host is none")? {
            url::Host::Ipv4(address) => return Ok(Self::Address(address.into())),
            url::Host::Ipv6(address) => return Ok(Self::Address(IpAddr::from(address).to_canonical())),
            url::Host::Domain(name) => name,
        };
        let name = name.strip_suffix('.').unwrap_or(&name);
        match name.len() <= MAX_HOST && name.split('.').all(|label| !label.is_empty()) {
            true => Ok(Self::Name(name.to_owned())),
            false => Err("the host is no name of a server"),
        }
    }
}

/// As URLs write it.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// What a request asks to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    /// The method; capitals matter.
    pub method: String,
    /// How it is carried.
    pub scheme: Scheme,
    /// To whom.
    pub host: Host,
    /// The port, be it given or not.
    pub port: u16,
}

/// As a grant for this alone would be written.
impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, scheme, host, port } = self;
        write(f, method, *scheme, host, *port)
    }
}

fn write(f: &mut fmt::Formatter<'_>, method: &str, scheme: Scheme, host: impl fmt::Display, port: u16) -> fmt::Result {
    write!(f, "{method} {}://{host}", scheme.name())?;
    if port == scheme.default_port() { Ok(()) } else { write!(f, ":{port}") }
}

/// What a grant says of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum HostPattern {
    Is(Host),
    /// Any name that ends with a dot and this.
    Beneath(String),
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(rest) = text.strip_prefix("*.") else {
            return match text.contains('*') {
                true => Err("`*` stands before the first dot of a name only, as in *.example.com"),
                false => Host::parse(text).map(Self::Is),
            };
        };
        match Host::parse(rest)? {
            Host::Name(name) if !name.contains('*') => Ok(Self::Beneath(name)),
            _ => Err("`*.` stands before a name only"),
        }
    }

    /// What both say.
    fn common(&self, other: &Self) -> Option<Self> {
        let is_beneath = |name: &str, end: &str| name.strip_suffix(end).is_some_and(|front| front.ends_with('.'));
        match (self, other) {
            (one, other) if one == other => Some(one.clone()),
            (Self::Is(Host::Name(name)) | Self::Beneath(name), Self::Beneath(end)) if is_beneath(name, end) => {
                Some(self.clone())
            }
            (Self::Beneath(end), Self::Is(Host::Name(name)) | Self::Beneath(name)) if is_beneath(name, end) => {
                Some(other.clone())
            }
            _ => None,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(host) => write!(f, "{host}"),
            Self::Beneath(name) => write!(f, "*.{name}"),
        }
    }
}

/// One entry of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct HttpPattern {
    /// None for any.
    method: Option<String>,
    scheme: Scheme,
    host: HostPattern,
    port: u16,
}

/// What stands for any method.
const ANY: &str = "*";

impl HttpPattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (method, place) = text.split_once(' ').ok_or("there is no method before the server")?;
        let place = place.trim_start();
        let is_method = !method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase() || c == '-');
        if method != ANY && !is_method {
            return Err("the method is neither `*` nor in capitals");
        }
        let (scheme, rest) = place.split_once("://").ok_or("there is no scheme")?;
        let scheme = Scheme::named(scheme).ok_or("the scheme is neither http nor https")?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err("a path is not part of a grant");
        }
        if authority.contains('@') {
            return Err("a user is not part of a grant");
        }
        let (host, port) = split_port(authority)?;
        let port = port.unwrap_or(scheme.default_port());
        let method = (method != ANY).then(|| method.to_owned());
        Ok(Self { method, scheme, host: HostPattern::parse(host)?, port })
    }

    /// What both say.
    fn common(&self, other: &Self) -> Option<Self> {
        let method = match (&self.method, &other.method) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        if (self.scheme, self.port) != (other.scheme, other.port) {
            return None;
        }
        Some(Self { method, host: self.host.common(&other.host)?, ..*self })
    }

    fn covers(&self, other: &Self) -> bool {
        self.common(other).as_ref() == Some(other)
    }
}

impl fmt::Display for HttpPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, scheme, host, port } = self;
        write(f, method.as_deref().unwrap_or(ANY), *scheme, host, *port)
    }
}

impl From<&HttpTarget> for HttpPattern {
    fn from(target: &HttpTarget) -> Self {
        let HttpTarget { method, scheme, host, port } = target.clone();
        Self { method: Some(method), scheme, host: HostPattern::Is(host), port }
    }
}

/// The host and the port of an authority without a user.
pub(crate) fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    // The colons of an IPv6 address are within its brackets.
    let after_address = authority.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = authority[after_address..].find(':') else { return Ok((authority, None)) };
    let (host, port) = authority.split_at(after_address + colon);
    let digits = &port[1..];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = is_number.then(|| digits.parse().ok()).flatten().filter(|port| *port != 0);
    port.map(|port| (host, Some(port))).ok_or("the port is no number from 1 to 65535")
}

/// The requests that a plugin may send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpPatterns(BTreeSet<HttpPattern>);

impl HttpPatterns {
    /// Reads entries as manifests and settings write them.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, &'static str> {
        entries.into_iter().map(HttpPattern::parse).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn cover(&self, target: &HttpTarget) -> bool {
        let target = HttpPattern::from(target);
        self.0.iter().any(|pattern| pattern.covers(&target))
    }

    /// The addresses of entries that say the same of method, scheme and port.
    pub(super) fn addresses_for(&self, target: &HttpTarget) -> Vec<IpAddr> {
        let address = |pattern: &HttpPattern| {
            let HostPattern::Is(host @ Host::Address(address)) = &pattern.host else { return None };
            let there = HttpPattern::from(&HttpTarget { host: host.clone(), ..target.clone() });
            pattern.covers(&there).then_some(*address)
        };
        // In one order, however the entries are written: who compares these compares what passes.
        self.0.iter().filter_map(address).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// As texts.
    pub(super) fn names(&self) -> Names {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// What is in both, entry by entry.
    pub(super) fn common(&self, other: &Self) -> Names {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().filter_map(|other| one.common(other)));
        pairs.map(|pattern| pattern.to_string()).collect()
    }

    /// What is written here and not wholly covered by an entry there.
    pub(super) fn beyond(&self, other: &Self) -> Names {
        let beyond = self.0.iter().filter(|pattern| !other.0.iter().any(|other| other.covers(pattern)));
        beyond.map(ToString::to_string).collect()
    }
}

impl Serialize for HttpPatterns {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// What is expected, in the words of messages and of the reference.
const WANTED: &str = "a list of entries in quotes, each a method or *, a space, and http or https with host and port, \
                      such as \"GET https://api.example.com\"";

impl JsonSchema for HttpPatterns {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HttpPatterns".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["array", "string"],
            "items": { "type": "string" },
            "x-written": WANTED,
        })
    }
}

impl<'de> Deserialize<'de> for HttpPatterns {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PatternsVisitor)
    }
}

struct PatternsVisitor;

impl<'de> Visitor<'de> for PatternsVisitor {
    type Value = HttpPatterns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HttpPatterns, A::Error> {
        let mut patterns = BTreeSet::new();
        while let Some(text) = list.next_element::<String>()? {
            patterns.insert(read(&text)?);
        }
        Ok(HttpPatterns(patterns))
    }

    /// A variable of the environment can hold nothing else.
    fn visit_str<E: Error>(self, text: &str) -> Result<HttpPatterns, E> {
        text.split(',').map(|entry| read(entry.trim())).collect::<Result<_, E>>().map(HttpPatterns)
    }
}

fn read<E: Error>(text: &str) -> Result<HttpPattern, E> {
    HttpPattern::parse(text).map_err(|why| {
        let wanted = format!(
            "a method or *, a space, and http or https with host and port, such as \"GET https://api.example.com\" ({why})"
        );
        E::invalid_value(Unexpected::Str(text), &wanted.as_str())
    })
}

#[cfg(test)]
mod tests;
