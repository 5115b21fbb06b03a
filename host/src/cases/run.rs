//! Runs a handler once outside of the service: for a case with everything fixed, or as it comes for `fetchlock call`.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::{
    asked::{Asked, Made},
    case::Case,
    expected::{AfterDecision, OutcomeName},
    fake::Fake,
    observed::{Afterwards, Observed, Seen},
    world::{Notes, Ports, World},
};
use crate::{
    foreign::excerpt,
    grant::Grants,
    plugins::{Plugin, manifest::OnUndecided},
    sandbox::{
        Assignment, Breakdown, Captured, Clock, Decision, Ending, EngineCalls, Fail, HttpCalls, OutputTo, Random,
        RetryWish, Reuse, Revealed, Sandbox, Secrets, Surroundings, Usage,
    },
    secret::Secret,
    task::Task,
    value::Variables,
};

/// How many characters of a text that came after the decision are shown.
const SHOWN_TEXT: usize = 1_000;

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// It was told to end.
    #[error("it was cancelled")]
    Cancelled,
    /// The host could not run it.
    #[error("the host could not run it: {0}")]
    Host(String),
    /// There is no runtime for it.
    #[error("no runtime can be made for it: {0}")]
    Runtime(#[from] io::Error),
}

/// Runs a case on this thread, which must not be one of a runtime's own: it returns when the handler has ended. Time is
/// that of the case: whoever waits is there at once.
///
/// # Errors
/// See [`NotRun`].
pub fn run(sandbox: &Sandbox, plugin: &Plugin, case: &Case, cancel: CancellationToken) -> Result<Observed, NotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut config = (*plugin.settings.config).clone();
    config.extend(case.config.clone());
    let fake = Arc::new(Fake::new(case));
    let subject = Subject {
        task: Task { topic: plugin.route.topic.clone(), ..case.task.clone() },
        variables: case.variables.clone(),
        config,
        grants: match &case.grants {
            Some(allowed) => plugin.settings.grants.with_allowed(allowed.clone()),
            None => plugin.settings.grants.all_allowed(),
        },
        surroundings: Surroundings {
            clock: Clock::Virtual { start: case.clock },
            random: Random::Seeded(case.seed.clone()),
        },
    };
    let mut observed = runtime.block_on(subject.run(sandbox, plugin, fake.clone(), cancel))?;
    observed.call_problems = fake.problems();
    observed.contents = case.contents.clone();
    // A file that is given needs no call of the case.
    observed
        .calls
        .retain(|made| !matches!(made, Made { asked: Asked::Load(name), .. } if case.contents.contains_key(name)));
    Ok(observed)
}

/// What an invocation is given, beside the plugin.
pub(super) struct Subject {
    pub(super) task: Task,
    pub(super) variables: Variables,
    pub(super) config: BTreeMap<String, String>,
    pub(super) grants: Grants,
    pub(super) surroundings: Surroundings,
}

impl Subject {
    /// Runs the handler of a plugin once.
    pub(super) async fn run(
        self,
        sandbox: &Sandbox,
        plugin: &Plugin,
        world: Arc<dyn World>,
        cancel: CancellationToken,
    ) -> Result<Observed, NotRun> {
        let ports = Ports::new(world, plugin.settings.clone());
        let task = Arc::new(self.task);
        let lines = Captured::default();
        let grants = Arc::new(self.grants);
        let mut config = self.config;
        // What the manifest requests as secrets is secret here, too.
        let given = |name: &str| (name.to_owned(), config.remove(name).map(Secret::new));
        let secrets: BTreeMap<String, Option<Secret>> = grants.secrets().iter().map(given).collect();
        // One that is not allowed is no setting either.
        config.retain(|name, _| !grants.requests_secret(name));
        let secrets = Secrets::fixed(grants.clone(), secrets);
        let assignment = Assignment {
            task: task.clone(),
            variables: Arc::new(self.variables),
            config: Arc::new(config),
            version: plugin.version.clone(),
            limits: plugin.settings.limits.clone(),
            port: ports.clone(),
            engine_calls: EngineCalls::new(grants.clone(), ports.clone()),
            http: HttpCalls::new(grants, ports.clone()),
            secrets: secrets.clone(),
            surroundings: self.surroundings,
            output: OutputTo::Captured(lines.clone()),
            reuse: Reuse::NEVER,
        };
        let (ending, usage) = sandbox.invoke(&plugin.handler, assignment, cancel).await;
        let logs = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        let observed = observed(plugin, &task, ports.take(), ending, usage)?;
        Ok(Observed { logs, revealed: secrets.revealed().await, ..observed })
    }
}

