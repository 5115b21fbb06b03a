//! The sandbox against components that misbehave, written as WebAssembly text: one per rule. What needs a guest of a
//! real language is tested with the probe guest in the black-box tests.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use super::{limits::test_limits, *};

mod reuse;
use crate::value::{Scope, Variables};

/// A port that notes decisions.
#[derive(Default)]
struct Notes(Mutex<Vec<Decision>>);

#[async_trait]
impl TaskPort for Notes {
    async fn decide(&self, decision: Decision) -> Result<(), DecisionError> {
        self.0.lock().expect("unpoisoned").push(decision);
        Ok(())
    }

    async fn extend_lock(&self, _: Duration) -> Result<(), LockError> {
        Ok(())
    }

    async fn set_progress(&self, _: Scope, _: Variables) -> Result<(), SetError> {
        Ok(())
    }

    async fn load(&self, _: &str, _: usize) -> Result<Bytes, LoadError> {
        Err(LoadError::Unknown)
    }
}

fn sandbox() -> Sandbox {
    Sandbox::new(NonZeroUsize::new(2).expect("positive"), 100_000).expect("a sandbox")
}

#[allow(unsafe_code)]
fn load(sandbox: &Sandbox, wat: &str) -> Result<Handler, PrepareError> {
    let artefact = compile(&wat::parse_str(wat).expect("WAT"))?;
    // SAFETY: compiled the line above.
    unsafe { sandbox.load(Artefact::Bytes(&artefact)) }
}

/// A handler whose core module is this, with `handle` and `memory` exported.
fn handler(module: &str) -> String {
    format!(
        r#"(component
            (core module $m {module})
            (core instance $i (instantiate $m))
            (func $handle (result (result (error string)))
                (canon lift (core func $i "handle") (memory (core memory $i "memory"))))
            (export "handle" (func $handle)))"#
    )
}

const RETURNS_OK: &str = r#"(memory (export "memory") 1) (func (export "handle") (result i32) (i32.const 0))"#;

const SPINS: &str = r#"(memory (export "memory") 1)
    (func (export "handle") (result i32) (loop $l (br $l)) (unreachable))"#;

async fn invoke(sandbox: &Sandbox, handler: &Handler, limits: Limits) -> (Ending, Usage) {
    invoke_until(sandbox, handler, limits, CancellationToken::new()).await
}

async fn invoke_until(
    sandbox: &Sandbox,
    handler: &Handler,
    limits: Limits,
    cancel: CancellationToken,
) -> (Ending, Usage) {
    let assignment = Assignment {
        port: Arc::new(Notes::default()),
        ..trial::assignment(&Topic::new("t"), "v", &limits, Arc::default(), Secrets::none())
    };
    sandbox.guests().spawn(sandbox.invoke(handler, assignment, cancel)).await.expect("no panic")
}

fn cause(ending: Ending) -> String {
    match ending {
        Ending::Broken(Breakdown { cause, .. }) => cause,
        other => panic!("expected a breakdown, found {other:?}"),
    }
}

#[tokio::test]
async fn a_handler_that_returns_is_done_and_can_be_called_again() {
    let sandbox = sandbox();
    let handler = load(&sandbox, &handler(RETURNS_OK)).expect("loads");
    for _ in 0..10 {
        assert_eq!(invoke(&sandbox, &handler, test_limits()).await.0, Ending::Returned(Ok(())));
    }
}

