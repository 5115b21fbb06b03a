//! Behaviours that keep something in the memory of their instance, for the task that it may be given next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Returned;
use crate::bindings::fetchlock::handler::config as settings;
use crate::bindings::fetchlock::handler::log::{self, Level};
use crate::support::{complete, text, text_or, text_variable};

/// What the task before has left.
static KEPT: Mutex<String> = Mutex::new(String::new());

fn kept() -> MutexGuard<'static, String> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Completes with `kept`, which is what the last task left here, and leaves the setting that the variable `key` names,
/// or else the variable `text`.
pub(crate) fn keep() -> Returned {
    let left = match text_variable("key")? {
        Some(key) => settings::get(&key).ok_or_else(|| format!("there is no setting `{key}`"))?,
        None => text_or("something")?,
    };
    let found = std::mem::replace(&mut *kept(), left);
    complete(&[text("kept", found)])
}

/// Says what the last task left in the log, on standard output and on standard error, and completes.
pub(crate) fn say_kept() -> Returned {
    let kept = kept().clone();
    log::write(Level::Info, &format!("kept: {kept}"), &[]);
    println!("out: {kept}");
    eprintln!("err: {kept}");
    complete(&[])
}
