//! Behaviours that give away a secret, the setting that the variable `key` names.

use std::io::Write;

use crate::Returned;
use crate::bindings::fetchlock::handler::config as settings;
use crate::bindings::fetchlock::handler::log::{self, Level};
use crate::bindings::fetchlock::handler::outcome::{self, Failure, Retry};
use crate::support::{complete, count, refused, text_variable};

fn secret() -> Result<String, String> {
    let key = text_variable("key")?.ok_or("variable `key`: expected a String, found no such variable")?;
    settings::get(&key).ok_or_else(|| format!("there is no setting `{key}`"))
}

/// Says it in the log, in a field of it, and on standard output and error. Completes with its `length`.
pub(crate) fn say_secret() -> Returned {
    let secret = secret()?;
    log::write(Level::Info, &format!("it is {secret}"), &[("field".to_owned(), secret.clone())]);
    println!("out: {secret}");
    eprintln!("err: {secret}");
    std::io::stdout().flush().map_err(|error| format!("stdout cannot be flushed: {error}"))?;
    complete(&[count("length", secret.len() as u64)])
}

/// Fails for good with it, in the message and in the details.
pub(crate) fn fail_with_secret() -> Returned {
    let secret = secret()?;
    let failure = Failure {
        message: format!("message {secret}"),
        details: Some(format!("details {secret}")),
        retry: Retry::Never,
        variables: Vec::new(),
        local_variables: Vec::new(),
    };
    outcome::fail(&failure).map_err(refused)
}

/// Returns it as an error.
pub(crate) fn err_secret() -> Returned {
    Err(format!("error {}", secret()?))
}

/// Panics with it.
pub(crate) fn panic_with_secret() -> Returned {
    panic!("panic {}", secret()?);
}
