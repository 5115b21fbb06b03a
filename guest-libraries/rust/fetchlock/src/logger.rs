//! The logger behind the macros of the crate `log`.

use log::kv::{self, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};

use crate::host;

struct HostLogger;

impl Log for HostLogger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut fields = Fields(Vec::with_capacity(record.key_values().count()));
        // A field that cannot be told is no reason to keep quiet about the rest.
        let message = match record.key_values().visit(&mut fields) {
            Ok(()) => record.args().to_string(),
            Err(error) => format!("{} (a field is missing: {error})", record.args()),
        };
        host::log(record.level(), &message, &fields.0);
    }

    fn flush(&self) {}
}

struct Fields(Vec<(String, String)>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

/// Has the macros of `log` write to the host, unless the handler has chosen another logger.
pub(crate) fn install() {
    if log::set_logger(&HostLogger).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}
