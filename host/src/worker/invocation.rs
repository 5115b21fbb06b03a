//! The invocation: takes waiting tasks into slots and runs their handlers.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{
    Desk,
    decision::{self, Decided, Port, SHOWN_TEXT, SharedSlot},
    dispatch::{self, Waiting},
    engine_calls::Caller,
    release,
    slots::Slot,
};
use crate::{
    foreign::excerpt,
    outcome::Outcome,
    plugins::{Plugin, manifest::OnUndecided},
    sandbox::{
        Assignment, Breakdown, Ending, EngineCalls, EnginePort, HttpCalls, HttpPort, OutputTo, Surroundings, TaskPort,
        Usage,
    },
    task::Task,
    value::Variables,
};

/// Starts an invocation for every task that gets a slot.
pub(super) async fn start(desk: Arc<Desk>) {
    let host = Handle::current();
    let mut changed = desk.slots.subscribe();
    loop {
        while !desk.stop.is_cancelled()
            && desk.journal.is_sound()
            && let Some((waiting, slot)) = desk.slots.next()
        {
            let Some(permit) = permit(&desk).await else {
                dispatch::give_back(&desk, waiting);
                break;
            };
            let invocation = run(desk.clone(), host.clone(), waiting, slot.with(permit));
            desk.tracker.spawn_on(invocation, desk.sandbox.guests());
        }
        tokio::select! {
            () = desk.abandon.cancelled() => return,
            changed = changed.changed() => if changed.is_err() { return },
        }
    }
}

/// A permit of the host; `None` when it stops while the workers of other engines hold them all.
async fn permit(desk: &Desk) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        permit = desk.invocations.clone().acquire_owned() => permit.ok(),
        () = desk.stop.cancelled() => None,
    }
}

/// Runs a handler. This is on the guests' runtime, so that starting one costs one change of threads; whatever calls the
/// engine or must not wait for a spinning guest is spawned onto the host's.
async fn run(desk: Arc<Desk>, host: Handle, waiting: Waiting, slot: Slot<Waiting>) {
    let Waiting { task, variables, plugin } = waiting;
    let Some(cancel) = desk.held.begin(&task.id) else {
        // Lost while it waited.
        desk.breakers.probe_ended(&plugin.route);
        return;
    };
    let _running = desk.activity.running(&plugin.route);
    let slot = Arc::new(slot);
    let port = Arc::new(Port::new(desk.clone(), host.clone(), task.clone(), plugin.clone(), slot.clone()));
    let caller = Arc::new(Caller::new(desk.clone(), host.clone(), task.clone()));
    let recording = desk.recorder.as_ref().and_then(|recorder| recorder.begin(&plugin, &task, &variables));
    let ports: (Arc<dyn TaskPort>, Arc<dyn EnginePort>, Arc<dyn HttpPort>) = (port.clone(), caller, desk.http.clone());
    let (task_port, engine_port, http_port) = match &recording {
        Some(recording) => recording.around(ports),
        None => ports,
    };
    let assignment = Assignment {
        task: task.clone(),
        variables,
        config: plugin.settings.config.clone(),
        version: plugin.version.clone(),
        limits: plugin.settings.limits.clone(),
        port: task_port,
        engine_calls: EngineCalls::new(plugin.settings.grants.clone(), engine_port),
        http: HttpCalls::new(plugin.settings.grants.clone(), http_port),
        secrets: plugin.settings.secrets.clone(),
        surroundings: recording.as_ref().map_or_else(Surroundings::real, |recording| recording.surroundings()),
        output: OutputTo::Log,
        reuse: plugin.settings.reuse,
    };
    let (ending, usage) = desk.sandbox.invoke(&plugin.handler, assignment, cancel).await;
    let decided = port.decided().await;
    if let Some(recording) = recording {
        recording.end(&ending, usage).await;
    }
    report(&task, &plugin.version, decided, &ending, usage);
    match (decided, ending) {
        (Some(Decided::SystemDown), _) => {}
        (Some(Decided::Work), _) => desk.breakers.well(&plugin.route),
        (None, ending) => {
            let conclude = conclude(desk.clone(), task, plugin, slot, ending);
            desk.tracker.spawn_on(conclude, &host);
        }
    }
}

/// Decides for a handler that has not.
async fn conclude(desk: Arc<Desk>, task: Arc<Task>, plugin: Arc<Plugin>, slot: SharedSlot, ending: Ending) {
    desk.breakers.probe_ended(&plugin.route);
    match ending {
        // Lost, or the host stops: nothing is reported. What is still ours is given back.
        Ending::Cancelled => {
            // What was lost may have come again and belong to another invocation: only a stopping host gives back.
            if desk.halt.is_cancelled() && desk.held.contains(&task.id) {
                release::release(&desk, &task.id).await;
            }
        }
        ending => {
            let outcome = undecided(&desk, &task, &plugin, ending);
            decision::decide_without_handler(&desk, &task, &plugin, outcome, Some(slot)).await;
        }
    }
}

/// What becomes of a task whose handler ended without a decision.
fn undecided(desk: &Desk, task: &Task, plugin: &Plugin, ending: Ending) -> Outcome {
    match ending {
        Ending::Returned(Ok(())) if plugin.settings.on_undecided == OnUndecided::Complete => {
            Outcome::Complete { variables: Variables::new(), local_variables: Variables::new() }
        }
        Ending::Returned(Ok(())) => {
            let cause = "the handler returned without a decision (complete, fail, bpmn-error, unlock or hand-off)";
            decision::failure(task, plugin, cause, None)
        }
        Ending::Returned(Err(text)) => decision::failure(task, plugin, &text, None),
        Ending::Broken(Breakdown { cause, details, .. }) => {
            decision::failure(task, plugin, &cause, Some(details).filter(|details| !details.is_empty()))
        }
        // Not the handler's fault: no retry is used up.
        Ending::Cancelled | Ending::HostFault(_) => Outcome::Unlock { delay: desk.options.backoff.initial },
    }
}

fn report(task: &Task, version: &str, decided: Option<Decided>, ending: &Ending, usage: Usage) {
    let Task { topic, id: task, .. } = task;
    let (ms, cpu_ms) = (usage.wall.as_millis() as u64, usage.cpu.as_millis() as u64);
    let Usage { memory, task_of_instance, .. } = usage;
    match (decided, ending) {
        (_, Ending::Returned(Ok(()))) => {
            tracing::debug!(%topic, version, %task, ms, cpu_ms, memory, task_of_instance, "handler returned");
        }
        (Some(_), Ending::Returned(Err(text))) => {
            tracing::warn!(%topic, version, %task, ms, task_of_instance, "the handler decided and then returned an error; the decision holds: {}", excerpt(text, SHOWN_TEXT));
        }
        (Some(_), Ending::Broken(Breakdown { cause, .. })) => {
            tracing::warn!(%topic, version, %task, ms, task_of_instance, "the handler decided and then broke down; the decision holds: {cause}");
        }
        (None, Ending::Returned(Err(text))) => {
            tracing::warn!(%topic, version, %task, ms, task_of_instance, "handler failed: {}", excerpt(text, SHOWN_TEXT))
        }
        (None, Ending::Broken(Breakdown { cause, .. })) => {
            tracing::warn!(%topic, version, %task, ms, cpu_ms, task_of_instance, "handler failed: {cause}");
        }
        (_, Ending::Cancelled) => tracing::info!(%topic, version, %task, ms, "invocation cancelled"),
        (_, Ending::HostFault(why)) => {
            tracing::error!(%topic, version, %task, "the host could not run a handler: {why}")
        }
    }
}