/// What was seen of an invocation that has ended.
pub(super) fn observed(
    plugin: &Plugin,
    task: &Task,
    notes: Notes,
    ending: Ending,
    usage: Usage,
) -> Result<Observed, NotRun> {
    let Notes { calls, more_calls, decision, refused } = notes;
    match &ending {
        Ending::Cancelled => return Err(NotRun::Cancelled),
        Ending::HostFault(why) => return Err(NotRun::Host(why.clone())),
        Ending::Returned(_) | Ending::Broken(_) => {}
    }
    let mut afterwards: Vec<Afterwards> = refused.iter().map(second_decision).collect();
    let seen = match decision {
        Some(decision) => {
            afterwards.extend(after(&ending));
            decided(plugin, task, decision)
        }
        None => undecided(plugin, task, ending),
    };
    Ok(Observed {
        seen,
        afterwards,
        calls,
        more_calls,
        call_problems: Vec::new(),
        logs: Vec::new(),
        usage,
        contents: BTreeMap::new(),
        revealed: Revealed::default(),
    })
}

fn second_decision(refused: &Decision) -> Afterwards {
    let name = match refused {
        Decision::Complete { .. } => "complete",
        Decision::Fail(_) => "failure",
        Decision::BpmnError { .. } => "bpmn-error",
        Decision::Unlock { .. } => "unlock",
        Decision::HandOff { .. } => "hand-off",
    };
    let text = format!("another decision, `{name}`, was refused with `already-decided`: an invocation decides once");
    Afterwards { what: AfterDecision::SecondDecision, text }
}

/// What went wrong in the end of a handler that had decided.
fn after(ending: &Ending) -> Option<Afterwards> {
    match ending {
        Ending::Returned(Err(text)) => {
            let text = format!("the handler returned an error: {}", excerpt(text, SHOWN_TEXT));
            Some(Afterwards { what: AfterDecision::Error, text })
        }
        Ending::Broken(breakdown) => {
            let what = if is_late(breakdown) { AfterDecision::Timeout } else { AfterDecision::Trap };
            Some(Afterwards { what, text: format!("the handler broke down: {}", breakdown.cause) })
        }
        _ => None,
    }
}

/// Whether it was time that was used up, on the wall or on a processor.
fn is_late(breakdown: &Breakdown) -> bool {
    matches!(breakdown.limit, Some("timeout" | "limits.cpu-time"))
}

fn decided(plugin: &Plugin, task: &Task, decision: Decision) -> Seen {
    match decision {
        Decision::Complete { variables, local_variables } => {
            Seen { outcome: OutcomeName::Complete, variables, local_variables, ..Seen::default() }
        }
        Decision::BpmnError { code, message, variables } => {
            Seen { outcome: OutcomeName::BpmnError, code: Some(code), message, variables, ..Seen::default() }
        }
        Decision::Unlock { delay } => Seen { outcome: OutcomeName::Unlock, delay: Some(delay), ..Seen::default() },
        Decision::HandOff { duration } => {
            Seen { outcome: OutcomeName::HandOff, duration: Some(duration), ..Seen::default() }
        }
        Decision::Fail(Fail { message, details, retry, variables, local_variables }) => {
            let seen = Seen {
                outcome: OutcomeName::Failure,
                message: Some(message),
                details,
                variables,
                local_variables,
                retry: Some(retry),
                ..Seen::default()
            };
            match retry {
                RetryWish::Policy => under_policy(plugin, task, seen),
                RetryWish::Exactly { retries, after } => {
                    Seen { retries_left: Some(retries), retry_after: Some(after), ..seen }
                }
                RetryWish::Never => Seen { retries_left: Some(0), ..seen },
                // Nothing is told to the engine.
                RetryWish::SystemDown => seen,
            }
        }
    }
}

/// What follows by the retry policy, as the engine would be told.
fn under_policy(plugin: &Plugin, task: &Task, seen: Seen) -> Seen {
    let (policy, _) = plugin.settings.retry_for(task);
    let (left, after) = policy.after_failure(task.retries);
    Seen { retries_left: Some(left), retry_after: (left > 0).then_some(after), ..seen }
}

fn undecided(plugin: &Plugin, task: &Task, ending: Ending) -> Seen {
    let failed = |seen| under_policy(plugin, task, seen);
    match ending {
        Ending::Returned(Ok(())) if plugin.settings.on_undecided == OnUndecided::Complete => {
            Seen { outcome: OutcomeName::Complete, ..Seen::default() }
        }
        Ending::Returned(Err(text)) => {
            failed(Seen { outcome: OutcomeName::Error, message: Some(text), ..Seen::default() })
        }
        Ending::Broken(breakdown) => {
            let outcome = if is_late(&breakdown) { OutcomeName::Timeout } else { OutcomeName::Trap };
            let Breakdown { cause, details, .. } = breakdown;
            let details = Some(details).filter(|details| !details.is_empty());
            failed(Seen { outcome, message: Some(cause), details, ..Seen::default() })
        }
        Ending::Returned(Ok(())) | Ending::Cancelled | Ending::HostFault(_) => {
            failed(Seen { outcome: OutcomeName::Undecided, ..Seen::default() })
        }
    }
}
