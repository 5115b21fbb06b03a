//! How the engine writes and reads dates: `2026-11-21T10:11:12.345+0000`, and no other way.

use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

/// With an offset without a colon; a `Z`, a colon or missing milliseconds are refused (`JacksonConfigurator`).
const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3f%z";

/// The number of characters of the form. `%z` reads an offset with a colon too, and `%.3f` none at all.
const LENGTH: usize = 28;

/// A moment as the engine writes it. (A real one writes its own time zone's offset; here that is always UTC.)
pub(super) fn write(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A date that is written as the engine wants it, as a moment of UTC. It need not be one that a clock can show:
/// `9999-12-31T23:59:59.999+0000` is the usual "for ever".
pub(super) fn read(text: &str) -> Option<DateTime> {
    if text.len() != LENGTH {
        return None;
    }
    let parsed = strtime::parse(FORMAT, text).ok()?;
    let offset = parsed.offset()?.seconds();
    parsed.to_datetime().ok()?.checked_sub(SignedDuration::from_secs(offset.into())).ok()
}

/// A date of a variable as the engine answers it.
pub(super) fn write_date(date: DateTime) -> String {
    date.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// The moment that is a date.
pub(super) fn moment(date: DateTime) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_a_date_is_taken_and_its_offset_is_counted() {
        let read_back = |text: &str| read(text).map(write_date);
        assert_eq!(read_back("2026-11-21T10:11:12.345+0000").as_deref(), Some("2026-11-21T10:11:12.345+0000"));
        assert_eq!(read_back("2013-01-23T14:42:45.000-0230").as_deref(), Some("2013-01-23T17:12:45.000+0000"));
        assert_eq!(read_back("9999-12-31T23:59:59.999+0000").as_deref(), Some("9999-12-31T23:59:59.999+0000"));
        for wrong in [
            "2026-11-21T10:11:12Z",
            "2026-11-21T10:11:12.345Z",
            "2026-11-21T10:11:12",
            "2026-11-21T10:11:12.345+01:00",
            "2026-11-21",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
