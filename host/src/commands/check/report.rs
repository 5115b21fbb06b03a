//! What `fetchlock check` tells about one file: as JSON its fields, for people the same with a label before each.

use std::{collections::BTreeMap, fmt};

use bytesize::ByteSize;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    foreign::Escaped,
    grant::{self, Grants, Names, Standing},
    plugins::{Checked, Why, manifest::Manifest, manifest::OnUndecided},
    sandbox::v0_1::{CONFIG, ENGINE},
    settings::{Limits, written::friendly},
    task::{Filter, Plain, Topic},
};

/// The interface by which a component sends HTTP requests.
const OUTGOING_HTTP: &str = "wasi:http/outgoing-handler@";

/// How wide the column of labels is.
const LABELS: usize = 10;

/// One file. The keys of the JSON object are these names with hyphens, and all of them are always there; what is not
/// known, because an error came first, is `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Report {
    /// The file, as it was given.
    file: String,
    /// Whether it would be loaded.
    ok: bool,
    /// What the running host says behind `plugin refused: `, then what else is wrong.
    errors: Vec<String>,
    /// The problems of the manifest one by one, which are one error together.
    manifest_problems: Vec<String>,
    topic: Option<Topic>,
    version: Option<String>,
    /// The WIT package and version that it was built for.
    contract: Option<String>,
    size_bytes: Option<u64>,
    compile_ms: Option<u128>,
    imports: Option<Imports>,
    grants: Option<Vec<Grant>>,
    /// What the manifest sets, in the form of a manifest; of `config` the keys only.
    settings: Option<Map<String, Value>>,
}

/// The interfaces that a component imports.
#[derive(Debug, Default, Serialize)]
struct Imports {
    handler: Vec<String>,
    wasi: Vec<String>,
    http: Vec<String>,
}

/// A capability that a component could use only if the operator granted it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Grant {
    grant: &'static str,
    /// The interface by which it is used, or how its name begins.
    #[serde(skip)]
    interface: &'static str,
    /// The import by which it is used; `null` if the component has it not. It may import it and never use it.
    import: Option<String>,
    /// What the manifest requests; `null` if that is not known, for the manifest is wrong.
    requested: Option<Names>,
    /// What of it holds under the settings of this check.
    held: Names,
    /// What of it is refused.
    refused: Names,
    /// What the operator has to do about that.
    advice: Option<String>,
    /// What holds and is of no use at this moment: why secrets cannot be had.
    missing: Vec<String>,
}

impl Report {
    /// What there is to tell about a checked file, on a host with these limits.
    pub(super) fn new(checked: &Checked, host: &Limits) -> Self {
        let problems = |why: &Why| match why {
            Why::Manifest(error) => error.lines().collect(),
            _ => Vec::new(),
        };
        let imports = checked.inspected.as_ref().map(|inspected| &inspected.imports);
        Self {
            file: checked.path.display().to_string(),
            ok: checked.errors.is_empty(),
            errors: checked.errors.iter().map(ToString::to_string).collect(),
            manifest_problems: checked.errors.iter().flat_map(|error| problems(&error.why)).collect(),
            topic: checked.topic.clone(),
            version: checked.version.clone(),
            contract: checked.inspected.as_ref().map(|inspected| inspected.contract()),
            size_bytes: checked.size,
            compile_ms: checked.compiled_in.map(|time| time.as_millis()),
            imports: imports.map(|names| Imports::new(names)),
            grants: imports.map(|names| grants(names, checked)),
            settings: checked.manifest.as_ref().map(|manifest| settings(manifest, host)),
        }
    }

    /// Whether the file would be loaded.
    pub(super) fn ok(&self) -> bool {
        self.ok
    }

