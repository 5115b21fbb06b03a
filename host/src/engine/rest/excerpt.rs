//! Foreign text in messages: bounded and without anything that could forge a line of a log.

use std::fmt::Write;

/// The beginning of a text, at most `max` characters of it, with control and direction characters escaped. An ellipsis
/// tells that something was left out.
pub(super) fn excerpt(text: &str, max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max));
    let mut characters = text.chars();
    for character in characters.by_ref().take(max) {
        if is_unsafe(character) {
            // Writing to a string cannot fail.
            write!(shown, "{}", character.escape_default()).ok();
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Control characters, line separators, and the marks that turn the direction of the text after them around.
fn is_unsafe(character: char) -> bool {
    let is_line_end = matches!(character, '\u{2028}' | '\u{2029}');
    let is_direction = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_line_end || is_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_cannot_forge_a_line() {
        assert_eq!(excerpt("a\r\nb\u{1b}[31m\u{202e}", 100), r"a\r\nb\u{1b}[31m\u{202e}");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("éé", 2), "éé");
    }
}
