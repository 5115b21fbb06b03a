//! The manifest of a plugin: `NAME.toml` beside `NAME.wasm`, all of it optional.

mod filter;

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, path::Path, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

use self::filter::WrittenFilter;
use crate::{
    grant::RequestedGrants,
    retry::RetryPolicy,
    settings::{
        LimitChanges, Problems, schema,
        strict::Layers,
        worker::MAX_CONCURRENT,
        written::{self, AtLeastOne, DAY, MILLISECOND, SECOND, Span},
    },
    task::{EngineName, Filter, Topic},
};

/// What a plugin's author says about it. What is left out follows the host's settings. The docs of the fields are what
/// users read in `docs/manifest.md`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The topic that the plugin serves.
    #[serde(deserialize_with = "topic")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "the file's name without `.toml`"))]
    pub topic: Option<Topic>,
    /// The engine whose tasks it works on: a name from the host's settings.
    #[serde(deserialize_with = "engine")]
    #[schemars(schema_with = "schema::name", extend("x-absent" = "`engine.name` of the host"))]
    pub engine: Option<EngineName>,
    /// How long its tasks are locked at a time. While a task is worked on, its lock is extended at half of this.
    #[serde(with = "Span::<SECOND, DAY>")]
    #[schemars(extend("x-absent" = "`worker.lock-duration` of the host"))]
    pub lock_duration: Option<Duration>,
    /// The names of the variables to fetch with a task. An empty list fetches none.
    #[serde(deserialize_with = "filter::texts")]
    #[schemars(extend("x-absent" = "all variables"))]
    pub variables: Option<Vec<String>>,
    /// Whether only the variables of the task's own scope are fetched.
    pub local_variables: bool,
    /// Whether the engine makes Java objects of Object values and tells these as JSON, as some older workers expect. It
    /// needs their classes, and what it tells is no longer the value that it has: the handler sees such an Object as
    /// `other`. Of a Json variable it then tells nothing of use, and the task fails with that as its reason; leave such
    /// variables out with `variables`.
    pub deserialize_values: bool,
    /// How many of its invocations may run at once, within `worker.max-concurrent` of the host.
    #[serde(with = "AtLeastOne::<MAX_CONCURRENT>")]
    #[schemars(extend("x-absent" = "as many as the host allows"))]
    pub max_concurrent: Option<NonZeroUsize>,
    /// How many tasks one instance of the component may be given, one after the other, for handlers whose start is dear
    /// (`docs/handlers.md`). What the handler leaves in its memory is there for the next of them, whichever that is; and
    /// what is recorded has an instance of its own nevertheless, as has each case.
    #[serde(with = "AtLeastOne::<MAX_REUSE>")]
    #[schemars(extend("x-absent" = "1: each task has an instance of its own"))]
    pub reuse: Option<NonZeroUsize>,
    /// How long an invocation may run.
    #[serde(with = "Span::<MILLISECOND, DAY>")]
    #[schemars(extend("x-absent" = "`worker.timeout` of the host"))]
    pub timeout: Option<Duration>,
    /// How often and when a failed task is tried again: `R3/PT5M` for three retries, each five minutes after the
    /// failure, `PT1M,PT5M` for one after a minute and one five minutes after that, or a table for waits that grow:
    /// `{ retries = 5, initial = "10s", factor = 2, max = "1h" }`. The extension property `retry` of a task in the
    /// model overrides it, or `RETRY_CONFIG` if there is no `retry`.
    #[schemars(with = "RetryPolicy", extend("x-absent" = "`worker.retry` of the host"))]
    pub retry: Option<RetryPolicy>,
    /// What it means when the handler returns without having decided.
    pub on_undecided: OnUndecided,
    /// The codes of the BPMN errors that the handler may report: those that the model catches. The engine silently ends
    /// the execution on any other, so a handler that reports one gets an error, and has decided nothing. With an empty
    /// list it may report none; without a list any, and a warning tells each code once.
    #[serde(deserialize_with = "error_codes")]
    #[schemars(extend("x-absent" = "any code"))]
    pub bpmn_errors: Option<Vec<String>>,
    /// Which of its invocations the host records as cases (`docs/testing-handlers.md`), in `record.dir` of its settings.
    /// They hold what the task, its variables and all calls hold, but for `record-redact`.
    pub record: RecordWish,
    /// What is left out of recordings: the names of variables, of keys in JSON documents, and of parameters in requests.
    /// Capitals do not matter.
    #[serde(deserialize_with = "names")]
    #[schemars(with = "Vec<String>")]
    pub record_redact: Vec<String>,
    /// Which tasks of the topic it takes: those to which all of these apply.
    ///
    /// Several plugins may serve one topic if their filters exclude each other: by different business keys, process
    /// definition ids, process definition keys or tenants, by a tenant and none, or by different version tags without
    /// `%`, `_`, brackets and backslashes. Texts that differ only in capitals or in spaces at the end do not count as different,
    /// because some databases take them for equal; variables keep nothing apart. Otherwise the second plugin is refused.
    #[serde(deserialize_with = "WrittenFilter::deserialize")]
    #[schemars(with = "WrittenFilter")]
    pub filter: Filter,
    /// What one invocation may use, where it differs from the host's settings: lower or higher.
    pub limits: LimitChanges,
    /// What the handler reads with `config.get`: names that it knows, and texts. Numbers and truth values become texts.
    #[serde(deserialize_with = "config")]
    #[schemars(schema_with = "any_config", extend("x-absent" = "none"))]
    pub config: BTreeMap<String, String>,
    /// What the handler may do beyond its own task, as far as the settings of the host allow it in `[grants.NAME]` too.
    /// What they do not allow is refused at each call, and the plugin serves nevertheless.
    pub grants: RequestedGrants,
}

