//! What every answer of the engine's web server has in common, whatever was asked.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::engine::embedded::refusal::Refusal;

/// Methods in the order in which the engine lists them.
const METHODS: [&str; 6] = ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT"];

/// Takes a path that ends with a slash for the one without it, and knows none with an empty segment.
pub(super) async fn path(mut request: Request, next: Next) -> Response {
    if request.uri().path().contains("//") {
        return Refusal::unknown_path().into_response();
    }
    if let Some(uri) = stripped(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn stripped(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// Forbids caches to keep what a GET has brought, and tells the methods of a path to those who ask.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // Told to those only who ask.
        let allowed = response.headers_mut().remove(header::ALLOW);
        if method == Method::OPTIONS {
            return options(allowed.as_ref());
        }
    }
    if method == Method::GET {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}

fn options(allowed: Option<&HeaderValue>) -> Response {
    let allowed = allowed.and_then(|allowed| allowed.to_str().ok()).unwrap_or_default();
    let has = |method: &&str| *method == "OPTIONS" || allowed.split(',').any(|one| one.trim() == *method);
    let methods: Vec<&str> = METHODS.into_iter().filter(has).collect();
    ([(header::ALLOW, methods.join(",")), (header::CONTENT_TYPE, "text/plain".to_owned())], methods.join(", "))
        .into_response()
}
