//! What the binary carries for projects: the guest libraries with the templates of new projects, and the WIT.

use super::Language;

/// Files by their paths, with `/` between the parts.
mod files {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A file by its path and its bytes.
pub(super) type File = (&'static str, &'static [u8]);

/// The files of the WIT package, the packages that it uses under `deps/`.
pub(super) fn wit() -> impl Iterator<Item = File> {
    files::WIT.iter().copied()
}

/// A language's guest library.
pub(super) fn library(language: Language) -> impl Iterator<Item = File> {
    below(language.library(), "fetchlock")
}

/// What else a new project in a language consists of.
pub(super) fn template(language: Language) -> impl Iterator<Item = File> {
    below(language.library(), language.template())
}

fn below(library: &'static str, folder: &'static str) -> impl Iterator<Item = File> {
    let inside = move |path: &'static str| {
        path.strip_prefix(library)?.strip_prefix('/')?.strip_prefix(folder)?.strip_prefix('/')
    };
    files::GUEST_LIBRARIES.iter().filter_map(move |(path, bytes)| Some((inside(path)?, *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(files: impl Iterator<Item = File>) -> Vec<&'static str> {
        files.map(|(path, _)| path).collect()
    }

    #[test]
    fn every_language_has_a_library_and_a_template_with_a_manifest_and_cases() {
        for language in Language::ALL {
            let (library, template) = (paths(library(language)), paths(template(language)));
            assert!(library.len() > 5, "{language}: {library:?}");
            let common =
                [".toml", ".approved.case.toml", ".too-much.case.toml"].map(|end| format!("plugin/{{{{name}}}}{end}"));
            for file in ["README.md", ".gitignore.template"].into_iter().chain(common.iter().map(String::as_str)) {
                assert!(template.contains(&file), "{language} has no {file}: {template:?}");
            }
        }
    }

    #[test]
    fn nothing_that_builds_leave_behind_is_embedded_and_the_contract_is_once() {
        for (path, _) in files::GUEST_LIBRARIES {
            let is_left_behind = |part: &str| ["target", "node_modules", "__pycache__", ".venv"].contains(&part);
            assert!(!path.split('/').any(is_left_behind) && !path.ends_with(".wit"), "{path}");
        }
        let contract = paths(wit());
        assert!(contract.contains(&"handler.wit") && contract.contains(&"deps/http.wit"), "{contract:?}");
    }
}
