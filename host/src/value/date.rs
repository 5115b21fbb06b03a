//! A date as the engine keeps it, and the one form in which the engine reads and writes it.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use jiff::{SignedDuration, Timestamp, civil, fmt::strtime};

/// A point in time to the millisecond, with the offset that it is written with.
///
/// Its text is the engine's, `yyyy-MM-dd'T'HH:mm:ss.SSSZ`: with milliseconds, and an offset without a colon. It holds
/// every date that has such a text, the popular `9999-12-31T23:59:59.999` in any offset too, whose moment may lie in the
/// year 10000: an engine further east shows it with that year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    unix_millis: i64,
    offset_minutes: i16,
}

/// The form in jiff's terms, behind the year: jiff ends with the year 9999.
const BEHIND_YEAR: &str = "%m-%dT%H:%M:%S%.3f";

/// The last year that jiff's calendar has.
const LAST_CIVIL_YEAR: i64 = 9_999;

/// After this many years the calendar repeats itself.
const CYCLE_YEARS: i64 = 400;

/// The length of such a cycle, of 146,097 days, in milliseconds.
const CYCLE_MILLIS: i64 = 146_097 * 86_400_000;

/// The digits of a year. Java writes no fewer than four; more than six are no date of a process.
const YEAR_DIGITS: RangeInclusive<usize> = 4..=6;

/// The years of those digits as Java understands them, from 0001-01-01T00:00:00.000 to 999999-12-31T23:59:59.999, in
/// milliseconds since 1970 by the clock of the offset.
const LOCAL_MILLIS: RangeInclusive<i64> = -62_135_596_800_000..=31_494_784_780_799_999;

/// 9999-12-31T23:59:59.999, in milliseconds since 1970.
const LAST_CIVIL_MILLIS: i64 = 253_402_300_799_999;

/// Java reads offsets of less than a day.
const OFFSET_MINUTES: RangeInclusive<i16> = -1_439..=1_439;

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

const EPOCH: civil::DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// Why there is no such date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchDate {
    /// Java, and so the engine, reads no such offset.
    #[error("an offset of {0} minutes does not exist: expected less than a day")]
    Offset(i16),
    /// The year cannot be written.
    #[error("{0} ms since 1970 is beyond the years 1 to 999999 that can be written")]
    Year(i64),
}

/// Why a text is no [`Date`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is no date.
    NoDate,
    /// It is one in another form than the engine's: it would not be written again as it was read.
    OtherForm,
}

impl Date {
    /// A moment (milliseconds since 1970-01-01T00:00:00Z) and the offset from UTC, in minutes, that it is written with.
    ///
    /// # Errors
    /// [`NoSuchDate`], if the engine's form has no text for it.
    pub fn new(unix_millis: i64, offset_minutes: i16) -> Result<Self, NoSuchDate> {
        if !OFFSET_MINUTES.contains(&offset_minutes) {
            return Err(NoSuchDate::Offset(offset_minutes));
        }
        let local = unix_millis.checked_add(i64::from(offset_minutes) * MINUTE);
        match local.filter(|local| LOCAL_MILLIS.contains(local)) {
            Some(_) => Ok(Self { unix_millis, offset_minutes }),
            None => Err(NoSuchDate::Year(unix_millis)),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.unix_millis
    }

    /// The offset from UTC in minutes; +0200 is 120.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_millis + i64::from(self.offset_minutes) * MINUTE;
        let cycles = cycles_beyond(local - LAST_CIVIL_MILLIS, CYCLE_MILLIS);
        let since_epoch = SignedDuration::from_millis(local - cycles * CYCLE_MILLIS);
        // `new` lets nothing in that is beyond.
        let civil = EPOCH.checked_add(since_epoch).map_err(|_| fmt::Error)?;
        let year = i64::from(civil.year()) + cycles * CYCLE_YEARS;
        let (sign, offset) = (if self.offset_minutes < 0 { '-' } else { '+' }, self.offset_minutes.unsigned_abs());
        write!(f, "{year:04}-{}{sign}{:02}{:02}", civil.strftime(BEHIND_YEAR), offset / 60, offset % 60)
    }
}

impl FromStr for Date {
    type Err = Unread;

