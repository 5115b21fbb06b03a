//! The task that is given on the command line. It is put into the words of a case file, so that there is one set of rules
//! for values and one for a task.

use std::{fs, path::Path};

use serde::de::IgnoredAny;
use serde_json::Number;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::{
    cases::{self, Case},
    foreign::Escaped,
    settings::{
        Problems,
        strict::Place,
        wording::{listed, nearest},
    },
};

/// The types that a variable may have here.
const TYPES: [&str; 12] =
    ["Boolean", "Short", "Integer", "Long", "Double", "String", "Date", "Bytes", "File", "Json", "Xml", "Null"];

/// What is expected of a variable.
const VARIABLE: &str = "expected NAME=VALUE or NAME:TYPE=VALUE, such as amount=42 or order:Json=@order.json";

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotGiven {
    /// An argument cannot be read.
    #[error("{argument}: {why}")]
    Argument {
        /// The flag with its value.
        argument: String,
        /// What was expected, and what to do.
        why: String,
    },
    /// What it says is no task.
    #[error(transparent)]
    Task(#[from] Problems),
}

/// The arguments.
pub(super) struct Given<'a> {
    pub(super) variables: &'a [String],
    pub(super) task: &'a [String],
    pub(super) config: &'a [String],
}

impl Given<'_> {
    /// The case that they make, which expects nothing.
    pub(super) fn case(&self) -> Result<Case, NotGiven> {
        let mut whole = Words::default();
        for argument in self.variables {
            whole.add(&format!("--var {argument}"), || {
                let (name, value) = variable(argument)?;
                Ok((vec!["variables", name], value))
            })?;
        }
        for argument in self.task {
            whole.add(&format!("--task {argument}"), || {
                let (key, value) = pair(argument)?;
                let value = match key {
                    "retries" | "priority" | "create-time" => bare(value),
                    _ => value.into(),
                };
                Ok((["task"].into_iter().chain(key.splitn(2, '.')).collect(), value))
            })?;
        }
        for argument in self.config {
            whole.add(&format!("--set {argument}"), || {
                let (key, value) = pair(argument)?;
                let text = contents(value)?.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
                Ok((vec!["config", key], text.unwrap_or_else(|| unescaped(value).to_owned()).into()))
            })?;
        }
        whole.case()
    }
}

/// What the arguments come to in the words of a case file.
#[derive(Default)]
struct Words {
    document: DocumentMut,
    problems: Problems,
}

impl Words {
    /// Adds one argument: where its value belongs, and the value. What is wrong with it is told in its name.
    fn add<'a>(
        &mut self,
        argument: &str,
        read: impl FnOnce() -> Result<(Vec<&'a str>, Value), String>,
    ) -> Result<(), NotGiven> {
        let wrong = |why| NotGiven::Argument { argument: argument.to_owned(), why };
        let (path, value) = read().map_err(wrong)?;
        let mut alone = DocumentMut::new();
        put(alone.as_table_mut(), &path, value.clone()).map_err(wrong)?;
        let place = Place::Argument(Escaped(argument).to_string());
        let read = cases::file::parse(Path::new(""), "", &alone.to_string(), true);
        self.problems = std::mem::take(&mut self.problems).and(read.err().unwrap_or_default().at(&place));
        put(self.document.as_table_mut(), &path, value).map_err(wrong)
    }

    fn case(self) -> Result<Case, NotGiven> {
        self.problems.none()?;
        Ok(cases::file::parse(Path::new(""), "command line", &self.document.to_string(), true)?)
    }
}

/// Puts a value where it belongs, if there is none yet.
fn put(table: &mut Table, path: &[&str], value: Value) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [key] if table.contains_key(key) => Err(format!("`{key}` is given twice: keep one")),
        [key] => {
            table.insert(key, Item::Value(value));
            Ok(())
        }
        [key, rest @ ..] => match table.entry(key).or_insert_with(|| Item::Table(Table::new())).as_table_mut() {
            Some(inner) => put(inner, rest, value),
            None => Err(format!("`{key}` is given twice: keep one")),
        },
    }
}

fn pair(argument: &str) -> Result<(&str, &str), String> {
    let pair = argument.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    pair.ok_or_else(|| "expected KEY=VALUE".into())
}

/// A value that may be a number, a truth value or a date; else it is a text.
fn bare(text: &str) -> Value {
    let parsed = text.parse::<Value>().ok();
    let is_scalar = |value: &Value| value.is_integer() || value.is_float() || value.is_bool() || value.is_datetime();
    parsed.filter(is_scalar).unwrap_or_else(|| text.into())
}

