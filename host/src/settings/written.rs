//! How durations, sizes and counts are written in settings and manifests, and read with their bounds.
//!
//! Each type here is used as `#[serde(with = "Span::<MIN, MAX>")]`, on a plain field or an optional one, so that a
//! value out of bounds is found where it is read and its error can name the line. The same types describe themselves
//! for the reference and the editors' schemas (`schema.rs`).

use std::{fmt, num::NonZeroUsize, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use figment::value::magic::RelativePathBuf;
use jiff::SignedDuration;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

/// One millisecond, the unit of the bounds of [`Span`].
pub(crate) const MILLISECOND: u64 = 1;
/// One second in milliseconds.
pub(crate) const SECOND: u64 = 1_000;
/// One minute in milliseconds.
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// One hour in milliseconds.
pub(crate) const HOUR: u64 = 60 * MINUTE;
/// One day in milliseconds: the bound of durations that have no bound of their own. What is longer is a mistyped unit.
pub(crate) const DAY: u64 = 24 * HOUR;

/// One KiB in bytes, the unit of the bounds of [`Size`].
pub(crate) const KIB: u64 = 1_024;
/// One MiB in bytes.
pub(crate) const MIB: u64 = 1_024 * KIB;
/// One GiB in bytes.
pub(crate) const GIB: u64 = 1_024 * MIB;

/// A duration from `MIN` to `MAX` milliseconds, written `30s`, `1h 30m`, `500ms` or ISO 8601 `PT5M`. A bare number is
/// refused because it does not tell its unit.
pub(crate) struct Span<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Span<MIN, MAX> {
    /// Reads a `Duration` or an optional one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<Duration>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Self).map(T::from)
    }

    /// Writes a `Duration`, or an optional one, in the form that is read.
    pub(crate) fn serialize<S, T>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Copy + Into<Option<Duration>>,
    {
        shown(*value, friendly).serialize(to)
    }

    /// What is read, in the words of messages and of the reference.
    pub(super) fn wanted() -> String {
        let (min, max) = (friendly(Duration::from_millis(MIN)), friendly(Duration::from_millis(MAX)));
        format!("a duration from {min} to {max}")
    }
}

/// A value as its text, for fields that may be optional.
fn shown<T, Out>(value: impl Into<Option<T>>, as_written: impl Fn(T) -> Out) -> Option<Out> {
    value.into().map(as_written)
}

impl<const MIN: u64, const MAX: u64> Visitor<'_> for Span<MIN, MAX> {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, written like \"30s\", \"5m\" or \"PT5M\"", Self::wanted())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        text.parse::<SignedDuration>()
            .ok()
            .and_then(|signed| Duration::try_from(signed).ok())
            .filter(|span| (Duration::from_millis(MIN)..=Duration::from_millis(MAX)).contains(span))
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A duration as a reader would write it: `1h 30m`.
pub(crate) fn friendly(span: Duration) -> String {
    SignedDuration::try_from(span).map(|signed| format!("{signed:#}")).unwrap_or_else(|_| format!("{span:?}"))
}

/// A size from `MIN` to `MAX` bytes, written `64 MiB`, `500 kB` or as a plain number of bytes.
pub(crate) struct Size<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// Reads a `ByteSize` or an optional one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<ByteSize>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Self).map(T::from)
    }

    /// Writes a `ByteSize`, or an optional one, exactly, in the form that is read.
    pub(crate) fn serialize<S, T>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Copy + Into<Option<ByteSize>>,
    {
        shown(*value, exact).serialize(to)
    }

    /// What is read, in the words of messages and of the reference.
    pub(super) fn wanted() -> String {
        format!("a size from {} to {}", exact(ByteSize(MIN)), exact(ByteSize(MAX)))
    }
}

impl<const MIN: u64, const MAX: u64> Visitor<'_> for Size<MIN, MAX> {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, written like \"512 KiB\" or \"64 MiB\"", Self::wanted())
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<ByteSize, E> {
        let size = Some(ByteSize(bytes)).filter(|size| (MIN..=MAX).contains(&size.as_u64()));
        size.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(bytes), &self))
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<ByteSize, E> {
        let unsigned = u64::try_from(bytes).map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))?;
        self.visit_u64(unsigned)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
        let size = text.parse::<ByteSize>().ok().filter(|size| (MIN..=MAX).contains(&size.as_u64()));
        size.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A size in the largest unit that tells it without a fraction. (`ByteSize` itself rounds.)
fn exact(size: ByteSize) -> String {
    let bytes = size.as_u64();
    let units = [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

/// A whole number from `MIN` to `MAX`.
pub(crate) struct Count<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// Reads a `u32` or an optional one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<u32>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Self).map(T::from)
    }

    /// Writes the number, if there is one.
    pub(crate) fn serialize<S, T>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Copy + Into<Option<u32>>,
    {
        shown(*value, |number: u32| number).serialize(to)
    }

    /// What is read, in the words of messages and of the reference.
    pub(super) fn wanted() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }
}

impl<const MIN: u32, const MAX: u32> Visitor<'_> for Count<MIN, MAX> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::wanted())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        let count = u32::try_from(number).ok().filter(|count| (MIN..=MAX).contains(count));
        count.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        let unsigned = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        self.visit_u64(unsigned)
    }
}

