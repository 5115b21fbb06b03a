//! Long polls: fetches that found nothing wait here until a task is made or unlocked, the tick comes, or their time is
//! over.
//!
//! As on a real engine (`FetchAndLockHandlerImpl`) one task owns them all. It takes them from a queue of limited length;
//! a full queue is an answer of its own. It does not notice when a client leaves, so an abandoned poll still locks
//! what comes; and it does not notice expired locks, passed retry times or new retries before its tick.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{EmbeddedEngine, fetch::FetchRequest, refusal::Refusal};

/// How often all are looked at without being woken (`PENDING_REQUEST_FETCH_INTERVAL`).
const TICK: Duration = Duration::from_secs(30);

/// What the parking task is sent.
pub(super) enum Message {
    /// A fetch that found nothing.
    Park(Parked),
    /// All are to be answered that the engine stops.
    RejectAll,
    /// All are to be looked at, as the tick does.
    Tick,
}

/// A fetch that waits.
pub(super) struct Parked {
    pub(super) request: FetchRequest,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Vec<Value>, Refusal>>,
}

/// Runs until it is told to stop; then rejects what still waits.
pub(super) async fn run(
    engine: EmbeddedEngine,
    unique_worker_requests: bool,
    mut queue: mpsc::Receiver<Message>,
    mut wakes: watch::Receiver<()>,
    stop: CancellationToken,
) {
    let mut parked: Vec<Parked> = Vec::new();
    let mut tick = Instant::now() + TICK;
    loop {
        let next = parked.iter().map(|parked| parked.deadline).min().map_or(tick, |deadline| deadline.min(tick));
        tokio::select! {
            () = stop.cancelled() => {
                queue.close();
                let waiting = std::iter::from_fn(|| queue.try_recv().ok());
                let waiting = waiting.filter_map(|message| match message {
                    Message::Park(parked) => Some(parked),
                    Message::RejectAll | Message::Tick => None,
                });
                return reject(parked.drain(..).chain(waiting));
            }
            message = queue.recv() => match message {
                Some(Message::Park(request)) => {
                    if unique_worker_requests {
                        cancel_older(&mut parked, &request);
                    }
                    parked.extend(look(&engine, request).await);
                }
                Some(Message::Tick) => parked = look_at_all(&engine, parked).await,
                Some(Message::RejectAll) => reject(parked.drain(..)),
                None => return reject(parked.drain(..)),
            },
            woken = wakes.changed() => {
                if woken.is_err() {
                    return reject(parked.drain(..));
                }
                parked = look_at_all(&engine, parked).await;
            }
            () = sleep_until(next) => {
                parked = look_at_all(&engine, parked).await;
                if Instant::now() >= tick {
                    tick = Instant::now() + TICK;
                }
            }
        }
    }
}

async fn look_at_all(engine: &EmbeddedEngine, parked: Vec<Parked>) -> Vec<Parked> {
    let mut left = Vec::with_capacity(parked.len());
    for request in parked {
        left.extend(look(engine, request).await);
    }
    left
}

/// Answers a fetch if there is something for it or its time is over; else gives it back.
async fn look(engine: &EmbeddedEngine, parked: Parked) -> Option<Parked> {
    let found = engine.try_fetch(&parked.request).await;
    let over = Instant::now() >= parked.deadline;
    if matches!(&found, Ok(tasks) if tasks.is_empty()) && !over {
        return Some(parked);
    }
    if parked.reply.send(found).is_err() {
        tracing::debug!("the client of a parked fetch has left; what it got stays locked");
    }
    None
}

/// Cancels what is parked under the worker id of a new fetch (`removeDuplicates`).
fn cancel_older(parked: &mut Vec<Parked>, new: &Parked) {
    for older in parked.extract_if(.., |parked| parked.request.has_worker_of(&new.request)) {
        if older.reply.send(Err(Refusal::cancelled())).is_err() {
            tracing::trace!("the client of a cancelled fetch has left");
        }
    }
}

fn reject(parked: impl Iterator<Item = Parked>) {
    for parked in parked {
        if parked.reply.send(Err(Refusal::shutting_down())).is_err() {
            tracing::trace!("the client of a parked fetch has left");
        }
    }
}
