//! Reads layered settings strictly: whatever is wrong becomes one line that tells where, what was found, what is
//! expected and what to do. The settings of the host and the manifests of plugins are read by the same rules.
//!
//! Values come in layers, each with the place it was given at: a TOML file, an environment variable, a flag. A later
//! layer overrides an earlier one, table by table. All wrong values are reported together, not only the first.

use std::{borrow::Cow, collections::BTreeMap, fmt, num::IntErrorKind, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::{Actual, Kind},
    providers::{Format, Toml},
    value::{Dict, Map, Num, Value},
};
use serde::de::DeserializeOwned;

use super::{
    lines::TomlFile,
    wording::{MAX_QUOTED, advice, listed, quoted, wanted},
};
use crate::{foreign::Escaped, setting_key::dotted};

/// More wrong values than this are not listed: the first ones tell enough.
const MAX_PROBLEMS: usize = 20;

/// What is wrong with settings or a manifest; each problem is one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

/// One thing that is wrong. Problems are sorted by their place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    place: Place,
    text: String,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A line of a file, counted from 1; line 0 is the file as a whole.
    Line(String, usize),
    /// An environment variable.
    Variable(String),
    /// A command line flag.
    Flag(&'static str),
    /// A command line flag with its value.
    Argument(String),
    /// Nobody gave it.
    Default,
}

impl Problems {
    /// One problem at a place.
    pub(crate) fn one(place: Place, text: impl fmt::Display) -> Self {
        Self(vec![Problem { place, text: Escaped(text).to_string() }])
    }

    /// These problems and those.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self.0.sort();
        self
    }

    /// The same, all at one place.
    pub(crate) fn at(self, place: &Place) -> Self {
        Self(self.0.into_iter().map(|problem| Problem { place: place.clone(), ..problem }).collect())
    }

    /// `Ok` if there are none.
    pub(crate) fn none(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The problems, one line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|Problem { place, text }| match place {
            Place::Default => text.clone(),
            place => format!("{place}: {text}"),
        })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, 0) => f.write_str(file),
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
            Self::Argument(argument) => f.write_str(argument),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Layers of values, the later over the earlier.
#[derive(Default)]
pub(crate) struct Layers {
    figment: Figment,
    file: Option<TomlFile>,
    /// Where each layer was given, by the name of its metadata.
    places: BTreeMap<String, Place>,
    /// The values that were given as texts because their place knows nothing else.
    untyped: Vec<Untyped>,
    /// The whole numbers of more than 64 bits, as they are written.
    too_large: Vec<Untyped>,
    /// The keys whose values were found to be wrong.
    wrong: Vec<Vec<String>>,
}

/// A text that may mean a number or a truth value.
struct Untyped {
    place: Place,
    path: Vec<String>,
    text: String,
}

impl Layers {
    /// Adds the text of a TOML file. At most one file belongs to the layers.
    pub(crate) fn file(mut self, path: &Path, text: &str) -> Result<Self, Problems> {
        let name = Escaped(path.display()).to_string();
        let place = |line| Place::Line(name.clone(), line);
        let file = TomlFile::parse(&name, text).map_err(|(line, why)| Problems::one(place(line), why))?;
        // The same parser took the text a moment ago.
        let mut values: Dict = Toml::from_str(file.text()).map_err(|error| Problems::one(place(0), error.message()))?;
        values.values_mut().for_each(replace_dates);
        for (path, number) in file.too_large() {
            if let Some(value) = child_mut(&mut values, path) {
                *value = Value::Num(value.tag(), Num::I128(TOO_LARGE));
            }
            let (place, path, text) = (place(file.line(path)), path.clone(), number.clone());
            self.too_large.push(Untyped { place, path, text });
        }
        // The source makes figment take paths in the file relative to its directory.
        self.figment = self.figment.merge(Layer { metadata: Metadata::from(FILE_LAYER, path), values });
        self.file = Some(file);
        Ok(self)
    }

    /// Adds one value, given at a place of its own.
    pub(crate) fn value(mut self, place: Place, path: &[String], value: Value) -> Self {
        self.merge(&place, path, value);
        self
    }

    /// Adds one value that could only be given as a text. Where a text does not do, it is taken for what it spells: so
    /// `8` can be a number, and the password `007` loses nothing.
    pub(crate) fn text(mut self, place: Place, path: Vec<String>, text: String) -> Self {
        self.merge(&place, &path, Value::from(text.clone()));
        self.untyped.push(Untyped { place, path, text });
        self
    }

    fn merge(&mut self, place: &Place, path: &[String], value: Value) {
        let Some((last, tables)) = path.split_last() else { return };
        let leaf = Dict::from([(last.clone(), value)]);
        let values = tables.iter().rev().fold(leaf, |inner, key| Dict::from([(key.clone(), Value::from(inner))]));
        let metadata = Metadata::named(place.to_string());
        self.figment = std::mem::take(&mut self.figment).merge(Layer { metadata, values });
        self.places.insert(place.to_string(), place.clone());
    }

