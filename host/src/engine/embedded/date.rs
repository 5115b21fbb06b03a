//! How the engine writes and reads dates: `2026-11-21T10:11:12.345+0000`, and no other way. With an offset without a
//! colon; a `Z`, a colon or missing milliseconds are refused (`JacksonConfigurator`).

use jiff::Timestamp;

use crate::value::Date;

/// A moment as the engine writes it. (A real one writes its own time zone's offset; here that is always UTC.)
pub(super) fn write(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A date that is written as the engine wants it, as a date of UTC. It need not be one that a clock can show:
/// `9999-12-31T23:59:59.999+0000` is the usual "for ever".
pub(super) fn read(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    Date::new(date.unix_millis(), 0).ok()
}

/// The moment that is a date.
pub(super) fn moment(date: Date) -> Option<Timestamp> {
    Timestamp::from_millisecond(date.unix_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_a_date_is_taken_and_its_offset_is_counted() {
        let read_back = |text: &str| read(text).map(|date| date.to_string());
        assert_eq!(read_back("2026-11-21T10:11:12.345+0000").as_deref(), Some("2026-11-21T10:11:12.345+0000"));
        assert_eq!(read_back("2013-01-23T14:42:45.000-0230").as_deref(), Some("2013-01-23T17:12:45.000+0000"));
        assert_eq!(read_back("9999-12-31T23:59:59.999+0000").as_deref(), Some("9999-12-31T23:59:59.999+0000"));
        assert_eq!(read_back("9999-12-31T23:59:59.999-1200").as_deref(), Some("10000-01-01T11:59:59.999+0000"));
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
