//! Which instances are given another task, and which never.

use super::*;

const PAGE: usize = 64 << 10;

/// A handler that counts its tasks, does this for each, and then gives the task back; `$count` is the number of the task.
fn counts(body: &str) -> String {
    deciding(body, "(call $unlock (i64.const 0) (i32.const 512))")
}

/// The same, with what it does as its decision. The memory is a module of its own, because the function of the host needs
/// it before there is the handler.
fn deciding(body: &str, decision: &str) -> String {
    format!(
        r#"(component
            (import "fetchlock:handler/outcome@0.1.0" (instance $outcome
                (type $reason (variant (case "already-decided") (case "invalid" string) (case "not-durable" string)))
                (export "decision-error" (type $error (eq $reason)))
                (export "unlock" (func (param "delay" u64) (result (result (error $error)))))))
            (core module $memory (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
            (core instance $memory (instantiate $memory))
            (core func $unlock (canon lower (func $outcome "unlock")
                (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
            (core module $handler
                (import "memory" "memory" (memory 1))
                (import "host" "unlock" (func $unlock (param i64 i32)))
                (table $table 0 funcref)
                (global $count (mut i32) (i32.const 0))
                (func (export "handle") (result i32) (local $i i32)
                    (global.set $count (i32.add (global.get $count) (i32.const 1)))
                    {body}
                    {decision}
                    (i32.const 0)))
            (core instance $i (instantiate $handler
                (with "memory" (instance $memory)) (with "host" (instance (export "unlock" (func $unlock))))))
            (func $handle (result (result (error string)))
                (canon lift (core func $i "handle") (memory (core memory $memory "memory"))))
            (export "handle" (func $handle)))"#
    )
}

/// Runs this if the task is the instance's second or a later one.
fn from_the_second_on(body: &str) -> String {
    counts(&format!("(if (i32.ge_u (global.get $count) (i32.const 2)) (then {body}))"))
}

const TRAPS: &str = "(unreachable)";

const SPINS: &str = "(loop $l (br $l))";

/// Some tens of milliseconds: several ticks of the epoch.
const COMPUTES: &str = "(local.set $i (i32.const 100000000))
    (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";

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
        Assignment { reuse: self.reuse, port: Arc::new(Notes::default()), ..assignment }
    }

    async fn used(&self, assignment: Assignment, cancel: CancellationToken) -> (Ending, Usage) {
        let invocation = self.sandbox.invoke(&self.handler, assignment, cancel);
        self.sandbox.guests().spawn(invocation).await.expect("no panic")
    }

    async fn run(&self, assignment: Assignment) -> Ending {
        self.used(assignment, CancellationToken::new()).await.0
    }

    async fn invoke(&self) -> Ending {
        self.run(self.assignment()).await
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
async fn an_instance_that_was_cancelled_while_it_computed_is_given_no_task() {
    let fixture = Fixture::new(&from_the_second_on(SPINS), 100);
    for _ in 0..2 {
        assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
        let cancel = CancellationToken::new();
        // Some ticks, for there is nothing to be seen of a guest that computes.
        let ((ending, usage), ()) = tokio::join!(fixture.used(fixture.assignment(), cancel.clone()), async {
            tokio::time::sleep(10 * ticker::TICK).await;
            cancel.cancel();
        });
        assert_eq!(ending, Ending::Cancelled);
        assert!(usage.cpu > ticker::TICK, "it had begun: {usage:?}");
    }
}

#[tokio::test]
async fn an_instance_that_decided_nothing_is_given_no_task() {
    let traps = format!("(if (i32.ge_u (global.get $count) (i32.const 2)) (then {TRAPS}))");
    assert_eq!(Fixture::new(&deciding(&traps, ""), 100).are_well().await, [true; 3]);
    assert_eq!(Fixture::new(&counts(&traps), 100).are_well().await, [true, false, true]);
}

#[tokio::test]
async fn each_task_has_a_time_of_its_own() {
    let mut fixture = Fixture::new(&from_the_second_on(COMPUTES), 100);
    fixture.limits.timeout = Duration::from_secs(2);
    assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
    tokio::time::sleep(fixture.limits.timeout).await;
    let (ending, usage) = fixture.used(fixture.assignment(), CancellationToken::new()).await;
    assert_eq!((ending, usage.task_of_instance), (Ending::Returned(Ok(())), 2));
}

#[tokio::test]
async fn each_task_has_processor_time_of_its_own() {
    let mut fixture = Fixture::new(&counts(COMPUTES), 100);
    let (_, first) = fixture.used(fixture.assignment(), CancellationToken::new()).await;
    fixture.limits.cpu_time = 3 * first.cpu;
    for number in 2..=6 {
        let (ending, usage) = fixture.used(fixture.assignment(), CancellationToken::new()).await;
        assert_eq!((ending, usage.task_of_instance), (Ending::Returned(Ok(())), number));
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
async fn an_instance_with_half_of_its_table_elements_is_given_another_task_and_with_more_it_is_not() {
    let grows = |elements: usize| {
        let body = format!(
            "(if (i32.ge_u (global.get $count) (i32.const 2)) (then {TRAPS}))
            (drop (table.grow $table (ref.null func) (i32.const {elements})))"
        );
        Fixture::new(&counts(&body), 100)
    };
    let half = test_limits().table_elements / 2;
    assert_eq!(grows(half).are_well().await, [true, false]);
    assert_eq!(grows(half + 1).are_well().await, [true; 3]);
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
        assert_eq!(other.run(assignment).await, Ending::Returned(Ok(())));
    }
    assert_ne!(other.invoke().await, Ending::Returned(Ok(())), "that of the handler is still there");
}

#[tokio::test]
async fn idle_instances_leave_room_for_those_of_other_handlers() {
    let mut fixture = Fixture::new(&counts(""), 100);
    // Several times what the sandbox has room for.
    for _ in 0..20 {
        fixture.handler = load(&fixture.sandbox, &counts("")).expect("loads");
        assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
    }
}

#[tokio::test]
async fn an_idle_instance_holds_nothing_of_its_task() {
    let fixture = Fixture::new(&counts(""), 100);
    let assignment = fixture.assignment();
    let (port, variables, task) = (Arc::new(Notes::default()), Arc::new(Variables::new()), assignment.task.clone());
    let config = Arc::new(BTreeMap::new());
    let assignment =
        Assignment { port: port.clone(), variables: variables.clone(), config: config.clone(), ..assignment };
    assert_eq!(fixture.run(assignment).await, Ending::Returned(Ok(())));
    assert_eq!((Arc::strong_count(&port), Arc::strong_count(&variables)), (1, 1));
    assert_eq!((Arc::strong_count(&task), Arc::strong_count(&config)), (1, 1));
    let (_, usage) = fixture.used(fixture.assignment(), CancellationToken::new()).await;
    assert_eq!(usage.task_of_instance, 2, "it was kept");
}

#[tokio::test]
async fn an_instance_that_is_idle_for_too_long_is_gone() {
    let max_idle = Duration::from_millis(50);
    let sandbox = Sandbox::with_max_idle(NonZeroUsize::MIN, 100_000, max_idle).expect("a sandbox");
    let handler = load(&sandbox, &counts("")).expect("loads");
    let fixture = Fixture { sandbox, handler, reuse: up_to(100), limits: test_limits() };
    assert_eq!(fixture.invoke().await, Ending::Returned(Ok(())));
    let gone = async {
        while let Some(kept) = fixture.sandbox.idle.take(fixture.handler.0.id) {
            fixture.sandbox.idle.keep(fixture.handler.0.id, kept, Instant::now().into());
            tokio::time::sleep(2 * max_idle).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("dropped");
}
