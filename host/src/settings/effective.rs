//! The settings in effect, as text: each with the place it comes from, secrets hidden.

use std::fmt;

use serde_json::Value;

use super::{Loaded, Settings, engines, schema};
use crate::setting_key::dotted;

/// Comments begin here, if the values leave room for it.
const COMMENT_COLUMN: usize = 48;

/// TOML that could be read again, but for the secrets: one setting a line, with its place in a comment.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = serde_json::to_value(&self.settings).map_err(|_| fmt::Error)?;
        engines::hide_names(&mut settings);
        // Its default follows another setting.
        settings["cache-dir"] = Value::from(self.settings.cache_dir().to_string_lossy());
        self.write(f, &mut Vec::new(), &settings, schema::of::<Settings>().as_value())
    }
}

impl Loaded {
    /// Writes what is at a path. `schema` is that of all settings.
    fn write(&self, f: &mut fmt::Formatter<'_>, path: &mut Vec<String>, value: &Value, schema: &Value) -> fmt::Result {
        match value {
            Value::Object(table) if !table.is_empty() => {
                for (key, inner) in table {
                    path.push(key.clone());
                    self.write(f, path, inner, schema)?;
                    path.pop();
                }
                Ok(())
            }
            Value::Null => {
                let instead = schema::when_absent(schema, path).filter(|words| !words.starts_with("none"));
                let instead = instead.map(|words| format!(": {words}")).unwrap_or_default();
                writeln!(f, "# {} is not set{instead}", dotted(path))
            }
            value => {
                let setting = format!("{} = {value}", dotted(path));
                writeln!(f, "{setting:COMMENT_COLUMN$} # {}", self.source(path))
            }
        }
    }

    /// Where a setting comes from: several places, if each gave a part of it.
    fn source(&self, path: &[String]) -> String {
        if path == ["cache-dir"] && !self.layers.gives(path) {
            return "default, in state-dir".to_owned();
        }
        let places: Vec<_> = self.layers.places(path).iter().map(ToString::to_string).collect();
        places.join(", ")
    }
}
