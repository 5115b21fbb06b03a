//! File variables, whose content stays at the engine until somebody asks for it.

use std::borrow::Cow;

use crate::host;
use crate::variables::LoadError;

/// A file variable.
///
/// A file that arrives has its name and types with it, and its content still lies in the engine: [`File::load`] fetches
/// it. To pass such a file on, return it as it is; nothing is loaded then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file's name; never empty.
    pub filename: String,
    /// The MIME type, such as `application/pdf`.
    pub mime_type: Option<String>,
    /// The character encoding, such as `UTF-8`.
    pub encoding: Option<String>,
    /// The bytes, or where they lie.
    pub content: FileContent,
}

/// Where the content of a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// It still lies in the engine, in the task's variable of this name.
    Stored(String),
}

impl File {
    /// A new file.
    pub fn new(filename: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        let content = FileContent::Bytes(content.into());
        Self { filename: filename.into(), mime_type: None, encoding: None, content }
    }

    /// With this MIME type.
    #[must_use]
    pub fn with_mime_type(self, mime_type: impl Into<String>) -> Self {
        Self { mime_type: Some(mime_type.into()), ..self }
    }

    /// With this character encoding.
    #[must_use]
    pub fn with_encoding(self, encoding: impl Into<String>) -> Self {
        Self { encoding: Some(encoding.into()), ..self }
    }

    /// The content. It is loaded from the engine at the first call, not before; the host keeps it for further ones.
    ///
    /// # Errors
    /// The engine cannot be reached or refuses, or the content exceeds the plugin's limit.
    pub fn load(&self) -> Result<Cow<'_, [u8]>, LoadError> {
        match &self.content {
            FileContent::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            FileContent::Stored(name) => host::load(name).map(Cow::Owned),
        }
    }

    /// The content as text in UTF-8.
    ///
    /// # Errors
    /// As for [`File::load`], or it is no UTF-8.
    pub fn load_text(&self) -> Result<String, LoadError> {
        let bytes = self.load()?.into_owned();
        String::from_utf8(bytes).map_err(|error| LoadError::NotText(self.filename.clone(), error.utf8_error()))
    }
}