    /// The labels with what stands beside them, line by line.
    fn rows(&self) -> Vec<(&'static str, Vec<String>)> {
        let lines = |error: &String| error.split('\n').map(str::to_owned).collect();
        let mut rows: Vec<_> = self.errors.iter().map(|error| ("error", lines(error))).collect();
        let one = |text: &dyn fmt::Display| vec![text.to_string()];
        rows.extend(self.topic.as_ref().map(|topic| ("topic", one(topic))));
        rows.extend(self.version.as_ref().map(|version| ("version", one(version))));
        rows.extend(self.contract.as_ref().map(|contract| ("contract", one(contract))));
        rows.extend(self.size_bytes.map(|size| ("size", one(&ByteSize(size)))));
        let untried = if self.settings.is_none() { "; not instantiated, for its limits are not known" } else { "" };
        rows.extend(self.compile_ms.map(|time| ("compiled", vec![format!("in {time} ms{untried}")])));
        rows.extend(self.imports.as_ref().map(|imports| ("imports", imports.lines())));
        rows.extend(self.grants.as_ref().map(|grants| ("grants", told(grants))));
        rows.extend(self.settings.as_ref().map(|settings| ("settings", assignments(settings))));
        rows
    }
}

/// A block: the file and the verdict, then the labels.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", Escaped(&self.file), if self.ok { "ok" } else { "would not be loaded" })?;
        for (label, lines) in self.rows() {
            for (number, line) in lines.iter().enumerate() {
                let label = if number == 0 { label } else { "" };
                // Names in a component or a manifest may try to steer the terminal.
                writeln!(f, "  {label:LABELS$} {}", Escaped(line))?;
            }
        }
        Ok(())
    }
}

impl Imports {
    fn new(names: &[String]) -> Self {
        let mut imports = Self::default();
        for name in names {
            let group = match name.split([':', '/']).collect::<Vec<_>>()[..] {
                ["wasi", "http", ..] => &mut imports.http,
                ["wasi", ..] => &mut imports.wasi,
                _ => &mut imports.handler,
            };
            group.push(name.clone());
        }
        imports
    }

    /// A line for each package with its version, and behind it its interfaces.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for group in [&self.handler, &self.wasi, &self.http] {
            let mut packages: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for name in group {
                let (package, interface) = name.split_once('/').unwrap_or((name, ""));
                let (interface, version) = interface.split_once('@').unwrap_or((interface, ""));
                packages.entry(format!("{package}@{version}")).or_default().push(interface);
            }
            lines.extend(packages.into_iter().map(|(package, names)| format!("{package}: {}", names.join(", "))));
        }
        if lines.is_empty() { vec!["nothing".into()] } else { lines }
    }
}

/// What a component imports that has to be granted, and what its manifest requests.
fn grants(imports: &[String], checked: &Checked) -> Vec<Grant> {
    let grants = checked.grants.as_ref();
    let missing: Vec<String> = checked.missing_secrets.iter().map(ToString::to_string).collect();
    let standings = grants.map(Grants::standings).unwrap_or_default();
    let told = grant::Grant::ALL.into_iter().filter_map(|grant| {
        let standing = standings.iter().find(|standing| standing.grant == grant);
        let import = imports.iter().find(|name| name.starts_with(interface(grant)));
        // Most handlers read their settings, and few have secrets among them.
        if standing.is_none() && (import.is_none() || grant == grant::Grant::Secrets) {
            return None;
        }
        let names = |of: fn(&Standing) -> &Names| standing.map(of).cloned().unwrap_or_default();
        let refused = names(|it| &it.refused);
        Some(Grant {
            grant: grant.key(),
            interface: interface(grant),
            import: import.cloned(),
            requested: grants.map(|_| names(|it| &it.requested)),
            held: names(|it| &it.held),
            advice: grants.filter(|_| !refused.is_empty()).map(|it| it.advice(grant, &refused)),
            missing: if grant == grant::Grant::Secrets { missing.clone() } else { Vec::new() },
            refused,
        })
    });
    told.collect()
}

/// The interface by which a grant is used, or how its name begins.
fn interface(grant: grant::Grant) -> &'static str {
    match grant {
        grant::Grant::Http => OUTGOING_HTTP,
        grant::Grant::Secrets => CONFIG,
        grant::Grant::StartProcess | grant::Grant::CorrelateMessage => ENGINE,
    }
}

fn told(grants: &[Grant]) -> Vec<String> {
    let lines: Vec<String> = grants.iter().flat_map(Grant::told).collect();
    if lines.is_empty() { vec!["needs none".into()] } else { lines }
}