    fn from_str(text: &str) -> Result<Self, Unread> {
        let (year, rest) = text.split_once('-').ok_or(Unread::NoDate)?;
        if !YEAR_DIGITS.contains(&year.len()) || !year.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Unread::NoDate);
        }
        let year: i64 = year.parse().map_err(|_| Unread::NoDate)?;
        let cycles = cycles_beyond(year - LAST_CIVIL_YEAR, CYCLE_YEARS);
        let known = format!("{:04}-{rest}", year - cycles * CYCLE_YEARS);
        let other_form = || if text.parse::<Timestamp>().is_ok() { Unread::OtherForm } else { Unread::NoDate };
        let parts = strtime::parse(format!("%Y-{BEHIND_YEAR}%z"), known).map_err(|_| other_form())?;
        let (civil, offset) = parts.to_datetime().ok().zip(parts.offset()).ok_or(Unread::NoDate)?;
        let local = i64::try_from(civil.duration_since(EPOCH).as_millis()).map_err(|_| Unread::OtherForm)?;
        let minutes = i16::try_from(offset.seconds() / 60).map_err(|_| Unread::OtherForm)?;
        let unix_millis = local + cycles * CYCLE_MILLIS - i64::from(minutes) * MINUTE;
        let date = Self::new(unix_millis, minutes).map_err(|_| Unread::OtherForm)?;
        if date.to_string() == text { Ok(date) } else { Err(Unread::OtherForm) }
    }
}

/// How many cycles must be taken away from what lies so far beyond.
fn cycles_beyond(beyond: i64, cycle: i64) -> i64 {
    if beyond <= 0 { 0 } else { (beyond - 1) / cycle + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_was_read() {
        for (text, unix_millis) in [
            ("1970-01-01T00:00:00.000+0000", 0),
            ("2013-01-23T14:42:45.000+0200", 1_358_944_965_000),
            ("1969-12-31T23:59:59.999-0930", 34_199_999),
            ("0001-01-01T00:00:00.000+0000", -62_135_596_800_000),
            ("0001-01-01T00:00:00.000+2359", -62_135_683_140_000),
            ("9999-12-31T23:59:59.999+0000", LAST_CIVIL_MILLIS),
            // Its moment lies in the year 10000, and jiff has none of these.
            ("9999-12-31T23:59:59.999-1200", 253_402_343_999_999),
            ("10000-01-01T00:59:59.999+0100", LAST_CIVIL_MILLIS),
            ("12000-02-29T10:11:12.345-0000", 316_521_339_072_345),
            ("999999-12-31T23:59:59.999+0000", 31_494_784_780_799_999),
        ] {
            let text = text.replace("-0000", "+0000");
            let date: Date = text.parse().expect("a date");
            assert_eq!(date.to_string(), text);
            assert_eq!(date.unix_millis(), unix_millis, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in ["", "abc", "2026-11-21", "2026-13-21T10:11:12.345+0000", "2026-11-21T10:11:12.345", "21.11.2026"] {
            assert_eq!(text.parse::<Date>(), Err(Unread::NoDate), "{text}");
        }
        assert_eq!("1000000-01-01T00:00:00.000+0000".parse::<Date>(), Err(Unread::NoDate));
        assert_eq!("-001-01-01T00:00:00.000+0000".parse::<Date>(), Err(Unread::NoDate));
        assert_eq!("10001-02-29T00:00:00.000+0000".parse::<Date>(), Err(Unread::NoDate), "no leap year");
    }

    #[test]
    fn a_date_in_another_form_is_not_silently_converted() {
        for text in [
            "2026-11-21T10:11:12.345+01:00",
            "2026-11-21T10:11:12+0100",
            "2026-11-21T10:11:12.345Z",
            "2026-11-21T10:11:12.345678+0100",
            "02026-11-21T10:11:12.345+0100",
        ] {
            assert_eq!(text.parse::<Date>(), Err(Unread::OtherForm), "{text}");
        }
    }

    #[test]
    fn what_the_engine_has_no_text_for_is_refused() {
        assert!(Date::new(0, 1_439).is_ok());
        assert_eq!(Date::new(0, 1_440), Err(NoSuchDate::Offset(1_440)));
        assert!(Date::new(*LOCAL_MILLIS.end(), 0).is_ok());
        assert!(Date::new(*LOCAL_MILLIS.end(), 1).is_err());
        assert!(Date::new(*LOCAL_MILLIS.start(), 0).is_ok());
        assert!(Date::new(*LOCAL_MILLIS.start(), -1).is_err());
        assert!(Date::new(i64::MAX, 60).is_err());
    }
}