    /// Reads the layers as a `T` that keeps the rules between its values, or tells all that is wrong with them.
    ///
    /// Wrong values are left out for the rules; [`misfit`](Self::misfit) tells nothing that may come of that.
    pub(crate) fn read<T: DeserializeOwned>(
        &mut self,
        rules: impl FnOnce(&T, &Self) -> Problems,
    ) -> Result<T, Problems> {
        // Serde stops at the first wrong value. To find the others too, each wrong one is left out and the rest read.
        let mut problems = Vec::new();
        let value = loop {
            let error = match self.without(&self.wrong).extract::<T>() {
                Ok(value) => break Some(value),
                Err(error) => error,
            };
            let path = key_path(&error);
            if matches!(error.kind, Kind::InvalidType(..)) && self.spell_out(&path) {
                continue;
            }
            if !self.follows_from_wrong(&error, &path) {
                problems.push(self.problem(&error));
            }
            let known = path.is_empty() || self.wrong.contains(&path);
            self.wrong.push(path);
            if known || problems.len() >= MAX_PROBLEMS {
                break None;
            }
        };
        let broken = value.as_ref().map(|value| rules(value, self)).unwrap_or_default();
        problems.sort();
        problems.dedup();
        let problems = Problems(problems).and(broken);
        match value {
            Some(value) => problems.none().map(|()| value),
            None => Err(problems),
        }
    }

    /// Whether an error says no more than that a wrong value has been left out.
    fn follows_from_wrong(&self, error: &figment::Error, path: &[String]) -> bool {
        match &error.kind {
            Kind::MissingField(field) => self
                .wrong
                .iter()
                .any(|wrong| wrong.split_last().is_some_and(|(key, table)| key == field && table == path)),
            // The words of a table that is read by hand.
            Kind::Message(_) => self.wrong.iter().any(|wrong| wrong.len() > path.len() && wrong.starts_with(path)),
            _ => false,
        }
    }

    /// All values but the wrong ones.
    fn without(&self, wrong: &[Vec<String>]) -> Cow<'_, Figment> {
        if wrong.is_empty() {
            return Cow::Borrowed(&self.figment);
        }
        let mut values = self.values();
        wrong.iter().for_each(|path| take_out(&mut values, path));
        Cow::Owned(Figment::from(Layer { metadata: Metadata::default(), values }))
    }

    /// Makes a text that was given for a key the number or truth value that it spells, once.
    fn spell_out(&mut self, path: &[String]) -> bool {
        let place = self.place(path);
        let Some(found) = self.untyped.iter().position(|text| text.path == path && text.place == place) else {
            return false;
        };
        let Untyped { text, .. } = self.untyped.swap_remove(found);
        let truth = text.parse::<bool>().map(Value::from);
        let number = || match text.parse::<i64>() {
            Ok(number) => Ok(Value::from(number)),
            Err(error) => match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Ok(Value::from(TOO_LARGE)),
                _ => Err(error),
            },
        };
        let fraction = || text.parse::<f64>().map(Value::from);
        let Ok(value) = truth.or_else(|_| number()).or_else(|_| fraction()) else { return false };
        self.merge(&place, path, value);
        self.too_large.push(Untyped { place, path: path.to_owned(), text });
        true
    }

    /// Where the value of a key was given.
    pub(crate) fn place(&self, path: &[String]) -> Place {
        let values = Value::from(self.values());
        // What is missing belongs to the innermost table that is there.
        let lengths = (1..=path.len()).rev();
        let found = lengths.into_iter().find_map(|length| path[..length].iter().try_fold(&values, child));
        let Some(metadata) = found.and_then(|value| self.figment.get_metadata(value.tag())) else {
            return Place::Default;
        };
        match &self.file {
            Some(file) if metadata.name == FILE_LAYER => Place::Line(file.name.clone(), file.line(path)),
            _ => self.places.get(metadata.name.as_ref()).cloned().unwrap_or(Place::Default),
        }
    }

    /// Where the parts of a key's value were given, one place for each file; a value without parts has one place.
    pub(crate) fn places(&self, path: &[String]) -> Vec<Place> {
        let values = Value::from(self.values());
        let mut places = match path.iter().try_fold(&values, child) {
            None => vec![Place::Default],
            Some(Value::Dict(_, parts)) if !parts.is_empty() => {
                parts.keys().map(|part| self.place(&[path, std::slice::from_ref(part)].concat())).collect()
            }
            Some(_) => vec![self.place(path)],
        };
        places.sort();
        places.dedup_by(|later, earlier| match (&later, &earlier) {
            (Place::Line(file, _), Place::Line(other, _)) => file == other,
            _ => later == earlier,
        });
        places
    }

    /// Whether a key was given at all.
    pub(crate) fn gives(&self, path: &[String]) -> bool {
        let values = Value::from(self.values());
        path.iter().try_fold(&values, child).is_some()
    }

    /// The keys of a table that the file gives, in their order there.
    pub(crate) fn keys_in_file(&self, table: &[String]) -> Vec<String> {
        self.file.as_ref().map(|file| file.keys(table)).unwrap_or_default()
    }

    /// A problem with a key whose value is read but does not fit the others. None if a value of the same table is wrong
    /// by itself: then this one may fit what was meant.
    pub(crate) fn misfit(&self, path: &[&str], why: impl fmt::Display) -> Problems {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        let tables = [path.as_slice(), path.split_last().map_or(&[], |(_, table)| table)];
        if self.wrong.iter().filter_map(|wrong| wrong.split_last()).any(|(_, table)| tables.contains(&table)) {
            return Problems::default();
        }
        self.misuse(&path, why)
    }

    /// A problem with the value of a key, whatever stands beside it.
    pub(crate) fn misuse(&self, path: &[String], why: impl fmt::Display) -> Problems {
        Problems::one(self.place(path), format!("`{}`: {why}", dotted(path)))
    }

    /// A whole number of more than 64 bits, as it is written for a key at a place.
    fn too_large(&self, path: &[String], place: &Place) -> Option<&str> {
        let found = self.too_large.iter().find(|number| number.path == path && number.place == *place);
        found.map(|number| number.text.as_str())
    }

    fn values(&self) -> Dict {
        // The layers hold parsed values only, so figment has no error of its own to tell.
        self.figment.data().ok().and_then(|mut data| data.remove(&Profile::Default)).unwrap_or_default()
    }

    fn problem(&self, error: &figment::Error) -> Problem {
        let path = key_path(error);
        let (key, place) = (dotted(&path), self.place(&path));
        let text = match &error.kind {
            Kind::UnknownField(_, valid) => format!("unknown key `{key}`: {}", advice(&place, &path, valid)),
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                let found = match self.too_large(&path, &place).filter(|_| is(found, TOO_LARGE)) {
                    Some(number) => number.chars().take(MAX_QUOTED).collect(),
                    None if is(found, DATE_VALUE) => "a date or time".into(),
                    None => quoted(found),
                };
                format!("`{key}` is {found}: expected {}", wanted(&place, &path, expected))
            }
            Kind::UnknownVariant(found, valid) => {
                let found = quoted(&Actual::Str(found.clone()));
                format!("`{key}` is {found}: expected {}", listed(valid, "or", |name| format!("\"{name}\"")))
            }
            Kind::MissingField(field) => format!("`{key}` has no `{field}`: add it"),
            Kind::Message(message) => format!("`{key}`: {message}"),
            other => format!("`{key}`: {other}"),
        };
        Problem { place, text: Escaped(text).to_string() }
    }
}

