//! How a retry policy is written in settings and manifests: as a text or as a table.

use std::{fmt, marker::PhantomData, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

use super::{MAX_RETRIES, RetryPolicy, RetryPolicyError, parse_wait};

/// The forms that settings and manifests accept.
#[derive(JsonSchema)]
#[schemars(untagged, extend("x-written" = WANTED))]
pub(super) enum Written {
    Text(String),
    Exponential(Exponential),
}

/// What is expected as a policy.
const WANTED: &str = "a text like \"R3/PT5M\" or a table of retries, initial, factor and max";

/// By hand, because an untagged enum would hide what is wrong with either form.
impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Written, A::Error> {
        Exponential::deserialize(MapAccessDeserializer::new(table)).map(Written::Exponential)
    }
}

/// Waits that grow by a factor up to a maximum.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exponential {
    /// How many retries there are.
    #[serde(deserialize_with = "bounded")]
    #[schemars(with = "u32", range(max = MAX_RETRIES))]
    retries: Retries,
    /// The wait before the first one.
    #[serde(deserialize_with = "bounded")]
    #[schemars(with = "String", extend("x-written" = WAIT))]
    initial: Wait,
    /// By what each wait is multiplied to give the next.
    #[serde(deserialize_with = "bounded")]
    #[schemars(with = "f64", range(min = MIN_FACTOR, max = MAX_FACTOR))]
    factor: Factor,
    /// The longest wait, not shorter than the first.
    #[serde(deserialize_with = "bounded")]
    #[schemars(with = "String", extend("x-written" = WAIT))]
    max: Wait,
}

/// What is expected as a wait: [`MAX_WAIT`](super::MAX_WAIT) in words.
const WAIT: &str = "a duration of at most a year";

/// Waits do not become shorter.
const MIN_FACTOR: f64 = 1.0;

/// A larger factor reaches any maximum with the second retry.
const MAX_FACTOR: f64 = 100.0;

/// A part of the table. What does not do for it is told with its own key and what is expected.
trait Part: Sized {
    fn wanted() -> String;

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_number(_: f64) -> Option<Self> {
        None
    }
}

#[derive(Debug)]
struct Retries(u32);

#[derive(Debug)]
struct Factor(f64);

#[derive(Debug)]
struct Wait(Duration);

impl Part for Retries {
    fn wanted() -> String {
        format!("a whole number from 0 to {MAX_RETRIES}")
    }

    fn from_number(number: f64) -> Option<Self> {
        let is_count = number.fract() == 0.0 && (0.0..=f64::from(MAX_RETRIES)).contains(&number);
        is_count.then_some(Self(number as u32))
    }
}

impl Part for Factor {
    fn wanted() -> String {
        format!("a number from {MIN_FACTOR} to {MAX_FACTOR}")
    }

    fn from_number(number: f64) -> Option<Self> {
        (MIN_FACTOR..=MAX_FACTOR).contains(&number).then_some(Self(number))
    }
}

impl Part for Wait {
    fn wanted() -> String {
        format!("{WAIT}, written like \"30s\", \"5m\" or \"PT5M\"")
    }

    fn from_text(text: &str) -> Option<Self> {
        parse_wait(text).ok().map(Self)
    }
}

fn bounded<'de, T: Part, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(PartVisitor(PhantomData))
}

struct PartVisitor<T>(PhantomData<T>);

impl<T: Part> Visitor<'_> for PartVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&T::wanted())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_type(Unexpected::Str(text), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::from_number(number).ok_or_else(|| E::invalid_type(Unexpected::Float(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number as f64).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::from_number(number as f64).ok_or_else(|| E::invalid_type(Unexpected::Signed(number), &self))
    }
}

/// Why what is written is no policy.
#[derive(Debug, thiserror::Error)]
pub(super) enum WrittenError {
    /// The text is none.
    #[error("{0}, or a table of retries, initial, factor and max")]
    Text(#[from] RetryPolicyError),
    /// The waits of the table contradict each other.
    #[error("`max`, {max:#}, is shorter than `initial`, {initial:#}: raise it or lower that")]
    MaxBelowInitial { initial: SignedDuration, max: SignedDuration },
}

impl TryFrom<Written> for RetryPolicy {
    type Error = WrittenError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Exponential { retries: Retries(retries), initial: Wait(initial), factor: Factor(factor), max: Wait(max) } =
            match written {
                Written::Text(text) => return Ok(text.parse()?),
                Written::Exponential(table) => table,
            };
        if max < initial {
            let shown = |wait| SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            return Err(WrittenError::MaxBelowInitial { initial: shown(initial), max: shown(max) });
        }
        let mut wait = initial.as_secs_f64();
        let waits = (0..retries)
            .map(|_| {
                let this = Duration::from_secs_f64(wait);
                wait = (wait * factor).min(max.as_secs_f64());
                this
            })
            .collect();
        Ok(Self { waits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(initial: u64, max: u64) -> Written {
        let wait = |seconds| Wait(Duration::from_secs(seconds));
        Written::Exponential(Exponential {
            retries: Retries(4),
            initial: wait(initial),
            factor: Factor(3.0),
            max: wait(max),
        })
    }

    #[test]
    fn an_exponential_policy_grows_up_to_its_maximum() {
        let policy = RetryPolicy::try_from(exponential(10, 60)).expect("a policy");
        assert_eq!(policy.to_string(), "PT10S,PT30S,PT1M,PT1M");
    }

    #[test]
    fn a_maximum_below_the_first_wait_is_refused() {
        let error = RetryPolicy::try_from(exponential(60, 10)).expect_err("refused").to_string();
        insta::assert_snapshot!(error, @"`max`, 10s, is shorter than `initial`, 1m: raise it or lower that");
    }
}
