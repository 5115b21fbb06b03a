//! Blots the secrets that an invocation has read out of what it says.

use std::borrow::Cow;

use crate::{
    foreign::{within_json, within_urls},
    secret::{HIDDEN, Secret},
};

/// Texts shorter than this are not looked for: they would be found in any line, and a secret of such a length is none.
const MIN_CONCEALED: usize = 6;

/// The secrets that an invocation has read so far.
#[derive(Debug, Clone, Default)]
pub struct Revealed(Vec<Needle>);

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Needle(Secret);

impl Revealed {
    /// Notes a secret that the handler is given.
    pub(super) fn add(&mut self, secret: &Secret) {
        let text = secret.reveal();
        if text.len() < MIN_CONCEALED {
            return;
        }
        // Line by line, too, as it comes through standard output.
        let lines = text.lines().map(|line| line.trim().to_owned());
        let forms = [text.to_owned(), within_json(text)].into_iter().chain(within_urls(text)).chain(lines);
        for form in forms.filter(|form| form.len() >= MIN_CONCEALED) {
            let needle = Needle(Secret::new(form));
            if !self.0.contains(&needle) {
                self.0.push(needle);
            }
        }
        // A secret that holds another one goes first.
        self.0.sort_by_key(|Needle(secret)| std::cmp::Reverse(secret.reveal().len()));
    }

    /// A text without them.
    pub fn conceal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.replaced(text, HIDDEN)
    }

    /// A text with something else instead of each.
    pub fn replaced<'a>(&self, text: &'a str, instead: &str) -> Cow<'a, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, Needle(secret)| match text.contains(secret.reveal()) {
            true => Cow::Owned(text.replace(secret.reveal(), instead)),
            false => text,
        })
    }

    /// Where a line that is broken for its length can be broken, so that no secret is in two pieces: at its end, or
    /// before what may be the beginning of one. Nowhere, if that is the whole line.
    pub(super) fn break_before(&self, line: &[u8]) -> Option<usize> {
        let begun = |Needle(secret): &Needle| {
            let secret = secret.reveal().as_bytes();
            let longest = secret.len().saturating_sub(1).min(line.len());
            (1..=longest).rev().find(|length| line.ends_with(&secret[..*length]))
        };
        let kept = self.0.iter().filter_map(begun).max().unwrap_or(0);
        Some(line.len() - kept).filter(|end| *end > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revealed(secrets: &[&str]) -> Revealed {
        let mut revealed = Revealed::default();
        secrets.iter().for_each(|secret| revealed.add(&Secret::new(*secret)));
        revealed
    }

    #[test]
    fn a_secret_is_blotted_out_wherever_it_stands_and_nothing_else_is() {
        let revealed = revealed(&["hush-hush"]);
        assert_eq!(revealed.conceal("a hush-hush b hush-hush"), "a (hidden) b (hidden)");
        assert_eq!(revealed.conceal("a hush b"), "a hush b");
        assert_eq!(Revealed::default().conceal("hush-hush"), "hush-hush");
    }

    #[test]
    fn a_secret_is_found_in_json_and_in_each_of_its_lines() {
        let revealed = revealed(&["say \"hush\"\nsecond line", "the \"end\""]);
        assert_eq!(revealed.conceal(r#"{"a":"say \"hush\"\nsecond line"}"#), r#"{"a":"(hidden)"}"#);
        assert_eq!(revealed.conceal(r#"{"a":"the \"end\""}"#), r#"{"a":"(hidden)"}"#);
        assert_eq!(revealed.conceal("then second line came"), "then (hidden) came");
    }

    #[test]
    fn a_secret_is_found_in_a_url_however_the_handlers_language_writes_it_there() {
        let revealed = revealed(&["a+b/c=(1) 2"]);
        for written in [
            "a%2Bb%2Fc%3D%281%29%202",
            "a%2Bb%2Fc%3D%281%29+2",
            "a%2Bb%2Fc%3D(1)%202",
            "a%2Bb/c%3D%281%29%202",
            "a+b/c=(1)%202",
            "a+b%2Fc=(1)%202",
            "a+b%2Fc=%281%29%202",
        ] {
            assert_eq!(
                revealed.conceal(&format!("https://a.example/?key={written}&b")),
                "https://a.example/?key=(hidden)&b"
            );
        }
    }

    #[test]
    fn of_two_secrets_the_longer_one_is_blotted_out_as_a_whole() {
        assert_eq!(revealed(&["secret", "secret-more"]).conceal("secret-more"), "(hidden)");
    }

    #[test]
    fn a_text_too_short_to_be_secret_is_left_alone() {
        assert_eq!(revealed(&["a", "12345"]).conceal("banana 12345"), "banana 12345");
        assert_eq!(revealed(&["//"]).conceal("a%2F%2Fb"), "a%2F%2Fb");
    }

    #[test]
    fn a_line_is_not_broken_within_a_secret() {
        let revealed = revealed(&["hush-hush"]);
        assert_eq!(revealed.break_before(b"abc"), Some(3));
        assert_eq!(revealed.break_before(b"abc hush-hus"), Some(4));
        assert_eq!(revealed.break_before(b"abc h"), Some(4));
        assert_eq!(revealed.break_before(b"hush-h"), None);
    }
}