/// The name of a variable, and its value in the words of a case file.
fn variable(argument: &str) -> Result<(&str, Value), String> {
    let (name, value) = argument.split_once('=').ok_or_else(|| VARIABLE.to_owned())?;
    let (name, kind) = match name.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (name, None),
    };
    if name.is_empty() {
        return Err(VARIABLE.to_owned());
    }
    let value = match kind {
        None if value.starts_with('{') => whole(name, value)?,
        None => match contents(value)? {
            Some(text) => text.into(),
            None => match bare(unescaped(value)) {
                date if date.is_datetime() => value.into(),
                number if number.is_integer() || number.is_float() => match serde_json::from_str::<Number>(value) {
                    Ok(_) => number,
                    // To everyone but TOML a text: `0x10`, `1_000`, `+49301`, `nan`.
                    Err(_) => value.into(),
                },
                other => other,
            },
        },
        Some(kind) => typed(kind, value)?,
    };
    Ok((name, value))
}

/// A value in the words of a case file, as it stands there.
fn whole(name: &str, text: &str) -> Result<Value, String> {
    let value = text.parse::<Value>().ok();
    let typed = value.filter(|value| value.as_inline_table().is_some_and(|table| table.contains_key("type")));
    typed.ok_or_else(|| match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => format!("a value in braces is a table with its `type`: for JSON, write {name}:Json={text}"),
        Err(_) => {
            format!("a value in braces is a table with its `type`, or JSON, written like {name}:Json={{\"a\":1}}")
        }
    })
}

fn typed(kind: &str, value: &str) -> Result<Value, String> {
    if !TYPES.contains(&kind) {
        let advice = match nearest(kind, &TYPES) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "expected {}; for another one, write NAME={{ type = \"…\", value = '…' }}",
                listed(&TYPES, "or", str::to_owned)
            ),
        };
        return Err(format!("`{kind}` is no type: {advice}"));
    }
    let mut table = InlineTable::new();
    table.insert("type", kind.into());
    match kind {
        "Null" if value.is_empty() => {}
        "Null" => drop(table.insert("of", value.into())),
        "File" => file(&mut table, value)?,
        "Bytes" => match value.strip_prefix('@').filter(|path| !path.starts_with('@')) {
            Some(path) => drop(table.insert("file", path.into())),
            None => drop(table.insert("text", unescaped(value).into())),
        },
        "Boolean" | "Short" | "Integer" | "Long" | "Double" | "Date" => drop(table.insert("value", bare(value))),
        _ => {
            let text = contents(value)?.unwrap_or_else(|| unescaped(value).to_owned());
            table.insert("value", text.into());
        }
    }
    Ok(Value::InlineTable(table))
}

/// A file, by its path and perhaps its type: `@scan.pdf;type=application/pdf`.
fn file(table: &mut InlineTable, value: &str) -> Result<(), String> {
    let Some(path) = value.strip_prefix('@') else {
        return Err(
            "a File is given by its path: expected NAME:File=@PATH, perhaps with ;type=MIME/TYPE behind it".into()
        );
    };
    let (path, mime_type) = match path.split_once(";type=") {
        Some((path, mime_type)) => (path, Some(mime_type)),
        None => (path, None),
    };
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    table.insert("filename", name.into());
    if let Some(mime_type) = mime_type {
        table.insert("mime-type", mime_type.into());
    }
    table.insert("file", path.into());
    Ok(())
}

/// What is in a file, if one is named.
fn contents(value: &str) -> Result<Option<String>, String> {
    let Some(path) = value.strip_prefix('@').filter(|path| !path.starts_with('@')) else { return Ok(None) };
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(format!("{path} cannot be read: {error}; write @@ for a text that begins with @")),
    }
}

