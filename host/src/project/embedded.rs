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
