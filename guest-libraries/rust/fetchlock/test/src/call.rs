//! Calls that a test foresees.

use toml::{Table, Value};

/// A call of the handler that is foreseen, with its answer: what a case file has below `[[calls]]`.
#[derive(Debug, Clone)]
pub struct Call(pub(crate) Table);

impl Call {
    fn of(kind: &str, what: impl Into<Value>) -> Self {
        Self(Table::new()).with(kind, what)
    }

    /// An HTTP request: `GET https://api.example.com/rates`. Say how it is answered: [`status`](Self::status) or
    /// [`error`](Self::error).
    pub fn http(method_and_address: &str) -> Self {
        Self::of("http", method_and_address)
    }

    /// The start of a process; answered by `.with("started", "instance-2")` or [`error`](Self::error).
    pub fn start_process(key: &str) -> Self {
        Self::of("start-process", key)
    }

    /// A message; answered by [`received_by`](Self::received_by) or [`error`](Self::error).
    pub fn correlate_message(name: &str) -> Self {
        Self::of("correlate-message", name)
    }

    /// A longer lock, such as `30s`.
    pub fn extend_lock(duration: &str) -> Self {
        Self::of("extend-lock", duration)
    }

    /// Variables that are set while the handler runs; `.with("scope", "local")` for those of the task's own scope.
    pub fn set_progress(variables: Table) -> Self {
        Self::of("set-progress", variables)
    }

    /// The content of a file that cannot be loaded; say so with [`error`](Self::error). Files that can need no call.
    pub fn load(variable: &str) -> Self {
        Self::of("load", variable)
    }

    /// With any other key of a call in a case file.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Answered with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.with("status", i64::from(status))
    }

    /// Answered with this header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.within("headers", name, value)
    }

    /// Answered with this body.
    #[must_use]
    pub fn body(self, text: &str) -> Self {
        self.with("body", text)
    }

    /// Answered with this body, the text of a JSON document.
    #[must_use]
    pub fn json(self, text: &str) -> Self {
        self.with("json", text)
    }

    /// Received by the instance of this id, which waited for it, after those that are named already.
    #[must_use]
    pub fn received_by(mut self, instance: &str) -> Self {
        let receiver = Table::from_iter([("waiting".to_owned(), instance.into())]);
        let receivers = self.0.entry("receivers").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(receivers) = receivers.as_array_mut() {
            receivers.push(receiver.into());
        }
        self
    }

    /// Answered with an error, such as `timeout` or `refused`.
    #[must_use]
    pub fn error(self, error: &str) -> Self {
        self.with("error", error)
    }

    /// Asked with this header, beside others.
    #[must_use]
    pub fn asked_with_header(mut self, name: &str, value: &str) -> Self {
        let request = self.0.entry("request").or_insert_with(|| Table::new().into());
        if let Some(request) = request.as_table_mut() {
            let headers = request.entry("headers").or_insert_with(|| Table::new().into());
            if let Some(headers) = headers.as_table_mut() {
                headers.insert(name.to_owned(), value.into());
            }
        }
        self
    }

    /// Asked with this body, the text of a JSON document.
    #[must_use]
    pub fn asked_with_json(self, text: &str) -> Self {
        self.within("request", "json", text)
    }

    /// Asked with this body.
    #[must_use]
    pub fn asked_with_body(self, text: &str) -> Self {
        self.within("request", "body", text)
    }

    fn within(mut self, table: &str, key: &str, value: &str) -> Self {
        let entry = self.0.entry(table).or_insert_with(|| Table::new().into());
        if let Some(table) = entry.as_table_mut() {
            table.insert(key.to_owned(), value.into());
        }
        self
    }
}
