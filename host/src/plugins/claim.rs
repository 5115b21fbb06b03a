//! The claim of a plugin: which tasks of which engine it wants, and whether another one may stand beside it.

use std::path::PathBuf;

use super::{
    catalog::Plugin,
    load::{Why, file_name},
};
use crate::task::{EngineName, Filter, Topic};

/// What a plugin wants to be given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// The component's file, by which the plugin is told from others.
    pub(super) file: PathBuf,
    pub(super) engine: EngineName,
    pub(super) topic: Topic,
    pub(super) filter: Filter,
}

impl Claim {
    /// What a plugin that serves has.
    pub(super) fn of(plugin: &Plugin) -> Self {
        let subscription = &plugin.settings.subscription;
        Self {
            file: plugin.file.clone(),
            engine: plugin.settings.engine.clone(),
            topic: subscription.topic.clone(),
            filter: subscription.filter.clone(),
        }
    }

    /// The refusal of this claim if one of the others may want the same task: nothing says which of two was meant.
    pub(super) fn refused_beside<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Option<Why> {
        let other = others.into_iter().find(|other| self.meets(other))?;
        let name = file_name(&other.file);
        // Those of a check may be in several directories.
        let other = if name == file_name(&self.file) { other.file.display().to_string() } else { name };
        Some(Why::Duplicate { topic: self.topic.clone(), other })
    }

    fn meets(&self, other: &Self) -> bool {
        self.file != other.file
            && self.engine == other.engine
            && self.topic == other.topic
            && !self.filter.excludes(&other.filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(file: &str, engine: &str, tenant: Option<&str>) -> Claim {
        Claim {
            file: file.into(),
            engine: EngineName::new(engine),
            topic: Topic::new("charge"),
            filter: Filter { tenant_id_in: tenant.map(str::to_owned).into_iter().collect(), ..Filter::default() },
        }
    }

    #[test]
    fn two_claims_to_one_topic_are_refused_with_the_name_of_the_other() {
        let (mine, other) = (claim("p/a.wasm", "e", None), claim("p/b.wasm", "e", Some("t")));
        let why = mine.refused_beside([&mine, &other]).expect("refused");
        insta::assert_snapshot!(why, @"its topic `charge` is served by b.wasm already, and nothing in the filters of the two keeps them apart: rename one of them, or set `topic` or `[filter]` in a manifest");
    }

    #[test]
    fn claims_whose_filters_exclude_each_other_or_to_other_engines_stand_side_by_side() {
        let mine = claim("p/a.wasm", "e", Some("t"));
        assert!(mine.refused_beside([&claim("p/b.wasm", "e", Some("u"))]).is_none());
        assert!(mine.refused_beside([&claim("p/b.wasm", "f", Some("t"))]).is_none());
        assert!(mine.refused_beside([&claim("p/b.wasm", "e", Some("t"))]).is_some());
    }
}
