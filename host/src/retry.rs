//! The retry policy: how many further tries a failed task gets, and when.

mod written;

use std::{fmt, str::FromStr, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

use self::written::Written;

/// How many retries a failed task gets and how long each waits. Written as `R3/PT5M` (three retries, five minutes
/// apart), as a list of waits `PT1M,PT5M,PT30M` (one retry each), or as an exponential table.
///
/// A policy of *n* retries makes *n* + 1 runs in all: the first, and one for each retry.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
pub struct RetryPolicy {
    waits: Vec<Duration>,
}

/// More retries than this are taken for a mistake.
const MAX_RETRIES: u32 = 1_000;

/// The longest wait: a year, far within what the engine's clock can add.
const MAX_WAIT: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is no retry policy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "`{text}` is no retry policy: {why}; expected `R3/PT5M` (at most {MAX_RETRIES} retries, and an ISO 8601 wait of at \
     most a year) or waits like `PT1M,PT5M`"
)]
pub struct RetryPolicyError {
    text: String,
    why: String,
}

impl RetryPolicy {
    /// The same wait before each retry.
    pub fn fixed(retries: u32, wait: Duration) -> Self {
        Self { waits: vec![wait; retries as usize] }
    }

    /// What follows a failure of a task that had `retries` left (`None` on its first failure): the retries left now,
    /// and how long the next waits. 0 retries mean an incident.
    pub fn after_failure(&self, retries: Option<u32>) -> (u32, Duration) {
        let total = u32::try_from(self.waits.len()).unwrap_or(MAX_RETRIES);
        let left = match retries {
            None => total,
            Some(before) => before.saturating_sub(1),
        };
        // Somebody may have set more retries at the engine than the schedule is long: its first wait serves them.
        let used = total.saturating_sub(left) as usize;
        let wait = self.waits.get(used).or(self.waits.last()).copied().unwrap_or_default();
        (left, if left == 0 { Duration::ZERO } else { wait })
    }
}

impl FromStr for RetryPolicy {
    type Err = RetryPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: String| RetryPolicyError { text: text.to_owned(), why };
        if let Some(cycle) = text.strip_prefix('R') {
            let (count, wait) = cycle.split_once('/').ok_or_else(|| error("`/` is missing".into()))?;
            let retries: u32 = count.trim().parse().map_err(|_| error(format!("`{count}` is no number")))?;
            if retries > MAX_RETRIES {
                return Err(error(format!("{retries} retries are more than {MAX_RETRIES}")));
            }
            return Ok(Self::fixed(retries, parse_wait(wait).map_err(error)?));
        }
        let waits: Vec<Duration> = text.split(',').map(parse_wait).collect::<Result<_, _>>().map_err(error)?;
        Ok(Self { waits })
    }
}

impl fmt::Display for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = |wait: &Duration| SignedDuration::try_from(*wait).map(|d| d.to_string()).unwrap_or_default();
        match self.waits.split_first() {
            None => f.write_str("R0/PT0S"),
            Some((first, rest)) if rest.iter().all(|wait| wait == first) => {
                write!(f, "R{}/{}", self.waits.len(), iso(first))
            }
            Some(_) => f.write_str(&self.waits.iter().map(iso).collect::<Vec<_>>().join(",")),
        }
    }
}

fn parse_wait(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let signed: SignedDuration = text.parse().map_err(|_| format!("`{text}` is no duration"))?;
    let wait = Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))?;
    if wait > MAX_WAIT { Err(format!("`{text}` is longer than a year")) } else { Ok(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> RetryPolicy {
        text.parse().expect("a policy")
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_cycle_counts_down_to_an_incident() {
        let policy = policy("R3/PT5M");
        assert_eq!(policy.after_failure(None), (3, 5 * MINUTE));
        assert_eq!(policy.after_failure(Some(3)), (2, 5 * MINUTE));
        assert_eq!(policy.after_failure(Some(2)), (1, 5 * MINUTE));
        assert_eq!(policy.after_failure(Some(1)), (0, Duration::ZERO));
    }

    #[test]
    fn a_list_gives_each_retry_its_own_wait() {
        let policy = policy("PT1M, PT5M");
        assert_eq!(policy.after_failure(None), (2, MINUTE));
        assert_eq!(policy.after_failure(Some(2)), (1, 5 * MINUTE));
        assert_eq!(policy.after_failure(Some(1)), (0, Duration::ZERO));
    }

    #[test]
    fn no_retries_mean_an_incident_at_the_first_failure() {
        assert_eq!(policy("R0/PT0S").after_failure(None), (0, Duration::ZERO));
    }

    #[test]
    fn retries_set_by_hand_beyond_the_schedule_start_it_anew() {
        assert_eq!(policy("PT1M,PT5M").after_failure(Some(10)), (9, MINUTE));
    }

    #[test]
    fn what_is_no_policy_is_refused_with_a_reason() {
        for text in ["", "R3", "Rx/PT5M", "R3/5 parsecs", "PT1M,,PT2M", "-PT5M", "R2000/PT1S", "PT9999999H"] {
            assert!(text.parse::<RetryPolicy>().is_err(), "{text} was taken");
        }
    }
}
