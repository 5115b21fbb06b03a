//! The text of a recording: a case file that expects what happened.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use toml_edit::{DocumentMut, Item, Value as Toml};

use super::redact::{Parts, Redactor};
use crate::{
    cases::{
        asked::Made,
        file,
        observed::Observed,
        update::{NotUpdated, update},
        write,
    },
    foreign::escape,
    grant::Grant,
    plugins::{Plugin, case_files::CASE_ENDING},
    sandbox::{Revealed, Seed},
    task::Task,
    value::{FileContent, Value, Variables},
};

/// What stands for a secret, in `[config]` and wherever the handler put it. Without a character that any way of encoding
/// would change, for the handler of a replay does the same with it.
const UNREAD: &str = "hidden-secret";

/// So many characters of a task's id go into the name of its file.
const SHOWN_ID: usize = 40;

/// What was seen of an invocation, and what it was given.
pub(super) struct Recorded {
    pub(super) plugin: Arc<Plugin>,
    pub(super) task: Arc<Task>,
    pub(super) variables: Arc<Variables>,
    /// Where the clock of the case begins, since 1970-01-01T00:00:00Z.
    pub(super) clock: Duration,
    pub(super) seed: Seed,
    pub(super) contents: BTreeMap<String, Bytes>,
    pub(super) observed: Observed,
    /// The secrets that the handler may have read.
    pub(super) revealed: Revealed,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoText {
    /// A mistake of ours: what was written cannot be read.
    #[error("it cannot be read again: {0}")]
    Unreadable(#[from] crate::settings::Problems),
    /// The same for what was expected.
    #[error(transparent)]
    Update(#[from] NotUpdated),
}

impl Recorded {
    /// A name by which the file is a case of the plugin, and no other recording's.
    pub(super) fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
        let id: String = self.task.id.as_str().chars().take(SHOWN_ID).map(plain).collect();
        let millis = self.clock.as_millis();
        let outcome = self.observed.seen.outcome.name();
        format!("{}.recorded-{outcome}-{millis}-{id}{CASE_ENDING}", self.plugin.route.plugin)
    }

    /// The text of the case.
    pub(super) fn text(&self) -> Result<String, NoText> {
        let mut redactor = Redactor::new(&self.plugin.settings.record_redact);
        let (mut variables, mut contents) = ((*self.variables).clone(), self.contents.clone());
        let (mut task, mut observed) = ((*self.task).clone(), self.observed.clone());
        redactor.redact(Parts {
            task: &mut task,
            variables: &mut variables,
            contents: &mut contents,
            observed: &mut observed,
        });
        let given = self.given(&task, variables, &contents, &observed);
        let case = file::parse(Path::new(""), "the recording", &given, true)?;
        observed.contents = contents;
        let text = update(&given, &case, &observed)?;
        Ok(self.revealed.replaced(&self.with_any(&text, &redactor), UNREAD).into_owned())
    }

    /// All but what is expected.
    fn given(
        &self,
        task: &Task,
        variables: Variables,
        contents: &BTreeMap<String, Bytes>,
        observed: &Observed,
    ) -> String {
        let Plugin { route, version, .. } = &*self.plugin;
        let mut lines = vec![
            format!(
                "# Recorded by fetchlock {} of version {version} of {}.",
                env!("CARGO_PKG_VERSION"),
                escape(route.plugin.as_str())
            ),
            "# Copied beside the plugin it is a case: what happened is what is expected.".to_owned(),
        ];
        let redacted = &self.plugin.settings.record_redact;
        if !redacted.is_empty() {
            let names = escape(&redacted.join(", "));
            lines.push(format!(
                "# What record-redact names ({names}) was taken out: if the handler looks at it, write another value in its place."
            ));
        }
        lines.extend([
            format!("clock = {}", write::moment(self.clock)),
            format!("seed = {}", write::text(self.seed.as_str())),
            "\n[task]".to_owned(),
        ]);
        lines.extend(task_lines(task));
        lines.push("\n[variables]".to_owned());
        for (name, mut variable) in variables {
            if let Value::File(file) = &mut variable.value {
                file.content = match contents.get(&name) {
                    Some(bytes) => FileContent::Bytes(bytes.clone()),
                    // Nobody asked for it.
                    None => FileContent::Stored(String::new()),
                };
            }
            lines.push(format!("{} = {}", write::key(&name), write::variable(&variable)));
        }
        let secrets = self.plugin.settings.secrets.names();
        if !secrets.is_empty() {
            lines.push("\n[config]".to_owned());
            // As what it was is blotted out everywhere.
            lines.extend(secrets.iter().map(|name| format!("{} = {}", write::key(name), write::text(UNREAD))));
        }
        if let Some(allowed) = self.plugin.settings.grants.allowed_otherwise() {
            lines.push("\n# What the operator allowed.\n[grants]".to_owned());
            let granted = |grant: Grant| format!("{} = {}", grant.key(), write::texts(allowed.names(grant).iter()));
            lines.extend(Grant::ALL.map(granted));
        }
        for Made { asked, answer, took } in &observed.calls {
            lines.push("\n[[calls]]".to_owned());
            lines.extend(write::asked(asked));
            lines.extend(write::answer(answer));
            if took.as_millis() > 0 {
                lines.push(format!("took = {}", write::text(&format!("{}ms", took.as_millis()))));
            }
        }
        lines.join("\n") + "\n\n"
    }

    /// What was taken out is expected to be anything: it follows from what nobody may see.
    fn with_any(&self, text: &str, redactor: &Redactor<'_>) -> String {
        let Ok(mut document) = text.parse::<DocumentMut>() else { return text.to_owned() };
        for key in ["variables", "local-variables"] {
            let table =
                document.get_mut("expect").and_then(|expect| expect.get_mut(key)).and_then(Item::as_table_like_mut);
            let Some(table) = table else { continue };
            let names: Vec<String> =
                table.iter().map(|(name, _)| name.to_owned()).filter(|name| redactor.names(name)).collect();
            for name in names {
                if let Ok(any) = "{ any = true }".parse::<Toml>() {
                    table.insert(&name, Item::Value(any));
                }
            }
        }
        document.to_string()
    }
}

fn task_lines(task: &Task) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |key: &str, value: Option<String>| lines.extend(value.map(|value| format!("{key} = {value}")));
    let text = |value: &str| Some(write::text(value));
    let optional = |value: &Option<String>| value.as_ref().map(|it| write::text(it));
    add("id", text(task.id.as_str()));
    add("worker-id", text(task.worker_id.as_str()));
    add("business-key", optional(&task.business_key));
    add("activity-id", text(&task.activity_id));
    add("activity-instance-id", text(&task.activity_instance_id));
    add("execution-id", text(&task.execution_id));
    add("process-instance-id", text(&task.process_instance_id));
    add("process-definition-id", text(&task.process_definition_id));
    add("process-definition-key", text(&task.process_definition_key));
    add("process-definition-version-tag", optional(&task.process_definition_version_tag));
    add("tenant-id", optional(&task.tenant_id));
    add("retries", task.retries.map(|it| it.to_string()));
    add("priority", Some(task.priority.to_string()));
    add("create-time", task.create_time.map(|it| write::variable(&Value::Date(it).into())));
    add("error-message", optional(&task.error_message));
    add("error-details", optional(&task.error_details));
    let properties: Vec<(&str, String)> =
        task.extension_properties.iter().map(|(name, value)| (name.as_str(), write::text(value))).collect();
    add("extension-properties", (!properties.is_empty()).then(|| write::table(&properties)));
    lines
}
