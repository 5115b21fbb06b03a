//! The engine's date format, `yyyy-MM-dd'T'HH:mm:ss.SSSZ`. On the way in it takes neither `Z` nor an offset with a
//! colon, nor a date without milliseconds.

use jiff::{fmt::strtime, tz::Offset};

use crate::value::Date;

/// The format in jiff's terms.
const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3f%z";

/// The format as error messages show it.
pub(super) const EXAMPLE: &str = "a date like 2026-11-21T10:11:12.345+0100";

/// Seconds of a minute; the format has no seconds in its offsets.
const MINUTE: i32 = 60;

/// Seconds of a day; Java's parser takes no offset of that much.
const DAY: i32 = 86_400;

/// The years that the format's four digits can write, as Java understands them.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9999;

/// What a text turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// A date that is written again exactly as it was read.
    Date(Date),
    /// A date that [`Date`] cannot hold unchanged, such as the popular `9999-12-31T23:59:59.999+0000`, which is beyond
    /// jiff's last moment.
    Unholdable,
    /// No date.
    NoDate,
}

/// Reads a date, keeping its offset.
pub(super) fn read(text: &str) -> Reading {
    let Ok(parts) = strtime::parse(FORMAT, text) else { return Reading::NoDate };
    let (Ok(written), Some(offset)) = (parts.to_datetime(), parts.offset()) else { return Reading::NoDate };
    let Ok(moment) = offset.to_timestamp(written) else { return Reading::Unholdable };
    let date = Date { moment, offset };
    if write(&date).is_ok_and(|again| again == text) { Reading::Date(date) } else { Reading::Unholdable }
}

/// Writes a date to the millisecond. An offset that the format cannot express is changed, which leaves the moment as it
/// is.
///
/// # Errors
/// When the year has not the four digits of the format.
pub(super) fn write(date: &Date) -> Result<String, String> {
    let seconds = date.offset.seconds();
    let offset = if seconds.abs() < DAY { seconds - seconds % MINUTE } else { 0 };
    let offset = Offset::from_seconds(offset).unwrap_or(Offset::UTC);
    let zoned = date.moment.to_zoned(offset.to_time_zone());
    if !YEARS.contains(&zoned.year()) {
        return Err(format!("expected a year from {} to {}, found {}", YEARS.start(), YEARS.end(), zoned.year()));
    }
    strtime::format(FORMAT, &zoned).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn dates_are_written_as_they_were_read() {
        for text in [
            "2026-11-21T09:11:12.345+0000",
            "2013-01-23T14:42:45.000+0200",
            "1969-12-31T23:59:59.999-0930",
            "0001-01-02T00:00:00.000+0000",
            "9999-12-30T00:00:00.001+1400",
        ] {
            let Reading::Date(date) = read(text) else { panic!("{text} is a date") };
            assert_eq!(write(&date).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_end_of_time_is_a_date_that_cannot_be_held() {
        assert_eq!(read("9999-12-31T23:59:59.999+0000"), Reading::Unholdable);
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in ["", "abc", "2026-11-21", "2026-13-21T10:11:12.345+0000", "2026-11-21T10:11:12.345", "21.11.2026"] {
            assert_eq!(read(text), Reading::NoDate, "{text}");
        }
        // Formats that would be changed by writing them again are not silently converted.
        for text in ["2026-11-21T10:11:12.345+01:00", "2026-11-21T10:11:12+0100", "2026-11-21T10:11:12.345678+0100"] {
            assert!(!matches!(read(text), Reading::Date(_)), "{text}");
        }
    }

    #[test]
    fn what_the_format_cannot_express_keeps_its_moment_or_is_refused() {
        let moment: Timestamp = "2026-11-21T10:11:12.3456789Z".parse().expect("a moment");
        let odd = Date { moment, offset: Offset::from_seconds(3_661).expect("an offset") };
        assert_eq!(write(&odd).as_deref(), Ok("2026-11-21T11:12:12.345+0101"));
        let far = Date { moment, offset: Offset::from_seconds(-25 * 3_600).expect("an offset") };
        assert_eq!(write(&far).as_deref(), Ok("2026-11-21T10:11:12.345+0000"));
        let ancient = Date { moment: Timestamp::MIN, offset: Offset::UTC };
        assert!(write(&ancient).is_err());
    }
}
