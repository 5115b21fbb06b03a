//! `fetchlock test`: runs the cases beside plugins.

mod projects;
mod watch;

use std::{
    error::Error,
    fs,
    io::{self, IsTerminal, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread::available_parallelism,
};

use clap::{Args, ValueHint};
use tokio_util::sync::CancellationToken;

use super::{
    compilations::show_compilations,
    compiled,
    exit::{EXIT_CONFIG, EXIT_FOUND, refuse},
};
use crate::{
    cases::{self, Aim, Report},
    plugins::{
        Loader, Plugin,
        case_files::{case_files, cases_of, is_case, parent},
    },
    project::Project,
    sandbox::Sandbox,
    service,
    settings::{self, Flags, Loaded},
    telemetry,
};

/// Run the cases of handlers: what each does with a given task, and whether that is what its case expects.
///
/// The cases of NAME.wasm are the files NAME.case.toml and NAME.ANYTHING.case.toml beside it. Each is run in the sandbox
/// of the running host with the limits of the manifest, with a clock and random numbers of its own, without an engine
/// and without a network; docs/testing-handlers.md describes them. A project is built first, as by `fetchlock build`. The
/// exit code is 0 if all pass, 1 if not, and 78 if there is nothing to run or the settings are wrong.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// A component, a case, a directory of components, or a project, whose component is built first
    #[arg(value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// Run only cases with this text in their names
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print one JSON object with all that was seen
    #[arg(long)]
    json: bool,
    /// Write a report for continuous integration to this file, as JUnit does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    junit: Option<PathBuf>,
    /// Write what is found into the cases, as what they expect from now on
    #[arg(long)]
    update: bool,
    /// Run the cases again whenever a component, a manifest or a case changes, until interrupted
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// What runs cases.
struct Bench {
    sandbox: Arc<Sandbox>,
    loader: Arc<Loader>,
    at_once: NonZeroUsize,
}

/// The cases to run, and what is wrong before any is run.
#[derive(Default)]
struct Plan {
    cases: Vec<(Arc<Plugin>, PathBuf)>,
    problems: Vec<String>,
}

impl Test {
    pub(super) fn main(self) -> ExitCode {
        let flags = Flags { config: self.config.clone(), ..Flags::default() };
        let loaded = match settings::load(&flags) {
            Ok(loaded) => loaded,
            Err(problems) => return refuse(&problems),
        };
        self.run(&loaded).unwrap_or_else(|error| refuse(&*error))
    }

    fn run(&self, loaded: &Loaded) -> Result<ExitCode, Box<dyn Error>> {
        telemetry::init(loaded.settings.log.format, &loaded.settings.log.level)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("fetchlock").enable_all().build()?;
        let bench = Bench::new(loaded)?;
        let code = match (self.watch, self.projects().as_slice()) {
            (false, _) => self.once(&runtime, &bench)?,
            (true, []) => {
                watch::watch(&self.places(), || self.once(&runtime, &bench).map(drop))?;
                ExitCode::SUCCESS
            }
            (true, projects) => {
                projects::watch(&runtime, projects, || self.once(&runtime, &bench).map(drop))?;
                ExitCode::SUCCESS
            }
        };
        // A compilation that took too long cannot be stopped, and nobody waits for it.
        runtime.shutdown_background();
        Ok(code)
    }

    /// Runs all cases and tells of them.
    fn once(&self, runtime: &tokio::runtime::Runtime, bench: &Bench) -> Result<ExitCode, Box<dyn Error>> {
        if let Err(failed) = runtime.block_on(projects::build(&self.projects())) {
            return Ok(super::build::tell(&failed));
        }
        let mut plan = Plan::default();
        for place in self.places() {
            runtime.block_on(plan.add(bench, &place));
        }
        plan.cases.retain(|(_, path)| self.wants(path));
        if plan.cases.is_empty() && plan.problems.is_empty() {
            eprintln!("fetchlock: {}", self.nothing());
            return Ok(ExitCode::from(EXIT_CONFIG));
        }
        let aim = if self.update { Aim::Update } else { Aim::Compare };
        let cases = cases::run_all(&bench.sandbox, &plan.cases, aim, bench.at_once, &CancellationToken::new());
        self.tell(&Report { cases, problems: plan.problems })
    }

    /// The projects among the paths.
    fn projects(&self) -> Vec<Project> {
        self.paths.iter().filter_map(|path| Project::find(path).ok()).collect()
    }

    /// Where plugins are looked for: of a project, in its directory of plugins.
    fn places(&self) -> Vec<PathBuf> {
        let place =
            |path: &PathBuf| Some(path.join(PROJECT_PLUGINS)).filter(|it| it.is_dir()).unwrap_or_else(|| path.clone());
        self.paths.iter().map(place).collect()
    }

    fn wants(&self, path: &Path) -> bool {
        self.filter.as_ref().is_none_or(|text| cases::name_of(path).contains(text.as_str()))
    }

    fn nothing(&self) -> String {
        let places: Vec<String> = self.places().iter().map(|path| path.display().to_string()).collect();
        let places = places.join(", ");
        match &self.filter {
            Some(filter) => format!("no case in {places} has {filter:?} in its name"),
            None => format!(
                "there is no case in {places}: write NAME.case.toml or NAME.ANYTHING.case.toml beside NAME.wasm"
            ),
        }
    }

    fn tell(&self, report: &Report) -> Result<ExitCode, Box<dyn Error>> {
        if let Some(path) = &self.junit {
            fs::write(path, report.junit()?).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        let text = match self.json {
            true => serde_json::to_string_pretty(&report.json())? + "\n",
            false => report.human(colours()),
        };
        match io::stdout().write_all(text.as_bytes()) {
            // Who reads only the beginning has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ if report.is_good() => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::from(EXIT_FOUND)),
        }
    }
}

/// The directory of a project in which its component is, with the manifest and the cases.
const PROJECT_PLUGINS: &str = "plugin";

/// Whether standard output is for eyes that see colours (https://no-color.org).
fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Bench {
    fn new(loaded: &Loaded) -> Result<Self, Box<dyn Error>> {
        let at_once = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let sandbox = Arc::new(Sandbox::new(at_once, loaded.settings.limits.table_elements as usize)?);
        let artefacts = compiled::artefacts(loaded, &sandbox);
        let loader = service::loader(&loaded.settings, &sandbox, artefacts, show_compilations());
        // Here cases are not what decides whether it is loaded.
        let loader = Arc::new(loader.with_gate(None));
        Ok(Self { sandbox, loader, at_once })
    }
}

impl Plan {
    /// Adds what is at a place.
    async fn add(&mut self, bench: &Bench, place: &Path) {
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_case(name) {
            return self.add_case(bench, place).await;
        }
        if !place.is_dir() {
            match cases_of(place) {
                Ok(files) => self.add_plugin(bench, place, files).await,
                Err(error) => self.problems.push(format!("{}: {error}", parent(place).display())),
            }
            return;
        }
        let mut of_plugins: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
        for (case, owner) in self.listed(place) {
            match owner {
                Some(owner) => {
                    let component = place.join(format!("{owner}.wasm"));
                    match of_plugins.iter_mut().find(|(it, _)| *it == component) {
                        Some((_, cases)) => cases.push(case),
                        None => of_plugins.push((component, vec![case])),
                    }
                }
                None => self.problems.push(stray(&case)),
            }
        }
        for (component, cases) in of_plugins {
            self.add_plugin(bench, &component, cases).await;
        }
    }

    /// Adds one case.
    async fn add_case(&mut self, bench: &Bench, case: &Path) {
        let listed = self.listed(parent(case));
        let found = listed.into_iter().find(|(path, _)| path.file_name() == case.file_name());
        match found {
            Some((_, Some(owner))) => {
                let component = parent(case).join(format!("{owner}.wasm"));
                self.add_plugin(bench, &component, vec![case.to_owned()]).await;
            }
            Some((case, None)) => self.problems.push(stray(&case)),
            None => self.problems.push(format!("{}: there is no such file", case.display())),
        }
    }

    fn listed(&mut self, dir: &Path) -> Vec<(PathBuf, Option<String>)> {
        let listed = case_files(dir).map(|files| {
            // As one would type it.
            let plain = |path: PathBuf| path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path);
            files.into_iter().map(|(path, owner)| (plain(path), owner)).collect()
        });
        listed.unwrap_or_else(|error| {
            self.problems.push(format!("{}: {error}", dir.display()));
            Vec::new()
        })
    }

    async fn add_plugin(&mut self, bench: &Bench, component: &Path, cases: Vec<PathBuf>) {
        match bench.loader.load_file(component).await {
            Ok(plugin) => {
                let plugin = Arc::new(plugin);
                self.cases.extend(cases.into_iter().map(|case| (plugin.clone(), case)));
            }
            Err(error) => self.problems.push(error.to_string()),
        }
    }
}

/// What is said about a case without a plugin.
fn stray(case: &Path) -> String {
    format!(
        "{}: the case belongs to no plugin: expected NAME.case.toml or NAME.ANYTHING.case.toml, with NAME.wasm beside it",
        case.display()
    )
}
