//! The version of a plugin: the hash of all that decides what it does.

use sha2::{Digest, Sha256};

use super::{case_text::CaseText, load::file_name};

/// How many characters of the hash are shown.
const SHOWN_HASH: usize = 12;

/// The beginning of the hash over component, of which the digest is given, manifest and cases.
pub(super) fn of(component: &str, manifest: Option<&str>, cases: &[CaseText]) -> String {
    let mut version = Sha256::new();
    version.update((component.len() as u64).to_le_bytes());
    version.update(component);
    version.update(manifest.unwrap_or_default());
    for CaseText { path, text } in cases {
        // One that cannot be read is another version than the same that can.
        let text = text.as_ref().map_or_else(ToString::to_string, Clone::clone);
        for part in [&file_name(path), &text] {
            version.update((part.len() as u64).to_le_bytes());
            version.update(part);
        }
    }
    let mut version = format!("{:x}", version.finalize());
    version.truncate(SHOWN_HASH);
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, text: &str) -> CaseText {
        CaseText { path: name.into(), text: Ok(text.to_owned()) }
    }

    #[test]
    fn component_manifest_and_each_case_make_another_version_and_the_directory_does_not() {
        let cases = [case("dir/a.one.case.toml", "1"), case("dir/a.two.case.toml", "2")];
        let all = [
            of("c", None, &[]),
            of("d", None, &[]),
            of("c", Some("m"), &[]),
            of("c", None, &cases),
            of("c", None, &cases[..1]),
            of("c", None, &[case("dir/a.one.case.toml", "2"), cases[1].clone()]),
            of("c", None, &[case("dir/a.other.case.toml", "1"), cases[1].clone()]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
        assert_eq!(of("c", None, &[case("elsewhere/a.one.case.toml", "1")]), all[4]);
    }
}
