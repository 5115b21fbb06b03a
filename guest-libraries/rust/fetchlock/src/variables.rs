//! The variables of the task, and lists of variables on their way to the engine.

use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::read::{self, Source};
use crate::{Transient, Value, host, write};

/// Why variables are not what a handler wants them to be, or what it returns are no variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VariableError {
    /// A variable has another type, or is not there.
    #[error("variable `{name}`: expected {expected}, found {found}")]
    Unexpected {
        /// The variable.
        name: String,
        /// The engine's name of the type that was expected.
        expected: String,
        /// What was found: the engine's name of a type, or `no such variable`.
        found: String,
    },
    /// A variable is of the right type and wrong all the same.
    #[error("variable `{name}`: {problem}")]
    Invalid {
        /// The variable.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Something that concerns no variable alone.
    #[error("{0}")]
    Other(String),
}

/// Why a file could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The task has no variable of this name.
    #[error("variable `{0}`: expected a file to load, found no such variable")]
    Unknown(String),
    /// The variable holds neither a file nor bytes.
    #[error("variable `{0}`: expected a file to load, found a value of another type")]
    NotAFile(String),
    /// The engine could not be reached in time, or refused. Worth another try.
    #[error("variable `{0}`: its content cannot be loaded: {1}")]
    Unavailable(String, String),
    /// The content is larger than the plugin's `payload` limit, in bytes.
    #[error("variable `{0}`: its content exceeds the plugin's limit `payload` of {1} bytes")]
    TooLarge(String, u64),
    /// The content was to be text in UTF-8.
    #[error("file `{0}`: expected text in UTF-8: {1}")]
    NotText(String, std::str::Utf8Error),
}

/// A variable on its way to the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name; never empty.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// True: usable within the engine's transaction (by a gateway behind the task, say) and not stored.
    pub transient: bool,
}

/// A list of variables, each name once: what a handler takes or returns if a struct is not what it wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(Vec<Variable>);

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of a struct, or the entries of a map.
    ///
    /// # Errors
    /// It is neither, or a field is nothing that the engine can hold.
    pub fn of<T: Serialize + ?Sized>(what: &T) -> Result<Self, VariableError> {
        write::write(what).map(Self)
    }

    /// Reads them into a struct or a map, as a handler's are read.
    ///
    /// # Errors
    /// A variable is missing or of another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, VariableError> {
        read::read(self)
    }

    /// With another one, which replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds one, which replaces one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.add(Variable { name: name.into(), value: value.into(), transient: false });
    }

    /// Adds one, which replaces one of the same name.
    pub fn add(&mut self, variable: Variable) {
        match self.0.iter_mut().find(|old| old.name == variable.name) {
            Some(old) => *old = variable,
            None => self.0.push(variable),
        }
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|variable| variable.name == name).map(|variable| &variable.value)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Variable> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Variables {
    type Item = Variable;
    type IntoIter = std::vec::IntoIter<Variable>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Variables {
    type Item = &'a Variable;
    type IntoIter = std::slice::Iter<'a, Variable>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Extend<Variable> for Variables {
    fn extend<I: IntoIterator<Item = Variable>>(&mut self, variables: I) {
        variables.into_iter().for_each(|variable| self.add(variable));
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        variables.into_iter().fold(Self::new(), |all, (name, value)| all.with(name, value))
    }
}

impl Serialize for Variables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for Variable { name, value, transient } in self {
            if *transient {
                map.serialize_entry(name, &Transient(value))?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, Value>::deserialize(deserializer)?;
        Ok(map.into_iter().collect())
    }
}

impl Source for Variables {
    fn get_many(&self, names: &[&str]) -> Vec<Option<Value>> {
        names.iter().map(|name| self.get(name).cloned()).collect()
    }

    fn all(&self) -> Vec<(String, Value)> {
        self.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect()
    }
}

/// The variables of the task, as the host has them.
struct OfTask;

impl Source for OfTask {
    fn get_many(&self, names: &[&str]) -> Vec<Option<Value>> {
        host::get_many(names)
    }

    fn all(&self) -> Vec<(String, Value)> {
        let names = host::names();
        let values = host::get_many(&names.iter().map(String::as_str).collect::<Vec<_>>());
        names.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Reads the variables of the task into a struct or a map.
///
/// # Errors
/// A variable is missing or of another type.
pub fn read<T: DeserializeOwned>() -> Result<T, VariableError> {
    read::read(&OfTask)
}

/// The value of one variable; none if the task has no such variable or the manifest does not fetch it.
pub fn get(name: &str) -> Option<Value> {
    host::get_many(&[name]).pop().flatten()
}

/// The names of all fetched variables, sorted.
pub fn names() -> Vec<String> {
    host::names()
}

/// The engine's name of a variable's type, such as `Integer`.
pub fn type_name(name: &str) -> Option<String> {
    host::type_name(name)
}

/// The content of the file (or bytes) variable of this name. A file is loaded from the engine at the first call.
///
/// # Errors
/// There is no such file, it cannot be reached, or it exceeds the plugin's limit.
pub fn load(name: &str) -> Result<Vec<u8>, LoadError> {
    host::load(name)
}