/// A text that begins with `@` is written with two of them.
fn unescaped(value: &str) -> &str {
    value.strip_prefix('@').filter(|rest| rest.starts_with('@')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::value;

    fn read(variables: &[&str]) -> Result<Case, NotGiven> {
        let variables: Vec<String> = variables.iter().map(|it| (*it).to_owned()).collect();
        Given { variables: &variables, task: &[], config: &[] }.case()
    }

    #[test]
    fn a_variable_without_a_type_is_what_it_looks_like() {
        let case = read(&[
            "a=42",
            "b=0.5",
            "c=true",
            "d=hello world",
            "e=9007199254740993",
            "f=",
            "g=a=b",
            "h=@@x",
            "i=2026-01-01T00:00:00Z",
            "j=0x10",
            "k=+49301",
            "l=nan",
            "m=1_000",
            "n=-1e3",
        ]);
        let variables = case.expect("variables").variables;
        let told: Vec<String> = variables.iter().map(|(name, it)| format!("{name} {:?}", it.value)).collect();
        assert_snapshot!(told.join("\n"), @r#"
        a Integer(42)
        b Double(0.5)
        c Boolean(true)
        d String("hello world")
        e Long(9007199254740993)
        f String("")
        g String("a=b")
        h String("@x")
        i String("2026-01-01T00:00:00Z")
        j String("0x10")
        k String("+49301")
        l String("nan")
        m String("1_000")
        n Double(-1000.0)
        "#);
    }

    #[test]
    fn a_type_makes_a_value_of_it() {
        let case = read(&[
            "a:Long=42",
            "b:Json={\"a\":1}",
            "c:String=42",
            "d:Null=",
            "e:Null=String",
            "f:Double=3",
            "g={ type = \"Money\", value = '7' }",
        ]);
        let variables = case.expect("variables").variables;
        assert_eq!(variables["a"].value, value::Value::Long(42));
        assert_eq!(variables["b"].value, value::Value::Json("{\"a\":1}".into()));
        assert_eq!(variables["c"].value, value::Value::String("42".into()));
        assert_eq!(variables["d"].value, value::Value::Null(None));
        assert_eq!(variables["e"].value, value::Value::Null(Some("String".into())));
        assert_eq!(variables["f"].value, value::Value::Double(3.0));
        assert_eq!(variables["g"].value.type_name(), "Money");
    }

    #[test]
    fn parts_of_the_task_and_settings_are_given_once_and_a_secret_may_lie_in_a_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("key");
        fs::write(&file, "hush\n").expect("written");
        let given = |task: &[&str], config: &[&str]| {
            let [task, config] = [task, config].map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
            Given { variables: &[], task: &task, config: &config }.case()
        };
        let case = given(&["extension-properties.a.b=1"], &[&format!("key=@{}", file.display()), "other=@@x"]);
        let case = case.expect("a task");
        assert_eq!(case.task.extension_properties["a.b"], "1");
        assert_eq!((case.config["key"].as_str(), case.config["other"].as_str()), ("hush", "@x"));
        let told = |task: &[&str]| given(task, &[]).expect_err("refused").to_string();
        assert_snapshot!(told(&["retries=3", "retries=4"]), @"--task retries=4: `retries` is given twice: keep one");
        assert_snapshot!(told(&["retris=3", "priority=x"]), @r#"
        --task priority=x: `task.priority` is "x": expected a whole number
        --task retris=3: unknown key `task.retris`: did you mean `retries`?
        "#);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_was_expected() {
        let told = [
            "amount",
            "=1",
            "a:Intger=1",
            "a:Colour=1",
            "a:Integer=x",
            "a={\"b\":1}",
            "a:File=x",
            "a:Json=@/nowhere",
            "a:Json={",
        ]
        .map(|argument| read(&[argument]).expect_err("a problem").to_string());
        assert_snapshot!(told.join("\n"), @r#"
        --var amount: expected NAME=VALUE or NAME:TYPE=VALUE, such as amount=42 or order:Json=@order.json
        --var =1: expected NAME=VALUE or NAME:TYPE=VALUE, such as amount=42 or order:Json=@order.json
        --var a:Intger=1: `Intger` is no type: did you mean Integer?
        --var a:Colour=1: `Colour` is no type: expected Boolean, Short, Integer, Long, Double, String, Date, Bytes, File, Json, Xml or Null; for another one, write NAME={ type = "…", value = '…' }
        --var a:Integer=x: `variables.a.value` is "x": expected a whole number of 32 bits
        --var a={"b":1}: a value in braces is a table with its `type`: for JSON, write a:Json={"b":1}
        --var a:File=x: a File is given by its path: expected NAME:File=@PATH, perhaps with ;type=MIME/TYPE behind it
        --var a:Json=@/nowhere: /nowhere cannot be read: No such file or directory (os error 2); write @@ for a text that begins with @
        --var a:Json={: `variables.a`: expected JSON: EOF while parsing an object at line 1 column 1
        "#);
    }
}
