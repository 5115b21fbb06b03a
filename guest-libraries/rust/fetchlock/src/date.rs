//! Points in time as the engine keeps them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_MINUTE: i64 = 60 * MILLIS_PER_SECOND;
const MILLIS_PER_DAY: i64 = 24 * 60 * MILLIS_PER_MINUTE;

/// The last year that the engine can write.
const MAX_YEAR: i64 = 999_999;

/// A point in time as the engine keeps it: milliseconds, and the offset it is written with.
///
/// As text it is what the engine writes: `2026-01-31T12:00:00.000+02:00`. With a library for dates:
/// `jiff::Timestamp::from_millisecond(date.unix_millis)`, `chrono::DateTime::from_timestamp_millis(date.unix_millis)`.
/// A field of such a library's own type is read from a `Date` too, for it is read from this text; but it would be written
/// as a `String`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    pub unix_millis: i64,
    /// The offset from UTC that it is written with, in minutes (+02:00 is 120). It changes how the date is shown, not
    /// which moment it is.
    pub offset_minutes: i16,
}

/// Why a text is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date: expected such as 2026-01-31T12:00:00.000+02:00")]
pub struct DateError(String);

impl Date {
    /// A moment, written in UTC.
    pub fn from_unix_millis(unix_millis: i64) -> Self {
        Self { unix_millis, offset_minutes: 0 }
    }

    /// This moment, as the host's clock has it, written in UTC.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The same moment, written with another offset.
    #[must_use]
    pub fn with_offset_minutes(self, offset_minutes: i16) -> Self {
        Self { offset_minutes, ..self }
    }
}

impl From<SystemTime> for Date {
    fn from(time: SystemTime) -> Self {
        let millis = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let unix_millis = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        };
        Self::from_unix_millis(unix_millis)
    }
}

impl From<Date> for SystemTime {
    fn from(date: Date) -> Self {
        let length = Duration::from_millis(date.unix_millis.unsigned_abs());
        if date.unix_millis < 0 { UNIX_EPOCH - length } else { UNIX_EPOCH + length }
    }
}

// Not by a library: the engine's years go up to 999999, and those of the well-kept libraries end at 9999 or 262142.
impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_millis.saturating_add(i64::from(self.offset_minutes) * MILLIS_PER_MINUTE);
        let (year, month, day) = civil_of(local.div_euclid(MILLIS_PER_DAY));
        let millis = local.rem_euclid(MILLIS_PER_DAY);
        let (minutes, rest) = (millis / MILLIS_PER_MINUTE, millis % MILLIS_PER_MINUTE);
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let offset = self.offset_minutes.unsigned_abs();
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}{sign}{:02}:{:02}",
            minutes / 60,
            minutes % 60,
            rest / MILLIS_PER_SECOND,
            rest % MILLIS_PER_SECOND,
            offset / 60,
            offset % 60
        )
    }
}

impl FromStr for Date {
    type Err = DateError;

    /// Reads RFC 3339 and what the engine writes (an offset without a colon). What is finer than a millisecond is cut.
    fn from_str(text: &str) -> Result<Self, DateError> {
        read(text).ok_or_else(|| DateError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Date> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4, 6)?, digits(parts.next()?, 2, 2)?, digits(parts.next()?, 2, 2)?);
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = time.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts_of_clock = clock.split(':');
    let mut next = || digits(parts_of_clock.next()?, 2, 2);
    let (hour, minute, second) = (next()?, next()?, next()?);
    let is_whole = parts.next().is_none() && parts_of_clock.next().is_none();
    let is_valid =
        (1..=MAX_YEAR).contains(&year) && (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    let days = days_of(year, month, day);
    if !is_whole || !is_valid || civil_of(days) != (year, month, day) {
        return None;
    }
    let seconds = (hour * 60 + minute) * 60 + second;
    let local = days * MILLIS_PER_DAY + seconds * MILLIS_PER_SECOND + millis_of(fraction)?;
    let offset_minutes = offset_of(offset)?;
    Some(Date { unix_millis: local - i64::from(offset_minutes) * MILLIS_PER_MINUTE, offset_minutes })
}

fn digits(text: &str, at_least: usize, at_most: usize) -> Option<i64> {
    let fits = (at_least..=at_most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The milliseconds of a fraction of a second.
fn millis_of(fraction: &str) -> Option<i64> {
    // Nobody writes finer than a nanosecond.
    digits(fraction, 1, 9)?;
    digits(&format!("{fraction:0<3}")[..3], 3, 3)
}

fn offset_of(text: &str) -> Option<i16> {
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return (text.len() == 1).then_some(0),
    };
    let (hours, minutes) = match text[1..].split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => text[1..].split_at_checked(2)?,
    };
    let (hours, minutes) = (digits(hours, 2, 2)?, digits(minutes, 2, 2)?);
    let is_valid = hours < 24 && minutes < 60;
    if is_valid { i16::try_from(sign * (hours * 60 + minutes)).ok() } else { None }
}

/// The days of 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// The days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// The day that lies so many days after 1970-01-01, as year, month and day. Years begin in March here, so that the leap
/// day is the last one ("chrono-compatible low-level date algorithms", Howard Hinnant).
fn civil_of(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_1970;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The days from 1970-01-01 to a day; the other way round.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Result<Date, DateError> {
        text.parse()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "1970-01-01T00:00:00.000+00:00",
            "2024-02-29T23:59:59.999+05:45",
            "1969-12-31T23:59:59.001-03:30",
            "0001-01-01T00:00:00.000+00:00",
            "999999-12-31T23:59:59.999+23:59",
            "2000-03-01T00:00:00.000-00:01",
        ] {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_offset_is_kept_and_does_not_move_the_moment() {
        let here = date("2026-01-31T12:00:00+02:00").expect("a date");
        assert_eq!(here, Date { unix_millis: 1_769_853_600_000, offset_minutes: 120 });
        assert_eq!(date("2026-01-31T10:00:00Z").map(|date| date.unix_millis), Ok(here.unix_millis));
        assert_eq!(here.with_offset_minutes(0).to_string(), "2026-01-31T10:00:00.000+00:00");
    }

    #[test]
    fn the_engines_own_form_and_fractions_are_read() {
        assert_eq!(date("2026-01-31T12:00:00.120+0200"), date("2026-01-31T12:00:00.12+02:00"));
        assert_eq!(date("2026-01-31T12:00:00.123456789Z").map(|date| date.unix_millis % 1_000), Ok(123));
    }

    #[test]
    fn what_is_no_date_is_told() {
        for text in [
            "",
            "2026-01-31",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+2",
            "2026-01-01T00:00:00Zz",
            "26-01-01T00:00:00Z",
            "2026-01-01T00:00:00.+02:00",
            "2026-01-01T00:00:00+é:00",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(date(text), Err(DateError(text.to_owned())));
        }
    }

    #[test]
    fn a_date_is_a_system_time_and_back() {
        for unix_millis in [-1, 0, 1_769_853_600_000] {
            let date = Date::from_unix_millis(unix_millis);
            assert_eq!(Date::from(SystemTime::from(date)), date);
        }
    }
}
