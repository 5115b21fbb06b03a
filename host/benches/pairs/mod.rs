//! The ratio of both sides, measured in pairs: a few hundred calls of one side, then of the other, and so on, in
//! alternating order. What else the machine does falls on both, so the median of the ratios holds on a noisy machine
//! where two benches one after the other tell little.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// Pairs of one comparison: enough for a median that a few disturbed ones do not move.
const PAIRS: usize = 101;

/// Calls of one side in a pair: about 10 ms, so that a pair is over before the machine's mood changes.
const CALLS: u64 = 300;

/// The median times of one call of each side, and the median of the ratios of all pairs.
struct Paired {
    fetchlock: Duration,
    baseline: Duration,
    ratio: f64,
}

/// Measures both sides, which are given the number of calls to make, and prints wall and processor time,
/// a line of JSON each.
pub(crate) fn compare(name: &str, fetchlock: impl Fn(u64), baseline: impl Fn(u64)) {
    let mut wall = Vec::new();
    let mut cpu = Vec::new();
    for pair in 0..PAIRS {
        let (ours, theirs) = if pair % 2 == 0 {
            let ours = timed(&fetchlock);
            (ours, timed(&baseline))
        } else {
            let theirs = timed(&baseline);
            (timed(&fetchlock), theirs)
        };
        wall.push((ours.0, theirs.0));
        cpu.push((ours.1, theirs.1));
    }
    for (clock, pairs) in [("wall", wall), ("cpu", cpu)] {
        let Paired { fetchlock, baseline, ratio } = medians(&pairs);
        let told = serde_json::json!({
            "name": name, "clock": clock, "pairs": PAIRS, "calls": CALLS, "ratio": (ratio * 1e3).round() / 1e3,
            "fetchlock-ns": nanos(fetchlock), "baseline-ns": nanos(baseline),
        });
        println!("pairs {told}");
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("a short time")
}

fn timed(calls: &impl Fn(u64)) -> (Duration, Duration) {
    let (began, cpu_began) = (Instant::now(), ProcessTime::now());
    calls(CALLS);
    (began.elapsed(), cpu_began.elapsed())
}

fn medians(pairs: &[(Duration, Duration)]) -> Paired {
    let per_call = |total: Duration| total / u32::try_from(CALLS).expect("a small number");
    Paired {
        fetchlock: per_call(median(pairs.iter().map(|pair| pair.0).collect())),
        baseline: per_call(median(pairs.iter().map(|pair| pair.1).collect())),
        ratio: median(pairs.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()).collect()),
    }
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("comparable"));
    values[values.len() / 2]
}