/// The name of the layer of the file in figment's metadata.
const FILE_LAYER: &str = "file";

/// One layer as figment takes it.
struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// The key an error is about, without the fields that figment makes up while it reads a path.
fn key_path(error: &figment::Error) -> Vec<String> {
    error.path.iter().filter(|key| !key.starts_with("___figment")).cloned().collect()
}

/// How the parser of TOML calls the one key of the table that it makes of a date or time.
const DATE: &str = "$__toml_private_datetime";

/// Stands for a date or time: no setting is one, and nothing reads a number of this width.
const DATE_VALUE: i128 = 0;

/// Stands for a whole number of more than 64 bits.
pub(super) const TOO_LARGE: i128 = 1;

/// Puts a number that nothing reads in the place of each date or time: as a table of one key it could pass for the table
/// of a setting.
fn replace_dates(value: &mut Value) {
    match value {
        Value::Dict(tag, table) if table.contains_key(DATE) => *value = Value::Num(*tag, Num::I128(DATE_VALUE)),
        Value::Dict(_, table) => table.values_mut().for_each(replace_dates),
        Value::Array(_, list) => list.iter_mut().for_each(replace_dates),
        _ => {}
    }
}

/// Whether what was found is one of the numbers that stand for something else.
fn is(found: &Actual, number: i128) -> bool {
    matches!(found, Actual::Other(kind) if *kind == format!("integer `{number}` as i128"))
}

/// The value at a path, to be replaced.
fn child_mut<'a>(values: &'a mut Dict, path: &[String]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(values.get_mut(first)?, |value, key| match value {
        Value::Dict(_, table) => table.get_mut(key),
        Value::Array(_, list) => list.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn child<'a>(value: &'a Value, key: &String) -> Option<&'a Value> {
    match value {
        // The names of headers are the one kind of key whose case does not matter.
        Value::Dict(_, dict) => dict
            .get(key)
            .or_else(|| dict.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value)),
        Value::Array(_, list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Removes the value at a path; an element of a list goes with its list.
fn take_out(values: &mut Dict, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match values.get_mut(first) {
        Some(Value::Dict(_, inner)) if !rest.is_empty() => take_out(inner, rest),
        _ => drop(values.remove(first)),
    }
}