impl Grant {
    fn told(&self) -> Vec<String> {
        let Self { grant, import, requested, held, refused, advice, missing, .. } = self;
        match (import, requested) {
            (_, None) => vec![format!("{grant}: what is requested is not known, for the manifest is wrong")],
            (Some(import), Some(requested)) if requested.is_empty() => {
                vec![format!("{grant}: nothing is requested, so each such call of {import} is refused")]
            }
            (None, Some(requested)) => {
                let interface = self.interface.trim_end_matches('@');
                vec![format!("{grant}: {requested} is requested and of no use, for it does not import {interface}")]
            }
            (Some(_), Some(_)) => {
                let held = (!held.is_empty()).then(|| format!("{grant}: {held} holds"));
                let refused =
                    advice.as_ref().map(|advice| format!("{grant}: {refused} is refused; to allow it, {advice}"));
                let missing = missing.iter().map(|why| format!("{grant}: one cannot be had now: {why}"));
                held.into_iter().chain(refused).chain(missing).collect()
            }
        }
    }
}

/// What a manifest sets, in its own form; of the limits those that are not the host's.
fn settings(manifest: &Manifest, host: &Limits) -> Map<String, Value> {
    let span = |span| Value::from(friendly(span));
    let config: Vec<&str> = manifest.config.keys().map(String::as_str).collect();
    let given = [
        ("engine", manifest.engine.as_ref().map(|engine| engine.to_string().into())),
        ("lock-duration", manifest.lock_duration.map(span)),
        ("variables", manifest.variables.clone().map(Value::from)),
        ("local-variables", manifest.local_variables.then(|| true.into())),
        ("deserialize-values", manifest.deserialize_values.then(|| true.into())),
        ("max-concurrent", manifest.max_concurrent.map(|number| number.get().into())),
        ("timeout", manifest.timeout.map(span)),
        ("retry", manifest.retry.as_ref().map(|retry| retry.to_string().into())),
        ("on-undecided", (manifest.on_undecided == OnUndecided::Complete).then(|| "complete".into())),
        ("bpmn-errors", manifest.bpmn_errors.clone().map(Value::from)),
        ("filter", table(filter(&manifest.filter))),
        ("limits", table(changed(host, &host.with(&manifest.limits)))),
        ("config-keys", (!config.is_empty()).then(|| config.into())),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn table(entries: Map<String, Value>) -> Option<Value> {
    (!entries.is_empty()).then_some(Value::Object(entries))
}

fn filter(filter: &Filter) -> Map<String, Value> {
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| Value::from(list.clone()));
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let variables = filter.process_variables.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    let given = [
        ("business-key", text(&filter.business_key)),
        ("process-definition-id", text(&filter.process_definition_id)),
        ("process-definition-id-in", list(&filter.process_definition_id_in)),
        ("process-definition-key", text(&filter.process_definition_key)),
        ("process-definition-key-in", list(&filter.process_definition_key_in)),
        ("process-definition-version-tag", text(&filter.process_definition_version_tag)),
        ("process-variables", table(variables)),
        ("tenant-id-in", list(&filter.tenant_id_in)),
        ("without-tenant-id", filter.without_tenant_id.then(|| true.into())),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn plain(value: &Plain) -> Value {
    match value {
        Plain::Text(text) => Value::from(text.clone()),
        Plain::Truth(truth) => Value::from(*truth),
        Plain::Whole(number) => Value::from(*number),
        Plain::Fraction(number) => Value::from(*number),
    }
}

fn changed(host: &Limits, plugin: &Limits) -> Map<String, Value> {
    let entries = |limits: &Limits| match serde_json::to_value(limits) {
        Ok(Value::Object(entries)) => entries,
        // A struct of numbers and texts is an object.
        _ => Map::new(),
    };
    let host = entries(host);
    entries(plugin).into_iter().filter(|(key, value)| host.get(key) != Some(value)).collect()
}

/// The settings as a manifest assigns them, one a line.
fn assignments(settings: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, value) in settings {
        match value {
            Value::Object(inner) => lines.extend(assignments(inner).iter().map(|line| format!("{key}.{line}"))),
            value => lines.push(format!("{key} = {value}")),
        }
    }
    if lines.is_empty() { vec!["those of the host".into()] } else { lines }
}