#[tokio::test]
async fn a_spinning_handler_ends_at_its_cpu_limit_with_a_backtrace_and_the_next_call_works() {
    let sandbox = sandbox();
    let spins = load(&sandbox, &handler(SPINS)).expect("loads");
    let limits = Limits { cpu_time: Duration::from_millis(50), ..test_limits() };
    let (ending, usage) = invoke(&sandbox, &spins, limits).await;
    let Ending::Broken(Breakdown { cause, details, .. }) = ending else { panic!("{ending:?}") };
    assert_eq!(cause, "the limit `limits.cpu-time` of 50 ms is used up");
    assert!(details.contains("guest backtrace"), "{details}");
    assert!(usage.cpu >= Duration::from_millis(50) && usage.cpu < Duration::from_secs(1), "{usage:?}");
    let well = load(&sandbox, &handler(RETURNS_OK)).expect("loads");
    assert_eq!(invoke(&sandbox, &well, test_limits()).await.0, Ending::Returned(Ok(())));
}

#[tokio::test]
async fn a_spinning_handler_ends_at_its_timeout() {
    let sandbox = sandbox();
    let spins = load(&sandbox, &handler(SPINS)).expect("loads");
    let limits = Limits { timeout: Duration::from_millis(50), ..test_limits() };
    assert_eq!(cause(invoke(&sandbox, &spins, limits).await.0), "the limit `timeout` of 50 ms is used up");
}

#[tokio::test]
async fn spinning_handlers_do_not_hold_up_the_hosts_own_timers() {
    let sandbox = Arc::new(sandbox());
    let spins = load(&sandbox, &handler(SPINS)).expect("loads");
    let limits = Limits { cpu_time: Duration::from_millis(300), ..test_limits() };
    let guests = (0..2).map(|_| invoke(&sandbox, &spins, limits.clone()));
    let timer = async {
        let mut worst = Duration::ZERO;
        for _ in 0..20 {
            let began = Instant::now();
            tokio::time::sleep(Duration::from_millis(5)).await;
            worst = worst.max(began.elapsed());
        }
        worst
    };
    let mut guests = guests.into_iter();
    let (first, second) = (guests.next().expect("one"), guests.next().expect("two"));
    let (_, _, worst) = tokio::join!(first, second, timer);
    assert!(worst < Duration::from_millis(200), "a timer of 5 ms took {worst:?}");
}

#[tokio::test]
async fn a_cancelled_invocation_ends_at_once_and_says_so() {
    let sandbox = sandbox();
    let spins = load(&sandbox, &handler(SPINS)).expect("loads");
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let (ending, ()) =
        tokio::join!(async { invoke_until(&sandbox, &spins, test_limits(), cancel.clone()).await.0 }, async {
            cancel.cancel()
        });
    assert_eq!(ending, Ending::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn endless_recursion_is_a_stack_overflow() {
    let module = r#"(memory (export "memory") 1)
        (func $f (export "handle") (result i32) (i32.add (call $f) (call $f)))"#;
    let sandbox = sandbox();
    let handler = load(&sandbox, &handler(module)).expect("loads");
    let cause = cause(invoke(&sandbox, &handler, test_limits()).await.0);
    assert_eq!(cause, "trap: stack overflow: the handler's recursion is too deep");
}

/// Grows its memory by pages until it is refused, and returns ok if it was never.
fn grows_to(pages: u32) -> String {
    handler(&format!(
        r#"(memory (export "memory") 1)
        (func (export "handle") (result i32)
            (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (unreachable)))
            (i32.const 0))"#
    ))
}

#[tokio::test]
async fn memory_within_the_limit_is_obeyed() {
    let sandbox = sandbox();
    let handler = load(&sandbox, &grows_to(100)).expect("loads");
    let (ending, usage) = invoke(&sandbox, &handler, test_limits()).await;
    assert_eq!(ending, Ending::Returned(Ok(())));
    assert_eq!(usage.memory, 101 * 65_536);
}

#[tokio::test]
async fn memory_beyond_the_limit_is_violated_and_the_setting_is_named() {
    let sandbox = sandbox();
    let handler = load(&sandbox, &grows_to(2_000)).expect("loads");
    let cause = cause(invoke(&sandbox, &handler, test_limits()).await.0);
    assert_eq!(cause, "the limit `limits.memory` of 64.0 MiB is used up");
}

#[tokio::test]
async fn two_memories_count_together() {
    let wat = r#"(component
        (core module $other (memory (export "memory") 600))
        (core module $m (memory (export "memory") 600) (func (export "handle") (result i32) (i32.const 0)))
        (core instance $o (instantiate $other))
        (core instance $i (instantiate $m))
        (func $handle (result (result (error string)))
            (canon lift (core func $i "handle") (memory (core memory $i "memory"))))
        (export "handle" (func $handle)))"#;
    let sandbox = sandbox();
    let handler = load(&sandbox, wat).expect("loads");
    assert!(cause(invoke(&sandbox, &handler, test_limits()).await.0).contains("limits.memory"));
    let enough = Limits { memory: 128 << 20, ..test_limits() };
    assert_eq!(invoke(&sandbox, &handler, enough).await.0, Ending::Returned(Ok(())));
}

