//! Behaviours that use more than their share, or break.

use std::hint::{black_box, spin_loop};
use std::thread::sleep;
use std::time::Duration;

use crate::Returned;
use crate::bindings::fetchlock::handler::log::{self, Level};
use crate::bindings::fetchlock::handler::variables;
use crate::support::{complete, count, number, number_if_any, text, text_or};

/// Bytes of one step of `memory-bomb`: 1 MiB, the unit of its `n`.
const STEP: usize = 1 << 20;

/// Panics with the message `text`, which traps.
pub(crate) fn trap() -> Returned {
    panic!("{}", text_or("the probe traps on purpose")?);
}

/// Recurses without end.
pub(crate) fn stack_overflow() -> Returned {
    Err(format!("recursion ended at depth {}", recurse(0)))
}

/// Calls itself, in a way that no optimiser turns into a loop: the result is used after the call, and the end is not
/// known.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX { depth } else { black_box(recurse(depth + 1)) + 1 }
}

/// Computes for ever.
pub(crate) fn spin() -> Returned {
    loop {
        spin_loop();
    }
}

/// Waits for ever, using no CPU time.
pub(crate) fn sleep_forever() -> Returned {
    loop {
        sleep(Duration::from_secs(3600));
    }
}

/// Allocates and fills `n` MiB, then completes with `allocated` = `n`. Without `n` it goes on until it fails. A failing
/// allocation is a trap.
pub(crate) fn memory_bomb() -> Returned {
    let limit = number_if_any()?.unwrap_or(u64::MAX);
    let mut held = Vec::new();
    while (held.len() as u64) < limit {
        // Ones, because a page of zeros need not exist; the black box, because what nobody reads need not either.
        held.push(black_box(vec![1_u8; STEP]));
    }
    complete(&[count("allocated", held.len() as u64)])
}

/// Writes `n` lines to the log (`line 1 of n` and so on), then completes with `lines` = `n`.
pub(crate) fn log_flood() -> Returned {
    let lines = number()?;
    for line in 1..=lines {
        log::write(Level::Info, &format!("line {line} of {lines}"), &[]);
    }
    complete(&[count("lines", lines)])
}

/// Writes one log message that looks like several: with line breaks, terminal escapes, a change of writing direction
/// and a forged line of JSON, in the message as well as in a field's name and value. Then completes.
pub(crate) fn log_escapes() -> Returned {
    const FORGED: &str = "honest\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\n\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{202e}\u{0}end";
    log::write(Level::Info, FORGED, &[("field\nname".to_owned(), FORGED.to_owned())]);
    complete(&[])
}

/// Prints two lines and an unfinished one on stdout, and the same on stderr. Then completes.
pub(crate) fn stdout_noise() -> Returned {
    println!("stdout line 1");
    eprintln!("stderr line 1");
    println!("stdout line 2 with \u{1b}[31mred\u{1b}[0m");
    eprintln!("stderr line 2 with \u{1b}[31mred\u{1b}[0m");
    print!("stdout unfinished");
    eprint!("stderr unfinished");
    // An unfinished line lies in a buffer, and a component has no end at which it would be emptied.
    std::io::Write::flush(&mut std::io::stdout()).map_err(|error| format!("stdout cannot be flushed: {error}"))?;
    complete(&[])
}

/// Asks the host `n` times for the names of the variables, then completes with `calls` = `n`.
pub(crate) fn host_call_flood() -> Returned {
    let calls = number()?;
    for _ in 0..calls {
        black_box(variables::names());
    }
    complete(&[count("calls", calls)])
}

/// Completes with the variable `huge`, a text of `n` bytes.
pub(crate) fn huge_variable() -> Returned {
    let bytes =
        usize::try_from(number()?).map_err(|_| "variable `n`: more bytes than there are addresses".to_owned())?;
    complete(&[text("huge", "x".repeat(bytes))])
}

/// Exits as a program would, with code 3.
pub(crate) fn exit() -> Returned {
    std::process::exit(3);
}