/// The most tasks of one instance: from there on, what its start costs a task is nothing beside its call.
const MAX_REUSE: u32 = 10_000;

/// What it means when a handler returns `ok` without having decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUndecided {
    /// A mistake of the handler: a failure under the retry policy.
    #[default]
    Fail,
    /// The task is complete, without variables.
    Complete,
}

/// Which invocations of a plugin are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordWish {
    /// None, unless the host's settings say otherwise.
    #[default]
    Never,
    /// Those in which the handler fails, traps, ends too late or decides nothing.
    Failures,
    /// All.
    All,
}

/// The engines that the host's settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEngines {
    /// The one whose tasks a plugin gets that names none.
    pub default: EngineName,
    /// All others.
    pub others: Vec<EngineName>,
}

impl KnownEngines {
    fn names(&self) -> impl Iterator<Item = &EngineName> {
        std::iter::once(&self.default).chain(&self.others)
    }
}

/// What is wrong with a manifest; each problem is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct ManifestError(#[from] Problems);

impl ManifestError {
    /// The problems, one line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.lines()
    }
}

impl Manifest {
    /// Reads a manifest for a host that works for these engines. `file_name` is what messages call it.
    pub fn parse(file_name: &Path, text: &str, engines: &KnownEngines) -> Result<Self, ManifestError> {
        let mut layers = Layers::default().file(file_name, text)?;
        let rules = |manifest: &Self, layers: &Layers| {
            let filter = filter::check(&manifest.filter, layers);
            filter.and(manifest.engine_problem(layers, engines)).and(manifest.secret_problems(layers))
        };
        Ok(layers.read(rules)?)
    }

    fn engine_problem(&self, layers: &Layers, engines: &KnownEngines) -> Problems {
        let Some(unknown) = self.engine.as_ref().filter(|name| !engines.names().any(|known| known == *name)) else {
            return Problems::default();
        };
        let known: Vec<String> = engines.names().map(|name| format!("\"{name}\"")).collect();
        let why = format!(
            "\"{unknown}\" is no engine in the host's settings: expected {}, or leave the key out for the first",
            known.join(" or ")
        );
        layers.misfit(&["engine"], why)
    }

    /// A name of both kinds would be read as one of them, and nobody could tell which.
    fn secret_problems(&self, layers: &Layers) -> Problems {
        let both = self.config.keys().filter(|key| self.grants.secrets.iter().any(|name| name == *key));
        both.fold(Problems::default(), |problems, key| {
            let why = "it is requested as a secret in [grants], too: take it out of one of them";
            problems.and(layers.misfit(&["config", key], why))
        })
    }
}

