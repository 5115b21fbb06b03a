//! The settings in environment variables: `FETCHLOCK_WORKER__MAX_CONCURRENT=8` is `worker.max-concurrent = 8`.

use std::ffi::OsString;

use super::strict::{Place, Problems};

/// What the name of every variable begins with. All variables with this beginning are settings; one that names no
/// setting is an error, because it is most likely a misspelt one.
const PREFIX: &str = "FETCHLOCK_";

/// What stands between a table and a key of it. (One underscore stands for a hyphen.)
const SEPARATOR: &str = "__";

/// A setting from the environment.
pub(super) struct Given {
    pub(super) place: Place,
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

/// The settings among the variables, the deepest first, so that a text given for a whole table is not hidden by a key
/// of that table but told to be wrong.
pub(super) fn given(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<Given>, Problems> {
    let (mut given, mut problems) = (Vec::new(), Problems::default());
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let path = key.split(SEPARATOR).map(|part| part.to_lowercase().replace('_', "-")).collect();
        let place = Place::Variable(name.to_string());
        match value.into_string() {
            Ok(text) => given.push(Given { place, path, text }),
            Err(_) => problems = problems.and(Problems::one(place, "the value is no UTF-8: expected a text")),
        }
    }
    problems.none()?;
    given.sort_by(|a, b| b.place.cmp(&a.place));
    Ok(given)
}

/// The variable that holds the key at a path.
pub(crate) fn variable<'a>(path: impl Iterator<Item = &'a str>) -> String {
    let parts: Vec<_> = path.map(|key| key.to_uppercase().replace('-', "_")).collect();
    format!("{PREFIX}{}", parts.join(SEPARATOR))
}