#[tokio::test]
async fn a_start_function_that_traps_is_found_in_the_trial() {
    let module = r#"(memory (export "memory") 1) (func $s (unreachable)) (start $s)
        (func (export "handle") (result i32) (i32.const 0))"#;
    let sandbox = sandbox();
    let handler = load(&sandbox, &handler(module)).expect("loads");
    let error = sandbox
        .try_out(&handler, &Topic::new("t"), "v", &test_limits(), &Arc::default(), &Secrets::none())
        .await
        .expect_err("traps");
    assert!(error.to_string().starts_with("it cannot be instantiated: trap: unreachable code"), "{error}");
}

#[tokio::test]
async fn a_start_function_that_spins_is_ended_in_the_trial() {
    let module = r#"(memory (export "memory") 1) (func $s (loop $l (br $l))) (start $s)
        (func (export "handle") (result i32) (i32.const 0))"#;
    let sandbox = sandbox();
    let handler = load(&sandbox, &handler(module)).expect("loads");
    let limits = Limits { cpu_time: Duration::from_millis(50), ..test_limits() };
    let error = sandbox
        .try_out(&handler, &Topic::new("t"), "v", &limits, &Arc::default(), &Secrets::none())
        .await
        .expect_err("spins");
    assert!(error.to_string().contains("limits.cpu-time"), "{error}");
}

#[tokio::test]
async fn nothing_of_one_invocation_is_left_for_the_next() {
    // Traps unless its memory is all zero, then soils it.
    let module = r#"(memory (export "memory") 1)
        (func (export "handle") (result i32)
            (if (i32.load (i32.const 4096)) (then (unreachable)))
            (i32.store (i32.const 4096) (i32.const -1))
            (i32.const 0))"#;
    let sandbox = sandbox();
    let handler = load(&sandbox, &handler(module)).expect("loads");
    for _ in 0..20 {
        assert_eq!(invoke(&sandbox, &handler, test_limits()).await.0, Ending::Returned(Ok(())));
    }
}

#[test]
fn a_handler_of_another_type_is_refused_with_what_is_wrong() {
    let wat = r#"(component
        (core module $m (func (export "handle") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func $handle (result u32) (canon lift (core func $i "handle")))
        (export "handle" (func $handle)))"#;
    let error = load(&sandbox(), wat).map(drop).expect_err("another type");
    assert!(matches!(error, PrepareError::Link(_)), "{error}");
    assert!(error.to_string().contains("handle"), "{error}");
}

/// Every interface that inspection lets through is there for the linker.
#[test]
fn the_list_of_offered_imports_is_what_is_linked() {
    let sandbox = sandbox();
    let wasi = wasi::IMPORTS.iter().map(|name| format!("{name}@0.2.0"));
    for name in v0_1::IMPORTS.iter().map(|name| (*name).to_owned()).chain(wasi) {
        let wat = handler(RETURNS_OK).replacen("(component", &format!("(component (import \"{name}\" (instance))"), 1);
        load(&sandbox, &wat).map(drop).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
