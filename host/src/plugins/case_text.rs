//! The text of a case as its file has it, or why it has none. That is told as a failure of this one case.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use bytesize::ByteSize;

use super::{case_files::is_of_another_format, load::file_name};

/// A case larger than this is a mistake.
const MAX_CASE: u64 = 64 << 20;

/// A case as its file was when its plugin was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseText {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub text: Result<String, NoCaseText>,
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCaseText {
    /// The system does not let it be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is no case.
    #[error(
        "is larger than {}: expected a case, of which the large values are in files of their own",
        ByteSize(MAX_CASE)
    )]
    TooLarge,
    /// It has the name of another format.
    #[error("is no case in this format: cases are written in TOML, as NAME.case.toml or NAME.ANYTHING.case.toml")]
    Format,
    /// It has another encoding.
    #[error("is not UTF-8 from here on: save the file as UTF-8")]
    Encoding {
        /// The first line that is not, counted from 1.
        line: usize,
    },
}

impl CaseText {
    /// Reads a case.
    pub fn read(path: &Path) -> Self {
        let text = if is_of_another_format(&file_name(path)) { Err(NoCaseText::Format) } else { text(path) };
        Self { path: path.to_owned(), text }
    }
}

fn text(path: &Path) -> Result<String, NoCaseText> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_CASE + 1).read_to_end(&mut bytes));
    read.map_err(|error| NoCaseText::Unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_CASE {
        return Err(NoCaseText::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        NoCaseText::Encoding { line: 1 + good.iter().filter(|byte| **byte == b'\n').count() }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_without_a_text_says_why_and_where() {
        let dir = tempfile::tempdir().expect("a directory");
        let read = |name: &str| CaseText::read(&dir.path().join(name)).text;
        fs::write(dir.path().join("good"), "a\nä").expect("written");
        fs::write(dir.path().join("latin"), b"a\n\xe4").expect("written");
        assert_eq!(read("good").as_deref(), Ok("a\nä"));
        assert_eq!(read("latin"), Err(NoCaseText::Encoding { line: 2 }));
        fs::write(dir.path().join("a.case.yaml"), "expect: {}").expect("written");
        assert_eq!(read("a.case.yaml"), Err(NoCaseText::Format));
        assert!(matches!(read("gone"), Err(NoCaseText::Unreadable(_))));
    }
}
