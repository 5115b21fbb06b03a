//! Behaviours that report what a guest can see.

use std::collections::hash_map::RandomState;
use std::fmt::Display;
use std::fs;
use std::hash::BuildHasher;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, SystemTime};

use crate::Returned;
use crate::bindings::fetchlock::handler::types::{Date, Value, Variable};
use crate::bindings::fetchlock::handler::variables::{self, LoadError};
use crate::bindings::fetchlock::handler::{config as settings, task};
use crate::support::{complete, count, text, variable};

/// How long a connection may take before it counts as refused. Without a network it is refused at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Loads the variable `file`, then completes with its `length`, the sum of its bytes (`checksum`), and the variable
/// itself as `copy`: not with what was loaded, but as it arrived. If it cannot be loaded, completes with `loadError`,
/// the name of the error and its text.
pub(crate) fn load_file() -> Returned {
    match variables::load("file") {
        Ok(bytes) => {
            let copy = variables::get("file").ok_or("variable `file` was loaded, but does not exist")?;
            let checksum = bytes.iter().map(|byte| u64::from(*byte)).sum();
            complete(&[count("length", bytes.len() as u64), count("checksum", checksum), variable("copy", copy)])
        }
        Err(error) => {
            let error = match error {
                LoadError::Unknown => "unknown".to_owned(),
                LoadError::NotAFile => "not-a-file".to_owned(),
                LoadError::Unavailable(why) => format!("unavailable: {why}"),
                LoadError::TooLarge(limit) => format!("too-large: {limit}"),
            };
            complete(&[text("loadError", error)])
        }
    }
}

/// Completes with all settings as text variables of the same names.
pub(crate) fn config() -> Returned {
    let mut found = Vec::new();
    for key in settings::keys() {
        let value = settings::get(&key).ok_or_else(|| format!("setting `{key}` has a name but no value"))?;
        found.push(text(key, value));
    }
    complete(&found)
}

/// Completes with every field of the task's context as a text variable of the field's name in the contract. A field
/// that is none becomes a missing text; `create-time` becomes `MILLISECONDS/OFFSET`, `extension-properties` lines of
/// `NAME=VALUE`.
pub(crate) fn context() -> Returned {
    // Taken apart completely, so that a new field cannot be forgotten.
    let task::Context {
        id,
        topic,
        business_key,
        activity_id,
        activity_instance_id,
        execution_id,
        process_instance_id,
        process_definition_id,
        process_definition_key,
        process_definition_version_tag,
        tenant_id,
        retries,
        priority,
        create_time,
        extension_properties,
        worker_id,
        error_message,
        error_details,
    } = task::get();
    let date = |Date { unix_millis, offset_minutes }| format!("{unix_millis}/{offset_minutes}");
    let properties: Vec<String> = extension_properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
    complete(&[
        text("id", id),
        text("topic", topic),
        text_if_any("business-key", business_key),
        text("activity-id", activity_id),
        text("activity-instance-id", activity_instance_id),
        text("execution-id", execution_id),
        text("process-instance-id", process_instance_id),
        text("process-definition-id", process_definition_id),
        text("process-definition-key", process_definition_key),
        text_if_any("process-definition-version-tag", process_definition_version_tag),
        text_if_any("tenant-id", tenant_id),
        text_if_any("retries", retries),
        text("priority", priority.to_string()),
        text_if_any("create-time", create_time.map(date)),
        text("extension-properties", properties.join("\n")),
        text("worker-id", worker_id),
        text_if_any("error-message", error_message),
        text_if_any("error-details", error_details),
    ])
}

/// Completes with `saw-NAME` for each variable: its value as the contract has it, in Rust's words.
pub(crate) fn values() -> Returned {
    let names = variables::names();
    let seen = names.iter().zip(variables::get_many(&names));
    let seen: Vec<Variable> = seen.map(|(name, value)| text(format!("saw-{name}"), format!("{value:?}"))).collect();
    complete(&seen)
}

/// Tries to leave the sandbox, then completes with what each try found, as text: `readFile`, `writeFile`, `listRoot`,
/// `tcpConnect`, `tcpListen`, `udpBind` and `resolve` begin with `refused: ` in a sandbox that holds and never
/// otherwise; `env` and `args` are empty.
pub(crate) fn probe_sandbox() -> Returned {
    // Port 1 of this machine: nothing listens there, but only a guest outside the sandbox learns that.
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let connected = match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
        Ok(_) => Ok("connected"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok("reached, though nothing listens"),
        Err(error) => Err(error),
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    complete(&[
        attempt("readFile", fs::read_to_string("/etc/passwd")),
        attempt("writeFile", fs::write("/tmp/fetchlock-probe", "probe").map(|()| "written")),
        attempt("listRoot", fs::read_dir("/").map(|entries| format!("{} entries", entries.count()))),
        text("env", std::env::vars().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")),
        text("args", std::env::args().collect::<Vec<_>>().join("\n")),
        attempt("tcpConnect", connected),
        attempt("tcpListen", TcpListener::bind(any).map(|_| "listening")),
        attempt("udpBind", UdpSocket::bind(any).map(|_| "bound")),
        attempt("resolve", ("localhost", 1).to_socket_addrs().map(|found| format!("{} addresses", found.count()))),
    ])
}

/// Completes with `random` (a number that std draws at random in each instance) and `clock` (milliseconds since 1970).
pub(crate) fn random() -> Returned {
    let random = RandomState::new().hash_one(());
    let since = SystemTime::UNIX_EPOCH.elapsed().map_err(|error| format!("the clock stands before 1970: {error}"))?;
    let millis = u64::try_from(since.as_millis()).map_err(|_| "the clock stands in a far future".to_owned())?;
    complete(&[text("random", random.to_string()), count("clock", millis)])
}

/// A text, or a missing text.
fn text_if_any(name: &str, value: Option<impl Display>) -> Variable {
    let value = value.map_or_else(|| Value::Null(Some("String".to_owned())), |value| Value::Text(value.to_string()));
    variable(name, value)
}

/// What a try to leave the sandbox found, as a variable.
fn attempt(name: &str, found: std::io::Result<impl Display>) -> Variable {
    text(name, found.map_or_else(|error| format!("refused: {error}"), |found| found.to_string()))
}
