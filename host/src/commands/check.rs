//! `fetchlock check`: whether plugins would be loaded, found by loading them as the running host does, with its settings
//! but without an engine, a journal or a cache.

mod report;

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueHint};

use self::report::Report;
use super::{begin::with_settings, compilations::show_compilations, exit::EXIT_FOUND};
use crate::{service, settings::Settings};

/// Tell whether plugins would be loaded, what they import, and what is wrong with them.
///
/// Each component is read with its manifest, compiled and instantiated once, as the running host does it and with the
/// same settings. No engine is needed, nothing is written, and a host may run meanwhile. The exit code is 0 if all
/// would be loaded, 1 if not, and 78 if the settings are wrong.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The components, NAME.wasm, each with its manifest NAME.toml if there is one; a directory stands for all plugins
    /// in it. They are checked as if all were in one plugin directory
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// Print one JSON array with an object for each file
    #[arg(long)]
    json: bool,
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

impl Check {
    pub(super) fn main(self) -> ExitCode {
        with_settings(self.config.as_deref(), async |loaded| {
            let reports = self.reports(&loaded.settings).await?;
            Ok(if self.print(&reports)? { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FOUND) })
        })
    }

    async fn reports(&self, settings: &Settings) -> Result<Vec<Report>, Box<dyn Error>> {
        let sandbox = service::sandbox(settings)?;
        let loader = Arc::new(service::loader(settings, &sandbox, None, show_compilations()));
        let checked = loader.check(&self.files).await;
        Ok(checked.iter().map(|checked| Report::new(checked, &settings.limits)).collect())
    }

    /// Prints the reports. Whether all files would be loaded.
    fn print(&self, reports: &[Report]) -> Result<bool, Box<dyn Error>> {
        let good = reports.iter().filter(|report| report.ok()).count();
        let text = match self.json {
            true => serde_json::to_string_pretty(reports)? + "\n",
            false => {
                let sum = format!("{good} of {} would be loaded\n", reports.len());
                let sum = if reports.len() > 1 { sum } else { String::new() };
                reports.iter().map(|report| format!("{report}\n")).collect::<String>() + &sum
            }
        };
        match io::stdout().write_all(text.as_bytes()) {
            // Who reads only the beginning has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(good == reports.len()),
        }
    }
}