fn engine<'de, D: Deserializer<'de>>(from: D) -> Result<Option<EngineName>, D::Error> {
    written::name(from).map(|name| Some(EngineName::new(name)))
}

fn topic<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Topic>, D::Error> {
    written::name(from).map(|name| Some(Topic::new(name)))
}

fn error_codes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let codes = Vec::<ErrorCode>::deserialize(from)?;
    Ok(Some(codes.into_iter().map(|ErrorCode(code)| code).collect()))
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<ErrorCode>::deserialize(from)?;
    Ok(names.into_iter().map(|ErrorCode(name)| name).collect())
}

/// A code that the engine can keep: as long as a name at most, in one line.
struct ErrorCode(String);

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        written::name(from).map(Self)
    }
}

fn any_config(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "x-written": "a table of texts in quotes, numbers, true or false",
    })
}

fn config<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let table = BTreeMap::<String, Scalar>::deserialize(from)?;
    Ok(table.into_iter().map(|(key, Scalar(text))| (key, text)).collect())
}

/// A text that may be written as a number or a truth value.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, a number (a whole one of at most 64 bits), true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar(truth.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grant::HttpPatterns, settings::Limits, task::Plain};

    fn read(text: &str) -> Result<Manifest, ManifestError> {
        let engines = KnownEngines { default: EngineName::new("default"), others: vec![EngineName::new("orders")] };
        Manifest::parse(Path::new("charge-card.toml"), text, &engines)
    }

    fn parse(text: &str) -> Manifest {
        read(text).expect("a manifest")
    }

    /// What the user reads about each of these manifests.
    fn complaints<const N: usize>(texts: [&str; N]) -> String {
        texts.map(|text| read(text).expect_err("a problem").to_string()).join("\n")
    }

    #[test]
    fn an_empty_manifest_is_the_default() {
        assert_eq!(parse(""), Manifest::default());
        assert_eq!(Manifest::default().on_undecided, OnUndecided::Fail);
    }

    #[test]
    fn every_key_can_be_written() {
        let manifest = parse(
            r#"
            topic = "charge"
            engine = "orders"
            lock-duration = "2m"
            variables = ["amount"]
            local-variables = true
            deserialize-values = true
            max-concurrent = 4
            reuse = 100
            timeout = "PT30S"
            retry = "PT1M,PT5M"
            on-undecided = "complete"
            bpmn-errors = ["E1", "E2"]
            record = "failures"
            record-redact = ["card"]
            [filter]
            business-key = "b"
            process-definition-id = "p:1:x"
            process-definition-id-in = ["p:1:x", "q:1:y"]
            process-definition-key = "p"
            process-definition-key-in = ["p"]
            process-definition-version-tag = "v"
            process-variables = { name = "7", number = 7, fraction = 1.5, truth = true, nothing = { null = true } }
            tenant-id-in = ["t"]
            [limits]
            memory = "1 GiB"
            log-lines = 1
            [grants]
            http = ["GET https://api.example.com", "* http://10.0.0.5:8080"]
            secrets = ["api-key"]
            start-process = ["invoice"]
            correlate-message = "*"
            [config]
            text = "a"
            number = 7
            fraction = 1.5
            truth = true
            "#,
        );
        let filter = Filter {
            business_key: Some("b".into()),
            process_definition_id: Some("p:1:x".into()),
            process_definition_id_in: vec!["p:1:x".into(), "q:1:y".into()],
            process_definition_key: Some("p".into()),
            process_definition_key_in: vec!["p".into()],
            process_definition_version_tag: Some("v".into()),
            process_variables: BTreeMap::from([
                ("fraction".into(), Plain::Fraction(1.5)),
                ("name".into(), Plain::Text("7".into())),
                ("nothing".into(), Plain::Null),
                ("number".into(), Plain::Whole(7)),
                ("truth".into(), Plain::Truth(true)),
            ]),
            tenant_id_in: vec!["t".into()],
            without_tenant_id: false,
        };
        let config = [("fraction", "1.5"), ("number", "7"), ("text", "a"), ("truth", "true")];
        let expected = Manifest {
            topic: Some(Topic::new("charge")),
            engine: Some(EngineName::new("orders")),
            lock_duration: Some(Duration::from_secs(120)),
            variables: Some(vec!["amount".into()]),
            local_variables: true,
            deserialize_values: true,
            max_concurrent: NonZeroUsize::new(4),
            reuse: NonZeroUsize::new(100),
            timeout: Some(Duration::from_secs(30)),
            retry: Some("PT1M,PT5M".parse().expect("a policy")),
            on_undecided: OnUndecided::Complete,
            bpmn_errors: Some(vec!["E1".into(), "E2".into()]),
            record: RecordWish::Failures,
            record_redact: vec!["card".into()],
            filter,
            limits: manifest.limits.clone(),
            config: config.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect(),
            grants: RequestedGrants {
                http: HttpPatterns::parse(["GET https://api.example.com", "* http://10.0.0.5:8080"]).expect("entries"),
                secrets: ["api-key"].into_iter().collect(),
                start_process: ["invoice"].into_iter().collect(),
                correlate_message: ["*"].into_iter().collect(),
            },
        };
        assert_eq!(manifest, expected);
    }

    #[test]
    fn limits_that_are_left_out_stay_those_of_the_host() {
        let host = Limits::default();
        let limits = host.with(&parse("[limits]\nmemory = \"1 GiB\"\nlog-lines = 1").limits);
        assert_eq!(limits, Limits { memory: bytesize::ByteSize::gib(1), log_lines: 1, ..host });
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        let told = complaints([
            "\ntopics = \"a\"",
            "topic = \"\"",
            "retry = \"R3\"",
            "variables = [\"a\",\n1]",
            "max-concurrent = 0\ntimeout = \"0s\"",
            "on-undecided = \"retry\"",
            "bpmn-errors = [\"E1\", \"\"]",
            "bpmn-errors = \"E1\"",
            "[filter]\nbusiness_key = \"a\"",
            "[limits]\nmemory = \"8 GiB\"",
            "[config]\nhosts = [\"a\"]",
            "[grants]\nstart-proces = [\"a\"]",
            "[grants]\nstart-process = [\"\"]",
            "[grants]\ncorrelate-message = true",
            "[grants]\nhttp = [\"https://a.org/x\"]",
            "[grants]\nsecrets = [\"a\"]\n[config]\na = \"x\"",
            "topic =",
        ]);
        insta::assert_snapshot!(told, @r#"
        charge-card.toml:2: unknown key `topics`: did you mean `topic`?
        charge-card.toml:1: `topic` is "": expected a name of 1 to 255 characters without control characters
        charge-card.toml:1: `retry`: `R3` is no retry policy: `/` is missing; expected `R3/PT5M` (at most 1000 retries, and an ISO 8601 wait of at most a year) or waits like `PT1M,PT5M`, or a table of retries, initial, factor and max
        charge-card.toml:2: `variables.1` is 1: expected a text in quotes
        charge-card.toml:1: `max-concurrent` is 0: expected a whole number from 1 to 10000
        charge-card.toml:2: `timeout` is "0s": expected a duration from 1ms to 24h, written like "30s", "5m" or "PT5M"
        charge-card.toml:1: `on-undecided` is "retry": expected "fail" or "complete"
        charge-card.toml:1: `bpmn-errors.1` is "": expected a name of 1 to 255 characters without control characters
        charge-card.toml:1: `bpmn-errors` is "E1": expected a list
        charge-card.toml:2: unknown key `filter.business_key`: did you mean `business-key`?
        charge-card.toml:2: `limits.memory` is "8 GiB": expected a size from 64 KiB to 4 GiB, written like "512 KiB" or "64 MiB"
        charge-card.toml:2: `config.hosts` is a list: expected a text in quotes, a number (a whole one of at most 64 bits), true or false
        charge-card.toml:2: unknown key `grants.start-proces`: did you mean `start-process`?
        charge-card.toml:2: `grants.start-process` is "": expected names of 1 to 255 characters without control characters, or "*" for any
        charge-card.toml:2: `grants.correlate-message` is true: expected a list of names in quotes, or one text of names with commas between
        charge-card.toml:2: `grants.http` is "https://a.org/x": expected a method or *, a space, and http or https with host and port, such as "GET https://api.example.com" (there is no method before the server)
        charge-card.toml:4: `config.a`: it is requested as a secret in [grants], too: take it out of one of them
        charge-card.toml:1: no valid TOML at column 8: a value is missing; write `key = value`, with texts in quotes
        "#);
    }

    #[test]
    fn a_filter_that_takes_nothing_is_refused() {
        let told = complaints([
            "[filter]\ntenant-id-in = []\nprocess-definition-id-in = []\nprocess-definition-key-in = []",
            "[filter.process-variables]",
            "[filter]\ntenant-id-in = [\"a\"]\nwithout-tenant-id = true",
            "[filter]\nprocess-definition-key = \"p\"\nprocess-definition-key-in = [\"q\"]",
            "[filter]\nprocess-definition-id-in = [\"q:1:x\"]\nprocess-definition-id = \"p:1:x\"",
            "[filter]\nprocess-definition-key = \"\"\ntenant-id-in = [\"\"]",
        ]);
        insta::assert_snapshot!(told, @r#"
        charge-card.toml:2: `filter.tenant-id-in`: the list is empty: name at least one, or leave the key out to take all
        charge-card.toml:3: `filter.process-definition-id-in`: the list is empty: name at least one, or leave the key out to take all
        charge-card.toml:4: `filter.process-definition-key-in`: the list is empty: name at least one, or leave the key out to take all
        charge-card.toml:1: `filter.process-variables`: the table is empty: name at least one, or leave the key out to take all
        charge-card.toml:3: `filter.without-tenant-id`: a task of a tenant in `filter.tenant-id-in` has a tenant: leave one of the two out
        charge-card.toml:2: `filter.process-definition-key`: "p" is not in `filter.process-definition-key-in`, so that no task is of both: leave one of the two out
        charge-card.toml:3: `filter.process-definition-id`: "p:1:x" is not in `filter.process-definition-id-in`, so that no task is of both: leave one of the two out
        charge-card.toml:2: `filter.process-definition-key` is "": expected a text in quotes that is not empty
        charge-card.toml:3: `filter.tenant-id-in.0` is "": expected a text in quotes that is not empty
        "#);
    }

    #[test]
    fn a_value_by_which_no_variable_can_be_found_is_refused() {
        let told = complaints([
            "[filter.process-variables]\na = nan",
            "[filter.process-variables]\na = 1\nb = [1]",
            "[filter.process-variables]\na = 2026-11-21",
            "[filter]\nprocess-variables = \"a\"",
            "[filter.process-variables]\na = { null = false }\nb = { nul = true }\nc = {}\nd = { null = true, e = true }",
            "[filter.process-variables]\na = 99999999999999999999",
            "[config]\na = 99999999999999999999",
        ]);
        insta::assert_snapshot!(told, @r#"
        charge-card.toml:2: `filter.process-variables.a` is NaN: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:3: `filter.process-variables.b` is a list: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:2: `filter.process-variables.a` is a date or time: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:2: `filter.process-variables` is "a": expected a table
        charge-card.toml:2: `filter.process-variables.a` is a table: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:3: `filter.process-variables.b` is a table: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:4: `filter.process-variables.c` is a table: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:5: `filter.process-variables.d` is a table: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:2: `filter.process-variables.a` is 99999999999999999999: expected a text in quotes, a finite number (a whole one of at most 64 bits), true, false or `{ null = true }`
        charge-card.toml:2: `config.a` is 99999999999999999999: expected a text in quotes, a number (a whole one of at most 64 bits), true or false
        "#);
    }

    #[test]
    fn an_engine_that_the_host_does_not_know_is_refused_with_those_that_it_knows() {
        insta::assert_snapshot!(complaints(["\nengine = \"order\"", "engine = \"\"", "engine = 1"]), @r#"
        charge-card.toml:2: `engine`: "order" is no engine in the host's settings: expected "default" or "orders", or leave the key out for the first
        charge-card.toml:1: `engine` is "": expected a name of 1 to 255 characters without control characters
        charge-card.toml:1: `engine` is 1: expected a text in quotes
        "#);
    }
}
