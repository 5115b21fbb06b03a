//! The languages that projects are written in.

use std::fmt;

/// A language of handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, built by cargo.
    Rust,
    /// Go, built by the Go toolchain.
    Go,
    /// JavaScript, built by packages from npm.
    JavaScript,
    /// TypeScript, the same after its types were checked.
    TypeScript,
    /// Python, built by componentize-py.
    Python,
}

impl Language {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Go, Self::TypeScript, Self::JavaScript, Self::Python];

    /// The files in a project's folder that tell its language: all of these, or one of them.
    pub(super) fn signs(self) -> Signs {
        match self {
            Self::Rust => Signs::All(&["Cargo.toml"]),
            Self::Go => Signs::All(&["go.mod"]),
            Self::TypeScript => Signs::All(&["package.json", "tsconfig.json"]),
            Self::JavaScript => Signs::All(&["package.json"]),
            Self::Python => Signs::Any(&["handler.py", "pyproject.toml", "requirements.txt"]),
        }
    }

    /// The folders in a project's own folder for what its tools make and fetch.
    pub(super) fn products(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["target"],
            Self::JavaScript | Self::TypeScript => &["dist", "node_modules"],
            // Go has them elsewhere. In Python any such name may be a package's, and an environment is known without it.
            Self::Go | Self::Python => &[],
        }
    }

    /// What has to be done once before a new project can be built: commands, each with what it does.
    pub fn preparation(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[("rustup target add wasm32-wasip2", "once")],
            Self::Go => &[],
            Self::JavaScript | Self::TypeScript => &[("npm ci", "installs the toolchain into the project")],
            Self::Python => &[
                ("python3 -m venv .venv", ""),
                (".venv/bin/pip install -r requirements.txt", "installs the toolchain into the project"),
            ],
        }
    }

    /// The folder of its guest library.
    pub(super) fn library(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Go => "go",
            Self::JavaScript | Self::TypeScript => "js",
            Self::Python => "python",
        }
    }

    /// The folder of the template beside its guest library.
    pub(super) fn template(self) -> &'static str {
        match self {
            Self::Rust | Self::Go | Self::Python => "template",
            Self::JavaScript => "template-js",
            Self::TypeScript => "template-ts",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
        })
    }
}

/// Files by which a language is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signs {
    /// Each must be there.
    All(&'static [&'static str]),
    /// One is enough.
    Any(&'static [&'static str]),
}

impl Signs {
    /// Whether they are there, by a question for one file.
    pub(super) fn are_there(self, is_there: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(files) => files.iter().all(|file| is_there(file)),
            Self::Any(files) => files.iter().any(|file| is_there(file)),
        }
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(files) => f.write_str(&files.join(" with ")),
            Self::Any(files) => f.write_str(&files.join(" or ")),
        }
    }
}
