//! Grants: what a plugin may do beyond its own task. Its manifest requests, the operator's settings allow, and a grant
//! holds only if both name it, so that who can drop a file cannot give himself rights.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

/// What can be granted, each for names of its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// To start processes, by their keys.
    StartProcess,
    /// To correlate messages, by their names.
    CorrelateMessage,
}

impl Grant {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 2] = [Self::StartProcess, Self::CorrelateMessage];

    /// Its key in manifests and settings.
    pub fn key(self) -> &'static str {
        match self {
            Self::StartProcess => "start-process",
            Self::CorrelateMessage => "correlate-message",
        }
    }
}

/// The table `[grants]` of a manifest, and each `[grants.NAME]` of the settings: the same keys in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrantTable {
    /// The keys of the processes that the handler may start. `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub start_process: Names,
    /// The names of the messages that the handler may send, to who waits for them or to start processes with them.
    /// `"*"` stands for any.
    #[schemars(extend("x-absent" = "none"))]
    pub correlate_message: Names,
}

impl GrantTable {
    fn names(&self, grant: Grant) -> &Names {
        match grant {
            Grant::StartProcess => &self.start_process,
            Grant::CorrelateMessage => &self.correlate_message,
        }
    }
}

/// Exact names, or any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Names(BTreeSet<String>);

/// What stands for any name.
const ANY: &str = "*";

/// The longest name, in characters: what the engines' databases take.
const MAX_NAME: usize = 255;

impl Names {
    fn are_any(&self) -> bool {
        self.0.contains(ANY)
    }

    /// Whether a name is among them.
    pub fn cover(&self, name: &str) -> bool {
        self.are_any() || self.0.contains(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in both; a name that one side covers with `"*"` is in both.
    fn common(&self, other: &Self) -> Self {
        match (self.are_any(), other.are_any()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            (false, false) => Self(self.0.intersection(&other.0).cloned().collect()),
        }
    }

    /// What is written here and not covered there.
    fn beyond(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|name| !other.cover(name)).cloned().collect())
    }
}

/// As TOML writes a list of texts.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<T: Into<String>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// What is expected as names, in the words of messages and of the reference.
const WANTED: &str = "a list of names in quotes, or one text of names with commas between";

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["array", "string"],
            "items": { "type": "string" },
            "x-written": WANTED,
        })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = list.next_element::<String>()? {
            names.insert(sane(&name)?);
        }
        Ok(Names(names))
    }

    /// A variable of the environment can hold nothing else.
    fn visit_str<E: Error>(self, text: &str) -> Result<Names, E> {
        text.split(',').map(|name| sane(name.trim())).collect::<Result<_, E>>().map(Names)
    }
}

fn sane<E: Error>(name: &str) -> Result<String, E> {
    let is_sane = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    let wanted = format!("names of 1 to {MAX_NAME} characters without control characters, or \"*\" for any");
    is_sane.then(|| name.to_owned()).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &wanted.as_str()))
}

/// The grants of one plugin at one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The name of its file without `.wasm`.
    plugin: String,
    requested: GrantTable,
    allowed: GrantTable,
}

/// How it stands with one grant of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub grant: Grant,
    /// What the manifest requests.
    pub requested: Names,
    /// What of it holds, because it is allowed too.
    pub held: Names,
    /// What of it is refused.
    pub refused: Names,
}

impl Grants {
    /// What a manifest requests, as far as the settings allow it. `plugin` is the name of its file without `.wasm`.
    pub fn new(plugin: impl Into<String>, requested: GrantTable, allowed: GrantTable) -> Self {
        Self { plugin: plugin.into(), requested, allowed }
    }

    /// The same plugin with all that its manifest requests, as an operator might allow it.
    #[must_use]
    pub fn as_requested(&self) -> Self {
        Self { allowed: self.requested.clone(), ..self.clone() }
    }

    /// Whether a grant holds for a name.
    ///
    /// # Errors
    /// [`Denied`], which names what is missing and where it belongs.
    pub fn check(&self, grant: Grant, name: &str) -> Result<(), Denied> {
        let requested = self.requested.names(grant).cover(name);
        let allowed = self.allowed.names(grant).cover(name);
        if requested && allowed {
            return Ok(());
        }
        Err(Denied { grant, name: name.to_owned(), plugin: self.plugin.clone(), requested, allowed })
    }

    /// How it stands with every grant that the manifest requests something of.
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |grant| {
            let (requested, allowed) = (self.requested.names(grant), self.allowed.names(grant));
            Standing {
                grant,
                requested: requested.clone(),
                held: requested.common(allowed),
                refused: requested.beyond(allowed),
            }
        };
        Grant::ALL.into_iter().map(standing).filter(|it| !it.requested.is_empty()).collect()
    }

    /// What the operator has to add to the settings, for a grant to hold as requested.
    pub fn advice(&self, grant: Grant, names: &Names) -> String {
        format!("add `{} = {names}` to {} of fetchlock.toml", grant.key(), self.table())
    }

    /// The table of the settings that allows this plugin something.
    fn table(&self) -> String {
        format!("[grants.{}]", key(&self.plugin))
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> Cow<'_, str> {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { name.into() } else { format!("{name:?}").into() }
}