/// A number from `MIN` to `MAX` hundredths, such as `1.5`.
pub(crate) struct Hundredths<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Hundredths<MIN, MAX> {
    /// The least number.
    pub(super) const LEAST: f64 = MIN as f64 / 100.0;

    /// The greatest number.
    pub(super) const GREATEST: f64 = MAX as f64 / 100.0;

    /// Reads a number.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        from.deserialize_any(Self)
    }

    /// Writes the number.
    pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        number.serialize(to)
    }

    /// What is read, in the words of messages and of the reference.
    pub(super) fn wanted() -> String {
        format!("a number from {} to {}", Self::LEAST, Self::GREATEST)
    }
}

impl<const MIN: u32, const MAX: u32> Visitor<'_> for Hundredths<MIN, MAX> {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::wanted())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        let fits = (Self::LEAST..=Self::GREATEST).contains(&number);
        if fits { Ok(number) } else { Err(E::invalid_value(Unexpected::Float(number), &self)) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        let small = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        self.visit_f64(small.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        let small = i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        self.visit_f64(small.into())
    }
}

/// A whole number from 1 to `MAX`.
pub(crate) struct AtLeastOne<const MAX: u32>;

impl<const MAX: u32> AtLeastOne<MAX> {
    /// Reads a `NonZeroUsize` or an optional one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<NonZeroUsize>>(from: D) -> Result<T, D::Error> {
        let count: u32 = Count::<1, MAX>::deserialize(from)?;
        NonZeroUsize::new(count as usize).map(T::from).ok_or_else(|| D::Error::custom("expected at least 1, found 0"))
    }

    /// Writes the number, if there is one.
    pub(crate) fn serialize<S, T>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Copy + Into<Option<NonZeroUsize>>,
    {
        shown(*value, NonZeroUsize::get).serialize(to)
    }
}

/// The longest name of an engine, a topic or a user, in characters: what the engines' databases take.
pub(super) const MAX_NAME: usize = 255;

/// Reads a name: a text that is neither empty, nor longer than the engine takes, nor able to break a line of a log.
pub(crate) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if is_name(&text, MAX_NAME) {
        return Ok(text);
    }
    Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted_name().as_str()))
}

/// Whether a text of at most so many characters does for a name.
pub(super) fn is_name(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// What [`name`] reads, in the words of messages and of the reference.
pub(super) fn wanted_name() -> String {
    format!("a name of 1 to {MAX_NAME} characters without control characters")
}

/// A path. One from a settings file is taken relative to that file's directory, any other to the working one.
pub(crate) struct FilePath;

impl FilePath {
    /// What is read, in the words of messages and of the reference.
    pub(super) const WANTED: &'static str = "a path";

    /// Reads a `PathBuf` or an optional one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<PathBuf>>(from: D) -> Result<T, D::Error> {
        let path = RelativePathBuf::deserialize(from)?;
        if path.original().as_os_str().is_empty() {
            return Err(D::Error::invalid_value(Unexpected::Str(""), &Self::WANTED));
        }
        Ok(T::from(path.relative()))
    }

    /// Writes a `PathBuf`, or an optional one, for people: what is no UTF-8 is replaced.
    pub(crate) fn serialize<S, T>(value: &T, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Clone + Into<Option<PathBuf>>,
    {
        shown(value.clone(), |path: PathBuf| path.to_string_lossy().into_owned()).serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, value::Error as PlainError};

    use super::*;

    fn span(text: &str) -> Result<Duration, PlainError> {
        Span::<SECOND, { 30 * MINUTE }>::deserialize(text.into_deserializer())
    }

    #[test]
    fn a_duration_is_written_with_units_or_in_iso_8601() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1m 30s", 90), ("PT5M", 300), ("1500ms", 1)] {
            assert_eq!(span(text).map(|span| span.as_secs()), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn a_duration_without_unit_or_out_of_bounds_is_refused() {
        for text in ["30", "", "soon", "-5s", "999ms", "31m", "PT"] {
            assert!(span(text).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn a_duration_is_shown_in_the_form_that_is_read() {
        for text in ["500ms", "30s", "1m 30s", "24h"] {
            let span: Duration = Span::<0, DAY>::deserialize(IntoDeserializer::<PlainError>::into_deserializer(text))
                .expect("a duration");
            assert_eq!(friendly(span), text);
        }
    }

    #[test]
    fn a_size_is_shown_exactly() {
        assert_eq!(exact(ByteSize(64 * MIB)), "64 MiB");
        assert_eq!(exact(ByteSize(1_500)), "1500 B");
        assert_eq!(exact(ByteSize(0)), "0 B");
    }

    #[test]
    fn a_size_out_of_bounds_is_refused() {
        let size = |text: &str| {
            Size::<KIB, MIB>::deserialize::<_, ByteSize>(IntoDeserializer::<PlainError>::into_deserializer(text))
        };
        assert_eq!(size("1 MiB"), Ok(ByteSize::mib(1)));
        assert!(size("1023 B").is_err() && size("2 MiB").is_err() && size("much").is_err());
    }
}
