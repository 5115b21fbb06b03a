//! Where one real engine answers otherwise than Operaton on H2, from which the snapshots were recorded: as data, with the
//! reason. `cargo xtask conformance` shows the reasons of those that were met.

use crate::engine::SETUP;

/// A known difference.
struct Difference {
    /// The set-ups on which it is met.
    set_ups: &'static [&'static str],
    /// The talk in which it must be met; none if it may be in any.
    talk: Option<&'static str>,
    /// What these engines say.
    found: &'static str,
    /// What stands in the snapshot instead.
    written: &'static str,
    because: &'static str,
}

const DIFFERENCES: &[Difference] = &[Difference {
    set_ups: &["operaton-auth"],
    talk: None,
    found: r#""startUserId":"demo""#,
    written: r#""startUserId":null"#,
    because: "the engine notes who started an instance, because it knows",
}];

/// What a talk on the real engine comes to when its known differences are put aside, each of which is told.
pub(super) fn put_aside(talk: &str, told: String) -> String {
    let (set_up, _) = *SETUP;
    let ours = DIFFERENCES.iter().filter(|it| it.set_ups.contains(&set_up));
    ours.filter(|it| it.talk.is_none_or(|name| name == talk)).fold(told, |told, difference| {
        let Difference { found, written, because, .. } = difference;
        if told.contains(found) {
            println!("differs: {because}");
        } else {
            assert!(difference.talk.is_none(), "{talk} on {set_up} says no more {found:?}: remove the difference");
        }
        told.replace(found, written)
    })
}
