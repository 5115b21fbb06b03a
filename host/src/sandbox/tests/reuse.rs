//! Which instances are given another task, and which never.

use super::*;

const PAGE: usize = 64 << 10;

/// A handler that counts its tasks in its memory and runs this for each; `$count` is the number of the task.
fn counts(body: &str) -> String {
    handler(&format!(
        r#"(memory (export "memory") 1)
        (global $count (mut i32) (i32.const 0))
        (func (export "handle") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            {body}
            (i32.const 0))"#
    ))
}

/// Runs this if the task is the instance's second or a later one.
fn from_the_second_on(body: &str) -> String {
    counts(&format!("(if (i32.ge_u (global.get $count) (i32.const 2)) (then {body}))"))
}

const TRAPS: &str = "(unreachable)";

const SPINS: &str = "(loop $l (br $l))";

/// Returns an error: the first byte of the result says so, an empty text follows.
const ERRS: &str = "(i32.store8 (i32.const 0) (i32.const 1))";

struct Fixture {
    sandbox: Sandbox,
    handler: Handler,
    reuse: Reuse,
    limits: Limits,
}

impl Fixture {
    fn new(wat: &str, tasks: usize) -> Self {
        let sandbox = sandbox();
        let handler = load(&sandbox, wat).expect("loads");
        Self { sandbox, handler, reuse: up_to(tasks), limits: test_limits() }
    }

    fn assignment(&self) -> Assignment {
        let assignment = trial::assignment(&Topic::new("t"), "v", &self.limits, Arc::default(), Secrets::none());
        Assignment { reuse: self.reuse, ..assignment }
    }

    async fn run(&self, assignment: Assignment, cancel: CancellationToken) -> Ending {
        let invocation = self.sandbox.invoke(&self.handler, assignment, cancel);
        self.sandbox.guests().spawn(invocation).await.expect("no panic").0
    }

    async fn invoke(&self) -> Ending {
        self.run(self.assignment(), CancellationToken::new()).await
    }

    /// Whether each of so many tasks in turn was well.
    async fn are_well<const TASKS: usize>(&self) -> [bool; TASKS] {
        let mut are_well = [false; TASKS];
        for is_well in &mut are_well {
            *is_well = self.invoke().await == Ending::Returned(Ok(()));
        }
        are_well
    }
}

fn up_to(tasks: usize) -> Reuse {
    Reuse::up_to(NonZeroUsize::new(tasks).expect("positive"))
}

#[tokio::test]
async fn an_instance_is_given_as_many_tasks_as_it_may_and_not_one_more() {
    let fourth_traps = counts("(if (i32.ge_u (global.get $count) (i32.const 4)) (then (unreachable)))");
    assert_eq!(Fixture::new(&fourth_traps, 3).are_well().await, [true; 7]);
    assert_eq!(Fixture::new(&fourth_traps, 4).are_well().await, [true, true, true, false, true]);
    assert_eq!(Fixture::new(&from_the_second_on(TRAPS), 1).are_well().await, [true; 3]);
}

#[tokio::test]
async fn an_instance_that_trapped_or_returned_an_error_is_given_no_task() {
    for end in [TRAPS, ERRS] {
        let fixture = Fixture::new(&from_the_second_on(end), 100);
        assert_eq!(fixture.are_well().await, [true, false, true, false], "{end}");
    }
}

#[tokio::test]
async fn an_instance_that_was_interrupted_is_given_no_task() {
    let mut fixture = Fixture::new(&from_the_second_on(SPINS), 100);
    fixture.limits.timeout = Duration::from_millis(50);
    assert_eq!(fixture.are_well().await, [true, false, true, false]);
    fixture.limits = Limits { cpu_time: Duration::from_millis(50), ..test_limits() };
    assert_eq!(fixture.are_well().await, [true, false, true, false]);
}

#[tokio::test]
async fn an_instance_that_was_cancelled_is_given_no_task() {
    let fixture = Fixture::new(&from_the_second_on(SPINS), 100);
    for _ in 0..2 {
        assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
        let cancel = CancellationToken::new();
        let (ending, ()) = tokio::join!(fixture.run(fixture.assignment(), cancel.clone()), async { cancel.cancel() });
        assert_eq!(ending, Ending::Cancelled);
    }
}

#[tokio::test]
async fn each_task_has_time_of_its_own() {
    let mut fixture = Fixture::new(&counts(""), usize::MAX);
    fixture.limits.timeout = Duration::from_millis(200);
    let until = Instant::now() + fixture.limits.timeout * 3;
    while Instant::now() < until {
        assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
    }
}

#[tokio::test]
async fn an_instance_with_half_of_its_memory_is_given_another_task_and_with_more_it_is_not() {
    let grows = |pages: usize| {
        format!("(if (i32.eq (global.get $count) (i32.const 1)) (then (drop (memory.grow (i32.const {pages})))))")
    };
    let traps_then = format!("(if (i32.ge_u (global.get $count) (i32.const 2)) (then {TRAPS}))");
    let half = test_limits().memory / PAGE / 2 - 1;
    let obeyed = Fixture::new(&counts(&format!("{} {traps_then}", grows(half))), 100);
    assert_eq!(obeyed.are_well().await, [true, false]);
    let violated = Fixture::new(&counts(&format!("{} {traps_then}", grows(half + 1))), 100);
    assert_eq!(violated.are_well().await, [true; 3]);
}

#[tokio::test]
async fn an_instance_is_the_same_handlers_and_of_the_machines_clocks_or_it_is_a_fresh_one() {
    let fixture = Fixture::new(&from_the_second_on(TRAPS), 100);
    let again = load(&fixture.sandbox, &from_the_second_on(TRAPS)).expect("loads");
    assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
    let other = Fixture { handler: again, ..fixture };
    assert_eq!(other.invoke().await, Ending::Returned(Ok(())));
    let noted = Surroundings { clock: Clock::Noted(FirstReading::default()), random: Random::Real };
    for _ in 0..2 {
        let assignment = Assignment { surroundings: noted.clone(), ..other.assignment() };
        assert_eq!(other.run(assignment, CancellationToken::new()).await, Ending::Returned(Ok(())));
    }
    assert_ne!(other.invoke().await, Ending::Returned(Ok(())), "that of the handler is still there");
}

#[tokio::test]
async fn idle_instances_leave_room_for_those_of_other_handlers() {
    let sandbox = sandbox();
    // Several times what the sandbox has room for.
    for _ in 0..20 {
        let handler = load(&sandbox, &handler(RETURNS_OK)).expect("loads");
        let assignment = trial::assignment(&Topic::new("t"), "v", &test_limits(), Arc::default(), Secrets::none());
        let assignment = Assignment { reuse: up_to(100), ..assignment };
        let (ending, _) = sandbox.invoke(&handler, assignment, CancellationToken::new()).await;
        assert_eq!(ending, Ending::Returned(Ok(())));
    }
}

#[tokio::test]
async fn an_idle_instance_holds_nothing_of_its_task() {
    let fixture = Fixture::new(&counts(""), 100);
    let (port, variables) = (Arc::new(Notes::default()), Arc::new(Variables::new()));
    let assignment = Assignment { port: port.clone(), variables: variables.clone(), ..fixture.assignment() };
    assert_eq!(fixture.run(assignment, CancellationToken::new()).await, Ending::Returned(Ok(())));
    assert_eq!((Arc::strong_count(&port), Arc::strong_count(&variables)), (1, 1));
}
