//! What need not be done again: the last component is kept for as long as nothing has changed that it was made of.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PlaceError, Project, place::put};

/// The folder in a project for what a build needs from one time to the next.
pub(super) const WORKSHOP: &str = ".build";

/// What the last component was made of, in the workshop.
const STAMP: &str = "stamp.json";

/// What decides whether a component has to be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ingredients(String);

/// Counts ingredients.
pub(super) struct Recipe(Sha256);

impl Recipe {
    /// The beginning of every recipe: another version of this program may make another component of the same.
    pub(super) fn new(name: &str) -> Self {
        Self(Sha256::new()).with("fetchlock", env!("CARGO_PKG_VERSION")).with("recipe", name)
    }

    /// One more ingredient.
    pub(super) fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), content.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// All of them.
    pub(super) fn ingredients(self) -> Ingredients {
        Ingredients(hex(self.0))
    }
}

fn hex(digest: Sha256) -> String {
    format!("{:x}", digest.finalize())
}

/// Where a project is built.
#[derive(Debug)]
pub(super) struct Workshop {
    dir: PathBuf,
    component: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    ingredients: Ingredients,
    /// The component's own digest: somebody may have put another in its place.
    component: String,
}

impl Workshop {
    /// The workshop of a project. Version control passes over it.
    pub(super) fn of(project: &Project) -> Result<Self, PlaceError> {
        let dir = project.dir.join(WORKSHOP);
        put(&dir.join(".gitignore"), b"*\n")?;
        Ok(Self { dir, component: project.component() })
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The component, if it was made of these.
    pub(super) fn made_of(&self, ingredients: &Ingredients) -> Option<Vec<u8>> {
        let stamp: Stamp = serde_json::from_slice(&fs::read(self.file(STAMP)).ok()?).ok()?;
        let component = fs::read(&self.component).ok()?;
        let digest = hex(Sha256::new_with_prefix(&component));
        (stamp == Stamp { ingredients: ingredients.clone(), component: digest }).then_some(component)
    }

    /// Remembers what a component was made of.
    pub(super) fn remember(&self, ingredients: Ingredients, component: &[u8]) -> Result<(), PlaceError> {
        let stamp = Stamp { ingredients, component: hex(Sha256::new_with_prefix(component)) };
        let path = self.file(STAMP);
        let text = serde_json::to_vec(&stamp).map_err(io::Error::other);
        put(&path, &text.map_err(PlaceError::io(&path, "written"))?).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Language;

    #[test]
    fn a_component_is_kept_until_it_or_one_of_its_ingredients_changes() {
        let dir = tempfile::tempdir().expect("a folder");
        let project = Project { dir: dir.path().to_owned(), language: Language::Python, name: "a".into() };
        let workshop = Workshop::of(&project).expect("a workshop");
        let of = |text: &str| Recipe::new("python").with("a.py", text).ingredients();
        assert_eq!(workshop.made_of(&of("1")), None);
        workshop.remember(of("1"), b"component").expect("remembered");
        assert_eq!(workshop.made_of(&of("1")), None, "it is not there");
        put(&project.component(), b"component").expect("written");
        assert_eq!(workshop.made_of(&of("1")).as_deref(), Some(&b"component"[..]));
        assert_eq!(workshop.made_of(&of("2")), None, "another ingredient");
        put(&project.component(), b"another").expect("written");
        assert_eq!(workshop.made_of(&of("1")), None, "another component");
    }

    #[test]
    fn ingredients_do_not_run_into_each_other() {
        let of = |name: &str, text: &str| Recipe::new("python").with(name, text).ingredients();
        assert_ne!(of("a", "bc"), of("ab", "c"));
    }
}
