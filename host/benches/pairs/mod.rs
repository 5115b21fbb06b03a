//! The ratio of both sides, measured in pairs: some calls of one side, then of the other, and so on, in
//! alternating order. What else the machine does falls on both, so the median of the ratios holds on a noisy machine
//! where two benches one after the other tell little.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// Pairs of one comparison: enough for a median that a few disturbed ones do not move.
const PAIRS: usize = 101;

/// How long one side of a pair takes, about, so that a pair is over before the machine's mood changes.
const SIDE: Duration = Duration::from_millis(10);

/// How many calls are tried to see how long one takes.
const TRIALS: u64 = 100;

/// The median times of one call of each side, and the median of the ratios of all pairs.
struct Paired {
    fetchlock: Duration,
    baseline: Duration,
    ratio: f64,
}

/// Measures both sides, which are given the number of calls to make, and prints wall and processor time,
/// a line of JSON each.
pub(crate) fn compare(name: &str, fetchlock: impl Fn(u64), baseline: impl Fn(u64)) {
    let calls = calls(&baseline);
    let mut wall = Vec::new();
    let mut cpu = Vec::new();
    for pair in 0..PAIRS {
        let (ours, theirs) = if pair % 2 == 0 {
            let ours = timed(&fetchlock, calls);
            (ours, timed(&baseline, calls))
        } else {
            let theirs = timed(&baseline, calls);
            (timed(&fetchlock, calls), theirs)
        };
        wall.push((ours.0, theirs.0));
        cpu.push((ours.1, theirs.1));
    }
    for (clock, pairs) in [("wall", wall), ("cpu", cpu)] {
        let Paired { fetchlock, baseline, ratio } = medians(&pairs, calls);
        let told = serde_json::json!({
            "name": name, "clock": clock, "pairs": PAIRS, "calls": calls, "ratio": (ratio * 1e3).round() / 1e3,
            "fetchlock-ns": nanos(fetchlock), "baseline-ns": nanos(baseline),
        });
        println!("row {told}");
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("a short time")
}

/// How many calls take as long as a side should.
fn calls(side: &impl Fn(u64)) -> u64 {
    // The first ones are slower.
    side(TRIALS);
    let (took, _) = timed(side, TRIALS);
    let calls = SIDE.as_nanos() * u128::from(TRIALS) / took.as_nanos().max(1);
    u64::try_from(calls).unwrap_or(u64::MAX).max(1)
}

fn timed(side: &impl Fn(u64), calls: u64) -> (Duration, Duration) {
    let (began, cpu_began) = (Instant::now(), ProcessTime::now());
    side(calls);
    (began.elapsed(), cpu_began.elapsed())
}

fn medians(pairs: &[(Duration, Duration)], calls: u64) -> Paired {
    let per_call = |total: Duration| total / u32::try_from(calls).expect("a small number");
    Paired {
        fetchlock: per_call(median(pairs.iter().map(|pair| pair.0).collect())),
        baseline: per_call(median(pairs.iter().map(|pair| pair.1).collect())),
        ratio: median(pairs.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()).collect()),
    }
}

/// The one in the middle.
pub(crate) fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("comparable"));
    values[values.len() / 2]
}
