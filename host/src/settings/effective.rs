//! The settings in effect, as text: each with the place it comes from, secrets hidden.

use std::fmt;

use serde_json::Value;

use super::{Loaded, strict::Place, wording::dotted};

/// Comments begin here, if the values leave room for it.
const COMMENT_COLUMN: usize = 48;

/// TOML that could be read again, but for the secrets: one setting a line, with its place in a comment.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = serde_json::to_value(&self.settings).map_err(|_| fmt::Error)?;
        // Its default follows another setting.
        settings["cache-dir"] = Value::from(self.settings.cache_dir().to_string_lossy());
        self.write(f, &mut Vec::new(), &settings)
    }
}

impl Loaded {
    fn write(&self, f: &mut fmt::Formatter<'_>, path: &mut Vec<String>, value: &Value) -> fmt::Result {
        let Value::Object(table) = value else {
            let setting = match value {
                Value::Null => format!("# {} is not set", dotted(path)),
                value => format!("{} = {value}", dotted(path)),
            };
            let place = if self.layers.gives(path) { self.layers.place(path) } else { Place::Default };
            return match value {
                Value::Null => writeln!(f, "{setting}"),
                _ => writeln!(f, "{setting:COMMENT_COLUMN$} # {place}"),
            };
        };
        for (key, inner) in table {
            path.push(key.clone());
            self.write(f, path, inner)?;
            path.pop();
        }
        Ok(())
    }
}
