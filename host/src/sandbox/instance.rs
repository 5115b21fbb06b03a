//! An instance of a handler, in its store: made for a task and dropped after it, or given more tasks, one after the other.

use std::time::Duration;

use wasmtime::{Engine, Store, UpdateDeadline};

use super::{
    Act, Handler, Version,
    ending::show,
    idle::Reuse,
    invocation::{Assigned, Assignment, Invocation, Unfit},
    limits::LimitExceeded,
    v0_1,
};

/// What a host call may copy out of the guest beyond the payload limit: names, records, list headers.
const HOSTCALL_OVERHEAD: usize = 1 << 20;

/// A store, and what is in it.
pub(super) struct Instance {
    store: Store<Invocation>,
    /// Nothing before the first call.
    exports: Option<Exports>,
    /// How many tasks it has been given.
    tasks: usize,
}

/// The functions of an instance, by the contract's version.
enum Exports {
    V0_1(v0_1::Instance),
}

impl Instance {
    /// A store for an instance, which is made when it is first called.
    pub(super) fn new(engine: &Engine, assignment: Assignment) -> Self {
        let mut store = Store::new(engine, Invocation::new(assignment));
        store.limiter(|invocation| &mut invocation.memory);
        store.set_max_component_handles(store.data().assigned.limits.handles);
        store.epoch_deadline_callback(|context| {
            let Invocation { assigned: Assigned { meter, limits, began, .. }, is_virtual, .. } = context.data();
            let over = |setting, allowed: Duration| LimitExceeded { setting, allowed: show(allowed) };
            if meter.used_within_poll() > limits.cpu_time {
                return Err(over("limits.cpu-time", limits.cpu_time).into());
            }
            // Where time passes only in waiting, computing is held against the timeout by its own measure.
            let spent = if *is_virtual { meter.used_within_poll() } else { began.elapsed() };
            if spent > limits.timeout {
                return Err(over("timeout", limits.timeout).into());
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        let mut instance = Self { store, exports: None, tasks: 0 };
        instance.get_ready();
        instance
    }

    /// Gives it another task.
    pub(super) fn begin(&mut self, assignment: Assignment) {
        self.store.data_mut().begin(assignment);
        self.get_ready();
    }

    fn get_ready(&mut self) {
        self.tasks += 1;
        let payload = self.invocation().assigned.limits.payload;
        self.store.set_hostcall_fuel(payload.saturating_add(HOSTCALL_OVERHEAD));
        self.store.set_epoch_deadline(1);
    }

    pub(super) fn invocation(&self) -> &Invocation {
        self.store.data()
    }

    /// How many tasks it has been given, with the one it has now.
    pub(super) fn tasks(&self) -> usize {
        self.tasks
    }

    /// Makes the instance, unless it is there, and does that with it.
    pub(super) async fn act(&mut self, handler: &Handler, act: Act) -> wasmtime::Result<Result<(), String>> {
        let Self { store, exports, .. } = self;
        let exports = match exports {
            Some(exports) => exports,
            None => exports.insert(match &handler.0.version {
                Version::V0_1(handler) => Exports::V0_1(handler.instantiate(store).await?),
            }),
        };
        match (exports, act) {
            (_, Act::Instantiate) => Ok(Ok(())),
            (Exports::V0_1(instance), Act::Handle) => instance.handle(store).await,
        }
    }

    /// Takes the task from it and leaves it for another one.
    ///
    /// # Errors
    /// It is unfit for that.
    pub(super) fn rest(&mut self, reuse: Reuse) -> Result<(), Unfit> {
        if !reuse.allows_after(self.tasks) {
            return Err(Unfit::Spent);
        }
        self.store.data_mut().rest()
    }
}
