//! Passes all variables on under new names: for the test that each type crosses in both directions.

use fetchlock::{File, FileContent, Value, Variable, Variables};

#[fetchlock::handler]
fn handle(given: Variables) -> fetchlock::Result<Variables> {
    given.into_iter().map(passed_on).collect()
}

fn passed_on(Variable { name, value, .. }: Variable) -> fetchlock::Result<(String, Value)> {
    let value = match value {
        Value::File(file) => Value::File(with_content(file)?),
        value => value,
    };
    Ok((format!("echo_{name}"), value))
}

/// The same file, with its content loaded here.
fn with_content(file: File) -> fetchlock::Result<File> {
    let content = FileContent::Bytes(file.load()?.into_owned());
    Ok(File { content, ..file })
}