/// A grant does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denied {
    grant: Grant,
    name: String,
    plugin: String,
    requested: bool,
    allowed: bool,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grant, name, plugin, requested, allowed } = self;
        let manifest = "the plugin's manifest does not request it";
        let operator = "the operator does not allow it";
        let (in_manifest, in_settings) =
            (format!("[grants] of {plugin}.toml"), format!("[grants.{}] of fetchlock.toml", key(plugin)));
        let (why, place) = match (requested, allowed) {
            (false, true) => (manifest.to_owned(), in_manifest),
            (true, _) => (operator.to_owned(), in_settings),
            (false, false) => (format!("{manifest} and {operator}"), format!("{in_manifest} and to {in_settings}")),
        };
        let key = grant.key();
        write!(f, "{key} of {name:?} is not granted: {why}; add `{key} = [{name:?}]` to {place}")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn table(processes: &[&str], messages: &[&str]) -> GrantTable {
        let names = |names: &[&str]| names.iter().copied().collect();
        GrantTable { start_process: names(processes), correlate_message: names(messages) }
    }

    fn grants(requested: &[&str], allowed: &[&str]) -> Grants {
        Grants::new("charge-card", table(requested, &[]), table(allowed, &[]))
    }

    fn denied(requested: &[&str], allowed: &[&str]) -> String {
        let denied = grants(requested, allowed).check(Grant::StartProcess, "invoice");
        denied.expect_err("denied").to_string()
    }

    #[test]
    fn a_grant_holds_only_if_both_sides_name_it() {
        for (requested, allowed, holds) in [
            (&["invoice"][..], &["invoice"][..], true),
            (&["*"], &["invoice"], true),
            (&["invoice"], &["*"], true),
            (&["*"], &["*"], true),
            (&["invoice"], &[], false),
            (&[], &["invoice"], false),
            (&[], &["*"], false),
            (&["*"], &[], false),
            (&["order"], &["invoice"], false),
            (&["invoice"], &["Invoice"], false),
            (&["inv*"], &["*"], false),
        ] {
            let grants = grants(requested, allowed);
            assert_eq!(grants.check(Grant::StartProcess, "invoice").is_ok(), holds, "{requested:?} {allowed:?}");
            assert!(grants.check(Grant::CorrelateMessage, "invoice").is_err(), "a grant is of one kind");
        }
    }

    #[test]
    fn a_denial_names_the_half_that_is_missing_and_where_it_belongs() {
        assert_snapshot!(denied(&[], &["*"]), @r#"start-process of "invoice" is not granted: the plugin's manifest does not request it; add `start-process = ["invoice"]` to [grants] of charge-card.toml"#);
        assert_snapshot!(denied(&["*"], &[]), @r#"start-process of "invoice" is not granted: the operator does not allow it; add `start-process = ["invoice"]` to [grants.charge-card] of fetchlock.toml"#);
        assert_snapshot!(denied(&[], &[]), @r#"start-process of "invoice" is not granted: the plugin's manifest does not request it and the operator does not allow it; add `start-process = ["invoice"]` to [grants] of charge-card.toml and to [grants.charge-card] of fetchlock.toml"#);
    }

    #[test]
    fn a_name_that_is_no_bare_key_is_quoted() {
        let denied = Grants::new("a.b", table(&["*"], &[]), GrantTable::default());
        let denied = denied.check(Grant::StartProcess, "x\ny").expect_err("denied").to_string();
        assert!(denied.contains(r#"[grants."a.b"]"#) && denied.contains(r#""x\ny""#), "{denied}");
    }

    #[test]
    fn of_what_is_requested_it_is_told_what_holds_and_what_is_refused() {
        let told = |requested: &[&str], allowed: &[&str]| {
            let standings = grants(requested, allowed).standings();
            standings.iter().map(|it| format!("{} holds, {} refused", it.held, it.refused)).collect::<Vec<_>>().join("")
        };
        assert_eq!(told(&["a", "b"], &["b", "c"]), r#"["b"] holds, ["a"] refused"#);
        assert_eq!(told(&["*"], &["b"]), r#"["b"] holds, ["*"] refused"#);
        assert_eq!(told(&["a"], &["*"]), r#"["a"] holds, [] refused"#);
        assert_eq!(told(&["*"], &["*"]), r#"["*"] holds, [] refused"#);
        assert_eq!(told(&[], &["a"]), "");
    }
}
