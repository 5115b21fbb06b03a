//! Where one real engine answers otherwise than Operaton on H2, from which the snapshots were recorded: as data, with the
//! reason. `cargo xtask conformance` shows the reasons of those that were met.

use crate::engine::SETUP;

/// A known difference.
struct Difference {
    /// The set-ups on which it is met.
    set_ups: &'static [&'static str],
    /// The talk in which it must be met; none if it may be in any.
    talk: Option<&'static str>,
    /// What these engines say: this text, or all from its beginning to the first such end behind it.
    found: Found,
    /// What stands in the snapshot instead.
    written: &'static str,
    because: &'static str,
}

enum Found {
    Text(&'static str),
    /// Beginning and end, both a part of it.
    Between(&'static str, &'static str),
}

impl Found {
    /// Where it is first, as a range of bytes.
    fn find(&self, told: &str) -> Option<std::ops::Range<usize>> {
        match self {
            Self::Text(text) => told.find(text).map(|at| at..at + text.len()),
            Self::Between(beginning, end) => {
                let at = told.find(beginning)?;
                let length = told[at..].find(end)? + end.len();
                Some(at..at + length)
            }
        }
    }
}

const AUTH: &[&str] = &["operaton-auth"];

const CAMUNDA: &[&str] = &["camunda"];

const DIFFERENCES: &[Difference] = &[
    Difference {
        set_ups: AUTH,
        talk: None,
        found: Found::Text(r#""startUserId":"demo""#),
        written: r#""startUserId":null"#,
        because: "the engine notes who started an instance, because it knows",
    },
    Difference {
        set_ups: &["operaton-postgresql"],
        talk: None,
        found: Found::Text(r#"{"type":"Double","value":-0.0,"#),
        written: r#"{"type":"Double","value":0.0,"#,
        because: "PostgreSQL keeps the sign of -0.0, which H2 drops",
    },
    Difference {
        set_ups: AUTH,
        talk: Some("batch"),
        found: Found::Text(r#""createUserId":"demo""#),
        written: r#""createUserId":null"#,
        because: STARTED_BATCH,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("batch-end"),
        found: Found::Text(r#""createUserId":"demo""#),
        written: r#""createUserId":null"#,
        because: STARTED_BATCH,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("paths"),
        found: Found::Text(
            r#"GET /engine/nope/version
404 (application/json;charset=ISO-8859-1) (no cache-control) {"code":null,"message":"Process engine nope not available","type":"InvalidRequestException"}"#,
        ),
        written: r#"GET /engine/nope/version
200 {"version":"1.0.3"}"#,
        because: FILTER,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("paths"),
        found: Found::Text(
            r#"GET /engine/nope/external-task/{a.task}
404 (application/json;charset=ISO-8859-1) (no cache-control) {"code":null,"message":"Process engine nope not available","type":"InvalidRequestException"}"#,
        ),
        written: r#"GET /engine/nope/external-task/{a.task}
400 {"code":null,"message":"No process engine available","type":"InvalidRequestException"}"#,
        because: FILTER,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("paths"),
        found: Found::Text(
            r#"GET /engine/nope/nope
404 (application/json;charset=ISO-8859-1) (no cache-control) {"code":null,"message":"Process engine nope not available","type":"InvalidRequestException"}"#,
        ),
        written: r#"GET /engine/nope/nope
404 {"code":null,"message":"HTTP 404 Not Found","type":"NotFoundException"}"#,
        because: FILTER,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("paths"),
        found: Found::Text(
            r#"POST /engine/nope/external-task/fetchAndLock {"maxTasks":1,"topics":[{"lockDuration":60000,"topicName":"contract-paths"}],"workerId":"w"}
404 (application/json;charset=ISO-8859-1) {"code":null,"message":"Process engine nope not available","type":"InvalidRequestException"}"#,
        ),
        written: r#"POST /engine/nope/external-task/fetchAndLock {"maxTasks":1,"topics":[{"lockDuration":60000,"topicName":"contract-paths"}],"workerId":"w"}
400 {"code":null,"message":"No process engine available","type":"InvalidRequestException"}"#,
        because: FILTER,
    },
    Difference {
        set_ups: AUTH,
        talk: Some("paths"),
        found: Found::Text(
            r#"OPTIONS /engine/nope/external-task
404 (application/json;charset=ISO-8859-1) {"code":null,"message":"Process engine nope not available","type":"InvalidRequestException"}"#,
        ),
        written: r#"OPTIONS /engine/nope/external-task
200 (text/plain) (allow: HEAD,POST,GET,OPTIONS) HEAD, POST, GET, OPTIONS"#,
        because: FILTER,
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("bad-queries"),
        found: Found::Text(
            r#"{"processVariables":[{"name":"a","value":1}],"topicName":"contract-bad-query"}
500 {"code":null,"message":"(Java's words)","type":"NullPointerException"}"#,
        ),
        written: r#"{"processVariables":[{"name":"a","value":1}],"topicName":"contract-bad-query"}
400 {"code":null,"message":"Invalid process variable comparator specified: null","type":"InvalidRequestException"}"#,
        because: "a query without a comparator is a NullPointerException in Camunda, which Operaton has mended",
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("messages"),
        found: Found::Text("org.camunda.bpm.engine.MismatchingMessageCorrelationException"),
        written: "org.operaton.bpm.engine.MismatchingMessageCorrelationException",
        because: "an exception's class is in each engine's own package",
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("scopes"),
        found: Found::Text("transient variable with name x to"),
        written: "transient variable with name 'x' to",
        because: QUOTES,
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("refused-values"),
        found: Found::Text("transient variable with name kept to"),
        written: "transient variable with name 'kept' to",
        because: QUOTES,
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("values"),
        found: Found::Text("transient variable with name q to"),
        written: "transient variable with name 'q' to",
        because: QUOTES,
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("values"),
        found: Found::Text(
            r#""value":"%%%","valueInfo":{"filename":"x"}}}}
204

# read back
GET /process-instance/{a}/variables/q?deserializeValue=false
200 {"type":"File","value":null,"valueInfo":{"filename":"x"}}"#,
        ),
        written: r#""value":"%%%","valueInfo":{"filename":"x"}}}}
500 {"code":null,"message":"Illegal base64 character 25","type":"IllegalArgumentException"}"#,
        because: "Camunda's decoder passes over what is no base64, where Operaton's refuses it",
    },
    Difference {
        set_ups: CAMUNDA,
        talk: Some("paths"),
        found: Found::Text(r#"{"version":"7.24.0"}"#),
        written: r#"{"version":"1.0.3"}"#,
        because: "the version is its own",
    },
    wadl(
        "200 (application/vnd.sun.wadl+xml) (allow: HEAD,GET,OPTIONS) ",
        "200 (text/plain) (allow: HEAD,GET,OPTIONS) HEAD, GET, OPTIONS",
    ),
    wadl(
        "200 (application/vnd.sun.wadl+xml) (allow: HEAD,POST,GET,OPTIONS) ",
        "200 (text/plain) (allow: HEAD,POST,GET,OPTIONS) HEAD, POST, GET, OPTIONS",
    ),
    wadl(
        "200 (application/vnd.sun.wadl+xml) (allow: POST,OPTIONS) ",
        "200 (text/plain) (allow: POST,OPTIONS) POST, OPTIONS",
    ),
    wadl(
        "200 (application/vnd.sun.wadl+xml) (allow: OPTIONS,PUT) ",
        "200 (text/plain) (allow: OPTIONS,PUT) OPTIONS, PUT",
    ),
    wadl(
        "200 (application/vnd.sun.wadl+xml) (allow: HEAD,DELETE,GET,OPTIONS,PUT) ",
        "200 (text/plain) (allow: HEAD,DELETE,GET,OPTIONS,PUT) HEAD, DELETE, GET, OPTIONS, PUT",
    ),
];

/// The answer to OPTIONS, from its beginning to the end of the description.
const fn wadl(found: &'static str, written: &'static str) -> Difference {
    Difference {
        set_ups: CAMUNDA,
        talk: Some("paths"),
        found: Found::Between(found, "</application>"),
        written,
        because: "Camunda brings an XML library with which its web framework describes itself to OPTIONS (WADL)",
    }
}

const FILTER: &str = "the filter that asks for credentials answers first for an engine of an unknown name";

const STARTED_BATCH: &str = "the engine notes who started a batch, because it knows";

const QUOTES: &str = "Camunda writes the name of a variable without the quotes that Operaton adds";

/// What was told on the real engine when its known differences are put aside, each of which is printed. Those that must
/// be met in a talk are put aside in the whole of it, under its name.
pub(super) fn put_aside(talk: Option<&str>, mut told: String) -> String {
    let (set_up, _) = *SETUP;
    let ours = DIFFERENCES.iter().filter(|it| it.set_ups.contains(&set_up));
    for difference in ours.filter(|it| it.talk.is_none() || it.talk == talk) {
        let mut met = false;
        while let Some(place) = difference.found.find(&told) {
            told.replace_range(place, difference.written);
            met = true;
        }
        if met {
            println!("differs: {}", difference.because);
        }
        let Difference { talk, written, .. } = difference;
        assert!(met || talk.is_none(), "{talk:?} on {set_up} differs no more from {written:?}: remove the difference");
    }
    told
}
