//! What the headers of requests may be given by settings.

use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};

/// Headers that follow from the request itself, and from the settings of the proxy.
const OWN: [HeaderName; 6] = [ACCEPT, CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, PROXY_AUTHORIZATION];

/// Why such a header cannot be set, in the words of messages.
pub(crate) const IS_OWN: &str = "Fetchlock sets this header itself: leave it out";

/// Why a text cannot be sent, in the words of messages; the text is not repeated, for it may be a secret.
pub(crate) const IS_UNFIT: &str = "no HTTP header value: expected ASCII text on one line";

/// Whether a header is Fetchlock's own to set.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| name.eq_ignore_ascii_case(own.as_str()))
}

/// Whether a header can carry a text.
pub(crate) fn carries(text: &str) -> bool {
    text.is_ascii() && HeaderValue::from_str(text).is_ok()
}
