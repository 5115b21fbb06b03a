//! Compares what we answer with what was recorded: all is equal but ids and moments, and what is listed here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A field of recorded answers that ours cannot have, and why.
struct Unlike {
    /// The heading of the call; every call if it is empty.
    heading: &'static str,
    field: &'static str,
    because: &'static str,
}

/// Every field that is not compared.
const UNLIKE: [Unlike; 9] = [
    unlike("", "processDefinitionVersionTag", "there is no BPMN to have a version tag"),
    unlike("fetchAndLock, all variables", "extensionProperties", "there is no BPMN to have extension properties"),
    unlike("definition", "category", "it is the name space of the BPMN file"),
    unlike("definition", "description", "ours says what it is"),
    unlike("definition", "resource", "nothing was deployed"),
    unlike("definition", "deploymentId", "nothing was deployed"),
    unlike("definition", "versionTag", "there is no BPMN to have a version tag"),
    unlike("definition", "historyTimeToLive", "history is not cleaned up by age"),
    unlike("variables after", "untyped", "Java's own serialisation, which only Java can write; ours is JSON"),
];

const fn unlike(heading: &'static str, field: &'static str, because: &'static str) -> Unlike {
    Unlike { heading, field, because }
}

/// Fields that hold a moment of the recording.
const MOMENTS: [&str; 4] = ["lockExpirationTime", "createTime", "incidentTimestamp", "startTime"];

/// The id of the recorded definition, and of ours.
const DEFINITIONS: (&str, &str) = ("feature:1:1d25c01c-e555-11f1-b47a-02fc00000001", "feature:1:embedded");

/// Which recorded id is which of ours.
#[derive(Default)]
pub(super) struct Likeness {
    ids: BTreeMap<String, String>,
    unlike: BTreeSet<usize>,
}

impl Likeness {
    /// Notes that a recorded id is one of ours.
    pub(super) fn learn(&mut self, recorded: &str, ours: &str) {
        self.ids.insert(recorded.to_owned(), ours.to_owned());
    }

    /// Whether a recorded id is known.
    pub(super) fn knows(&self, recorded: &str) -> bool {
        self.ids.contains_key(recorded)
    }

    /// A recorded text with our ids.
    pub(super) fn with_our_ids(&self, recorded: &str) -> String {
        self.ids.iter().fold(recorded.to_owned(), |text, (recorded, ours)| text.replace(recorded, ours))
    }

    /// Compares two bodies; ids that were not met before are learned.
    pub(super) fn assert_alike(&mut self, heading: &str, recorded: &Value, ours: &Value) {
        if let Err(why) = self.alike(heading, "", recorded, ours) {
            panic!("{heading}: {why}\nrecorded: {recorded}\nours:     {ours}");
        }
    }

    /// Every exception is needed; one that is not is to be struck out.
    pub(super) fn assert_all_exceptions_were_needed(&self) {
        for (number, unlike) in UNLIKE.iter().enumerate() {
            let Unlike { heading, field, because } = unlike;
            assert!(
                self.unlike.contains(&number),
                "the exception for `{field}` in {heading:?} ({because}) is not needed"
            );
        }
    }

    fn alike(&mut self, heading: &str, field: &str, recorded: &Value, ours: &Value) -> Result<(), String> {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                let fields = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
                if fields(recorded) != fields(ours) {
                    return Err(format!("the fields of {field:?} are {:?} and {:?}", fields(recorded), fields(ours)));
                }
                for (field, recorded) in recorded {
                    if self.is_unlike(heading, field, recorded, &ours[field]) {
                        continue;
                    }
                    self.alike(heading, field, recorded, &ours[field])?;
                }
                Ok(())
            }
            (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
                recorded.iter().zip(ours).try_for_each(|(recorded, ours)| self.alike(heading, field, recorded, ours))
            }
            (Value::String(recorded), Value::String(ours)) => self.alike_texts(field, recorded, ours),
            _ if recorded == ours => Ok(()),
            _ => Err(format!("{field}: recorded {recorded}, ours {ours}")),
        }
    }

    /// Whether a field is one of the exceptions, which is noted if it is really unlike.
    fn is_unlike(&mut self, heading: &str, field: &str, recorded: &Value, ours: &Value) -> bool {
        let is = |unlike: &Unlike| unlike.field == field && (unlike.heading.is_empty() || unlike.heading == heading);
        let Some(number) = UNLIKE.iter().position(is) else { return false };
        if recorded != ours {
            self.unlike.insert(number);
        }
        true
    }

    fn alike_texts(&mut self, field: &str, recorded: &str, ours: &str) -> Result<(), String> {
        if MOMENTS.contains(&field) && recorded.len() == ours.len() && ours.ends_with("+0000") {
            return Ok(());
        }
        let recorded = recorded.replace(DEFINITIONS.0, DEFINITIONS.1);
        let (recorded_frame, recorded_ids) = apart(&recorded);
        let (our_frame, our_ids) = apart(ours);
        if recorded_frame != our_frame || recorded_ids.len() != our_ids.len() {
            return Err(format!("{field}: recorded {recorded:?}, ours {ours:?}"));
        }
        for (recorded, ours) in recorded_ids.into_iter().zip(our_ids) {
            let known = self.ids.entry(recorded.to_owned()).or_insert_with(|| ours.to_owned());
            if known != ours {
                return Err(format!("{field}: {recorded} was {known} before, and is {ours} now"));
            }
        }
        Ok(())
    }
}

/// A text without its ids and its own address, and the ids.
fn apart(text: &str) -> (String, Vec<&str>) {
    const ID_LENGTH: usize = 36;
    const MILLISECONDS_LENGTH: usize = "1795229243233".len();
    let is_id = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let is_milliseconds = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mut frame, mut ids, mut rest) = (String::new(), Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some(id) = rest.get(..ID_LENGTH).filter(|id| is_id(id)) {
            frame.push_str("ID");
            ids.push(id);
            rest = &rest[ID_LENGTH..];
        } else if rest.get(..MILLISECONDS_LENGTH).is_some_and(is_milliseconds) {
            frame.push_str("MILLISECONDS");
            rest = &rest[MILLISECONDS_LENGTH..];
        } else if let Some(after) = rest.strip_prefix("127.0.0.1:") {
            frame.push_str("HOST");
            rest = after.trim_start_matches("PORT").trim_start_matches(|digit: char| digit.is_ascii_digit());
        } else {
            frame.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    (frame, ids)
}
