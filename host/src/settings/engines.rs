//! `[engines.NAME]`: further engines beside that of `[engine]`, and which one is meant by a name.

use std::{collections::BTreeMap, iter};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::{EngineSettings, Settings, confidential, strict::Layers, strict::Problems, written};
use crate::{setting_key::SettingKey, task::EngineName};

/// The table of the engine that every host has.
pub(super) const FIRST: &str = "engine";

/// The table of the tables of further engines.
const FURTHER: &str = "engines";

/// One of the engines of the settings.
#[derive(Debug, Clone)]
pub struct NamedEngine<'a> {
    /// Its table: `engine` or `engines.NAME`.
    pub table: SettingKey,
    /// What stands there.
    pub settings: &'a EngineSettings,
}

/// An engine was asked for that the settings do not name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no engine \"{name}\" is in the settings: expected {}", known.join(" or "))]
pub struct UnknownEngine {
    name: String,
    known: Vec<String>,
}

impl Settings {
    /// All engines, that of `[engine]` first.
    pub fn engines(&self) -> impl Iterator<Item = NamedEngine<'_>> {
        let first = NamedEngine { table: SettingKey::new([FIRST]), settings: &self.engine };
        let further = self
            .engines
            .iter()
            .map(|(name, settings)| NamedEngine { table: SettingKey::new([FURTHER, name.as_str()]), settings });
        iter::once(first).chain(further)
    }

    /// The engine of a name, or that of `[engine]`.
    ///
    /// # Errors
    /// [`UnknownEngine`].
    pub fn engine_named(&self, name: Option<&EngineName>) -> Result<NamedEngine<'_>, UnknownEngine> {
        let is_meant = |engine: &NamedEngine<'_>| name.is_none_or(|name| engine.settings.name == *name);
        self.engines().find(is_meant).ok_or_else(|| UnknownEngine {
            name: name.map(ToString::to_string).unwrap_or_default(),
            known: self.engines().map(|engine| format!("\"{}\"", engine.settings.name)).collect(),
        })
    }

    /// Puts an engine of our own, at this address and without a login, in the place of each that is named.
    pub(super) fn replace_engines(&mut self, url: &Url) {
        for engine in iter::once(&mut self.engine).chain(self.engines.values_mut()) {
            let name = engine.name.clone();
            *engine = EngineSettings { url: Some(url.clone()), name, ..EngineSettings::default() };
        }
    }

    /// Gives the further engines the names of their tables.
    pub(super) fn name_engines(&mut self) {
        for (name, engine) in &mut self.engines {
            engine.name = name.clone();
        }
    }
}

/// What the settings of the engines get wrong, each by itself and beside the others.
pub(super) fn misfits(settings: &Settings, layers: &Layers) -> Problems {
    let first = settings.engine.misfits(&[FIRST], layers);
    settings.engines.iter().fold(first, |problems, (name, engine)| {
        let table = [FURTHER, name.as_str()];
        problems.and(engine.misfits(&table, layers)).and(further_misfits(name, engine, settings, layers))
    })
}

fn further_misfits(name: &EngineName, engine: &EngineSettings, settings: &Settings, layers: &Layers) -> Problems {
    let table = [FURTHER, name.as_str()];
    let mut problems = Problems::default();
    if !written::is_name(name.as_str(), written::MAX_NAME) {
        problems = problems.and(layers.misfit(&table, format!("expected {}", written::wanted_name())));
    }
    if *name == settings.engine.name {
        let why = "this is the name of `[engine]` too (`engine.name`), and logs, manifests and the journal tell \
                   engines by their names: rename one of them";
        problems = problems.and(layers.misfit(&table, why));
    }
    if engine.url.is_none() {
        problems = problems.and(layers.misfit(&table, "it has no `url`: add it"));
    }
    let own_name = [FURTHER, name.as_str(), "name"];
    if layers.gives(&own_name.map(str::to_owned)) {
        problems = problems.and(layers.misfit(&own_name, "the name of its table is the engine's: leave this out"));
    }
    problems
}

/// Leaves the names out of the tables of further engines, where they cannot be written.
pub(super) fn hide_names(settings: &mut Value) {
    let further = settings[FURTHER].as_object_mut().into_iter().flatten();
    for engine in further.filter_map(|(_, engine)| engine.as_object_mut()) {
        engine.shift_remove("name");
    }
}

/// Reads the tables of further engines.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<EngineName, EngineSettings>, D::Error> {
    let tables = BTreeMap::<EngineName, confidential::Table<EngineSettings>>::deserialize(from)?;
    Ok(tables.into_iter().map(|(name, confidential::Table(settings))| (name, settings)).collect())
}

/// The tables of further engines: that of `[engine]`, without its name.
pub(super) fn any(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "$ref": format!("#/properties/{FIRST}"), "not": { "required": ["name"] } },
        "x-written": "a table of tables, one for each engine, with the keys of `[engine]`",
    })
}
