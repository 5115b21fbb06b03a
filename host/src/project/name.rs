//! The name of a project: that of its folder, its plugin's files and, in most languages, its package.

use std::str::FromStr;

/// The longest name: file systems and package registries take more, people do not.
const MAX_LENGTH: usize = 64;

/// The name of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName(String);

/// A text that is no name of a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It has another form.
    #[error(
        "a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most {MAX_LENGTH} characters{}; a topic of another form is given with --topic",
        .suggestion.as_ref().map(|name| format!(": `{name}`, for example")).unwrap_or_default()
    )]
    Form {
        /// What could be meant.
        suggestion: Option<String>,
    },
    /// The guest library has it.
    #[error(
        "names that begin with `{TAKEN}` are those of the guest library that the project uses: take another, and give this one as --topic"
    )]
    Taken,
    /// A system has it.
    #[error(
        "Windows knows it as a device, and Go builds no module of this name: choose another, and give this one as --topic"
    )]
    Device,
    /// A tool has it.
    #[error("npm calls the folder of packages so: choose another, and give this one as --topic")]
    Packages,
}

/// What npm calls the folder in which packages are, in which it makes nothing itself.
const PACKAGES: &str = "node_modules";

/// How the names of the guest libraries' packages begin, which a package that uses them cannot have.
const TAKEN: &str = "fetchlock";

/// What Windows calls devices, in any case.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// Those that have a digit behind their names.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

impl ProjectName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a name in programs.
    pub(super) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for ProjectName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match is_name(text) {
            true if text.to_ascii_lowercase().starts_with(TAKEN) => Err(BadName::Taken),
            true if is_device(text) => Err(BadName::Device),
            true if text.eq_ignore_ascii_case(PACKAGES) => Err(BadName::Packages),
            true => Ok(Self(text.to_owned())),
            false => Err(BadName::Form { suggestion: suggestion(text) }),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_allowed) && text.len() <= MAX_LENGTH
}

fn is_device(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let number = |device: &&str| name.strip_prefix(*device).map(str::as_bytes);
    DEVICES.contains(&&*name) || NUMBERED_DEVICES.iter().filter_map(number).any(|it| matches!(it, [b'0'..=b'9']))
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The nearest name: what is not allowed becomes one hyphen.
fn suggestion(text: &str) -> Option<String> {
    let from_letter = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let mut name = String::new();
    for c in from_letter.chars() {
        match c {
            _ if is_allowed(c) => name.push(c),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(MAX_LENGTH);
    let name = name.trim_end_matches(['-', '_']);
    (is_name(name) && !is_device(name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        ProjectName::from_str(text).expect_err("refused").to_string()
    }

    #[test]
    fn a_name_is_a_letter_and_then_letters_digits_hyphens_and_underscores() {
        for name in ["a", "check-iban", "Check_2", "con-1", "com", "com10", "lpt-1", &"a".repeat(64)] {
            assert_eq!(ProjectName::from_str(name).expect("a name").as_str(), name);
        }
    }

    #[test]
    fn any_other_name_is_refused_with_the_nearest_that_is_one() {
        insta::assert_snapshot!(refusal("9 lives/of cats"), @"a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters: `lives-of-cats`, for example; a topic of another form is given with --topic");
        insta::assert_snapshot!(refusal(""), @"a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters; a topic of another form is given with --topic");
        insta::assert_snapshot!(refusal(&"b".repeat(65)), @"a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters: `bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, for example; a topic of another form is given with --topic");
        insta::assert_snapshot!(refusal("../größe"), @"a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters: `gr-e`, for example; a topic of another form is given with --topic");
        insta::assert_snapshot!(refusal("Fetchlock-test"), @"names that begin with `fetchlock` are those of the guest library that the project uses: take another, and give this one as --topic");
    }

    #[test]
    fn a_name_that_windows_has_for_a_device_is_refused_in_any_case_and_not_suggested() {
        for name in ["con", "Prn", "AUX", "nul", "com0", "Com9", "lpt0", "LPT9"] {
            assert_eq!(ProjectName::from_str(name), Err(BadName::Device), "{name}");
        }
        insta::assert_snapshot!(refusal("con"), @"Windows knows it as a device, and Go builds no module of this name: choose another, and give this one as --topic");
        assert_eq!(ProjectName::from_str("9 con"), Err(BadName::Form { suggestion: None }));
    }

    #[test]
    fn the_folder_of_npms_packages_is_no_project() {
        insta::assert_snapshot!(refusal("node_modules"), @"npm calls the folder of packages so: choose another, and give this one as --topic");
        assert!(ProjectName::from_str("node-modules").is_ok());
    }
}
