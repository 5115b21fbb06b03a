//! `fetchlock tasks show`: everything about one task.

use clap::{Args, builder::NonEmptyStringValueParser};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Done, TasksError,
    output::Output,
    table::{moment, state},
};
use crate::{
    engine::{EngineError, ListedTask, TaskState, VariableType, rest::RestEngine},
    foreign::{escape, escape_lines},
    task::TaskId,
    value::Scope,
};

/// How wide the column of labels is.
const LABELS: usize = 16;

/// Show everything about one task.
///
/// Also the details of its last failure, and the names and types of the variables that it can see. (Not their values:
/// they may be nobody's business on a terminal.)
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The task's id
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    id: String,
    /// Print one JSON object, with the task's fields in the engine's own names
    #[arg(long)]
    json: bool,
}

/// What there is to show.
struct Shown {
    task: ListedTask,
    at: Timestamp,
    details: Option<String>,
    variables: Vec<(Scope, VariableType)>,
}

impl Show {
    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        let task = TaskId::new(&self.id);
        let of_task = |error| TasksError::Task { task: task.clone(), error, untried: Vec::new() };
        let shown = read(engine, &task).await.map_err(of_task)?;
        if self.json {
            output.line(&serde_json::to_string_pretty(&shown.json())?)?;
        } else {
            output.write(&shown.text())?;
        }
        Ok(Done::All)
    }
}

async fn read(engine: &RestEngine, id: &TaskId) -> Result<Shown, EngineError> {
    let (task, at) = engine.one(id).await?;
    let details = engine.error_details(id).await?;
    let mut variables = Vec::new();
    for (scope, of) in [(Scope::Process, &task.process_instance_id), (Scope::Local, &task.execution_id)] {
        // The execution of a process instance itself has no scope of its own.
        if scope == Scope::Process || task.execution_id != task.process_instance_id {
            variables.extend(engine.variable_types(scope, of).await?.into_iter().map(|it| (scope, it)));
        }
    }
    Ok(Shown { task, at, details, variables })
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Process => "process",
        Scope::Local => "local",
    }
}

impl Shown {
    fn json(&self) -> Map<String, Value> {
        let mut object = self.task.fields.clone();
        object.insert("errorDetails".into(), json!(self.details));
        let variable = |(scope, it): &(Scope, VariableType)| json!({"name": it.name, "type": it.type_name, "scope": scope_name(*scope)});
        object.insert("variables".into(), self.variables.iter().map(variable).collect());
        object
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (label, lines) in self.rows() {
            for (number, line) in lines.split('\n').enumerate() {
                let label = if number == 0 { label } else { "" };
                text.push_str(format!("{label:LABELS$} {line}").trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// The labels with what stands beside them, escaped; what there is not is left out.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let task = &self.task;
        let field = |name: &str| task.fields.get(name).and_then(Value::as_str).map(escape);
        let joined = |names: &[&str]| {
            let parts: Vec<String> = names.iter().filter_map(|name| field(name)).collect();
            Some(parts.join("  ")).filter(|text| !text.is_empty())
        };
        let variable = |(scope, it): &(Scope, VariableType)| {
            let place = if *scope == Scope::Local { " (local)" } else { "" };
            format!("{}: {}{place}", escape(&it.name), escape(&it.type_name))
        };
        let variables = self.variables.iter().map(variable).collect::<Vec<_>>().join("\n");
        let rows = [
            ("task", Some(escape(task.id.as_str()))),
            ("topic", Some(escape(&task.topic))),
            ("state", Some(state(task, self.at))),
            ("lock", self.lock()),
            ("retries", Some(task.retries.map_or_else(|| "none set yet".to_owned(), |left| left.to_string()))),
            ("priority", Some(task.priority.to_string())),
            ("created", task.created.map(moment)),
            ("business key", task.business_key.as_deref().map(escape)),
            ("activity", joined(&["activityId", "activityInstanceId"])),
            ("execution", field("executionId")),
            ("process instance", field("processInstanceId")),
            ("process", joined(&["processDefinitionKey", "processDefinitionVersionTag", "processDefinitionId"])),
            ("tenant", field("tenantId")),
            ("last error", task.error_message.as_deref().map(escape)),
            ("details", self.details.as_deref().map(|details| escape_lines(details.trim_end()))),
            ("variables", Some(variables).filter(|text| !text.is_empty())),
        ];
        rows.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
    }

    fn lock(&self) -> Option<String> {
        let (worker, until) = (self.task.worker_id.as_ref()?, self.task.lock_expires?);
        let (worker, until) = (escape(worker.as_str()), moment(until));
        Some(match self.task.state(self.at) {
            TaskState::Locked { .. } => format!("until {until} by {worker}"),
            TaskState::Incident | TaskState::Waiting => format!("last by {worker}, until {until}"),
        })
    }
}
