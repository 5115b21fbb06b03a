//! Text from outside (guests, engines, files) made fit to be shown: it can neither forge a line of a log nor steer a
//! terminal.

use std::fmt::{self, Write};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// A text whose control and direction characters are shown as escapes.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<T>(
    /// The text.
    pub T,
);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaper(f), "{}", self.0)
    }
}

struct Escaper<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| match needs_escape(c) {
            true if c.is_ascii() => write!(self.0, "{}", c.escape_default()),
            true => write!(self.0, "{}", c.escape_unicode()),
            false => self.0.write_char(c),
        })
    }
}

/// Whether a text is printable ASCII, as most are: it can be taken as a whole.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Control characters, the line and paragraph separators, and the marks that change the direction of text.
pub(crate) fn needs_escape(c: char) -> bool {
    let separator = matches!(c, '\u{2028}' | '\u{2029}');
    let mark = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || separator || mark
}

/// A text, escaped.
pub fn escape(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Escaped(text).to_string() }
}

/// A text of several lines, escaped line by line.
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(|line| escape(line.strip_suffix('\r').unwrap_or(line))).collect::<Vec<_>>().join("\n")
}

/// The beginning of a text, at most `max` characters of it, escaped. An ellipsis tells that something was left out.
pub fn excerpt(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", Escaped(&text[..end])),
        None => escape(text),
    }
}

/// A text as it stands in a JSON document, without the quotes around it.
pub(crate) fn within_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What the languages' ways to put a text into a URL leave as it is, letters and digits apart.
const LEFT_IN_URLS: [&AsciiSet; 7] = {
    // RFC 3986, 2.3; `url.QueryEscape` of Go.
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    // `encodeURIComponent` of ECMAScript.
    const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
    // `urllib.parse.quote` of Python.
    const PATH: &AsciiSet = &UNRESERVED.remove(b'/');
    // Forms, by the URL standard of WHATWG.
    const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
    // What a parser of URLs makes of a query that is not encoded (the same, "query percent-encode set").
    const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
    // A segment of a path (RFC 3986, 3.3).
    const SEGMENT: &AsciiSet = &COMPONENT
        .remove(b'$')
        .remove(b'&')
        .remove(b'+')
        .remove(b',')
        .remove(b';')
        .remove(b'=')
        .remove(b':')
        .remove(b'@');
    // The same by `url.PathEscape` of Go.
    const GO_SEGMENT: &AsciiSet =
        &UNRESERVED.remove(b'$').remove(b'&').remove(b'+').remove(b'=').remove(b':').remove(b'@');
    [UNRESERVED, COMPONENT, PATH, FORM, QUERY, SEGMENT, GO_SEGMENT]
};

/// A text as it may stand in a URL or a form.
pub(crate) fn within_urls(text: &str) -> impl Iterator<Item = String> {
    let encoded = LEFT_IN_URLS.map(|set| utf8_percent_encode(text, set).to_string());
    encoded.into_iter().flat_map(|encoded| [encoded.replace("%20", "+"), encoded])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_cannot_forge_a_line() {
        assert_eq!(escape("a\r\nb\u{1b}[31mc\u{202e}\u{2028}"), r"a\r\nb\u{1b}[31mc\u{202e}\u{2028}");
        assert_eq!(escape("Größe 𝄞"), "Größe 𝄞");
        assert_eq!(escape_lines("a\r\nb\u{1b}c\n"), "a\nb\\u{1b}c\n");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("éé", 2), "éé");
    }
}
