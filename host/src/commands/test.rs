//! `fetchlock test`: runs the cases beside plugins.

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
    begin::{Workbench, no_component, with_settings},
    build,
    exit::{EXIT_CONFIG, EXIT_FORCED, EXIT_FOUND},
    interrupt::unless_interrupted,
};
use crate::{
    cases::{self, Aim, Report, Told},
    plugins::{
        Plugin,
        case_files::{case_files, cases_of, is_case, parent},
    },
    project::{DetectError, Project, Watcher, Workplace},
    settings::Loaded,
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
    /// Build nothing: run the cases of projects on the components that are there
    #[arg(long)]
    no_build: bool,
    /// Run the cases again whenever something changes that they depend on, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "junit"])]
    watch: bool,
    /// Read settings from this file [default: fetchlock.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// What a path of the command line stands for.
enum Subject {
    Project(Project),
    /// A component, a case, or a directory of components.
    Plugins(PathBuf),
}

/// The cases to run, and what is wrong before any is run.
#[derive(Default)]
struct Plan {
    cases: Vec<(Arc<Plugin>, PathBuf)>,
    problems: Vec<String>,
    /// Whether a project cannot be built for want of something that is not its author's.
    is_unprepared: bool,
}

impl Test {
    pub(super) fn main(self) -> ExitCode {
        with_settings(self.config.as_deref(), async |loaded| match unless_interrupted(self.run(&loaded)).await? {
            Some(code) => code,
            None if self.watch => Ok(ExitCode::SUCCESS),
            None => Ok(ExitCode::from(EXIT_FORCED)),
        })
    }

    async fn run(&self, loaded: &Loaded) -> Result<ExitCode, Box<dyn Error>> {
        let at_once = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let workbench = Workbench::new(loaded, at_once)?;
        if !self.watch {
            return self.once(&workbench, at_once).await;
        }
        let places = self.subjects()?.iter().map(Subject::workplace).collect();
        let mut watcher = Watcher::new(places)?;
        loop {
            self.once(&workbench, at_once).await?;
            eprintln!("fetchlock: waiting for changes; Ctrl-C ends this");
            watcher.changed().await?;
        }
    }

    /// Runs all cases and tells of them.
    async fn once(&self, workbench: &Workbench, at_once: NonZeroUsize) -> Result<ExitCode, Box<dyn Error>> {
        // Before anything is run, so that no report of another time is left if something goes wrong.
        if let Some(path) = &self.junit {
            fs::write(path, "").map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        // Anew each time, for a project may have another name now.
        let subjects = self.subjects()?;
        let mut plan = Plan::default();
        for subject in &subjects {
            if let Subject::Project(project) = subject
                && !self.no_build
                && let Err(failed) = build::build(project).await
            {
                build::show_said(&failed);
                plan.is_unprepared |= !failed.is_about_the_sources();
                let is_report = self.json || self.junit.is_some();
                plan.problems.push(if is_report { failed.in_full() } else { failed.to_string() });
                continue;
            }
            plan.add(workbench, &subject.place()).await;
        }
        plan.cases.retain(|(_, path)| self.wants(path));
        if plan.cases.is_empty() && plan.problems.is_empty() {
            eprintln!("fetchlock: {}", self.nothing(&subjects));
            return Ok(ExitCode::from(EXIT_CONFIG));
        }
        let aim = if self.update { Aim::Update } else { Aim::Compare };
        let cases = run_cases(workbench, plan.cases, aim, at_once).await?;
        let told = self.tell(&Report { cases, problems: plan.problems })?;
        Ok(if plan.is_unprepared { ExitCode::from(EXIT_CONFIG) } else { told })
    }

    fn subjects(&self) -> Result<Vec<Subject>, DetectError> {
        self.paths.iter().map(|path| Subject::of(path)).collect()
    }

    fn wants(&self, path: &Path) -> bool {
        self.filter.as_ref().is_none_or(|text| cases::name_of(path).contains(text.as_str()))
    }

    fn nothing(&self, subjects: &[Subject]) -> String {
        let places: Vec<String> = subjects.iter().map(|subject| subject.place().display().to_string()).collect();
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

/// Whether standard output is for eyes that see colours (https://no-color.org).
fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Runs cases on a thread of its own. Whoever stops waiting stops the cases, too.
async fn run_cases(
    workbench: &Workbench,
    cases: Vec<(Arc<Plugin>, PathBuf)>,
    aim: Aim,
    at_once: NonZeroUsize,
) -> Result<Vec<Told>, tokio::task::JoinError> {
    let (sandbox, cancel) = (workbench.sandbox.clone(), CancellationToken::new());
    let _guard = cancel.clone().drop_guard();
    tokio::task::spawn_blocking(move || cases::run_all(&sandbox, &cases, aim, at_once, &cancel)).await
}

impl Subject {
    fn of(path: &Path) -> Result<Self, DetectError> {
        match Project::find(path) {
            Ok(project) => Ok(Self::Project(project)),
            Err(DetectError::Missing(_) | DetectError::UnknownLanguage { .. }) => Ok(Self::Plugins(path.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Where its cases are.
    fn place(&self) -> PathBuf {
        match self {
            Self::Project(project) => project.plugin_dir(),
            Self::Plugins(path) => path.clone(),
        }
    }

    /// Where to look for changes.
    fn workplace(&self) -> Workplace {
        match self {
            Self::Project(project) => Workplace::Project(project.dir.clone()),
            Self::Plugins(dir) if dir.is_dir() => Workplace::Plugins(dir.clone()),
            Self::Plugins(file) => Workplace::Plugins(parent(file).to_owned()),
        }
    }
}

impl Plan {
    /// Adds what is at a place.
    async fn add(&mut self, workbench: &Workbench, place: &Path) {
        if let Some(why) = no_component(place).filter(|_| !place.is_dir()) {
            return self.problems.push(format!("{}: {why}", place.display()));
        }
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_case(name) {
            return self.add_case(workbench, place).await;
        }
        if !place.is_dir() {
            match cases_of(place) {
                Ok(files) => self.add_plugin(workbench, place, files).await,
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
            self.add_plugin(workbench, &component, cases).await;
        }
    }

    /// Adds one case.
    async fn add_case(&mut self, workbench: &Workbench, case: &Path) {
        let listed = self.listed(parent(case));
        let found = listed.into_iter().find(|(path, _)| path.file_name() == case.file_name());
        match found {
            Some((_, Some(owner))) => {
                let component = parent(case).join(format!("{owner}.wasm"));
                self.add_plugin(workbench, &component, vec![case.to_owned()]).await;
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

    async fn add_plugin(&mut self, workbench: &Workbench, component: &Path, cases: Vec<PathBuf>) {
        match workbench.loader.load_file(component).await {
            Ok(plugin) => {
                let plugin = Arc::new(plugin);
                // A case that is named twice is run once.
                let new = |case: &PathBuf| self.cases.iter().all(|(_, known)| known != case);
                let cases: Vec<PathBuf> = cases.into_iter().filter(new).collect();
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
