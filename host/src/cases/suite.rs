//! Many cases at once: each is read, run, compared and, if that is wanted, updated.

use std::{
    fs,
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{
    case::Case,
    compare::{calls, compare},
    file,
    observed::Observed,
    report::{Told, Verdict},
    run::run,
    update::{NotUpdated, update},
};
use crate::{
    plugins::{
        CaseText, Plugin,
        case_files::{CASE_ENDING, parent},
    },
    sandbox::Sandbox,
};

/// What is done with cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// They are compared with what they expect.
    Compare,
    /// They are made to expect what is found.
    Update,
}

/// Runs cases, each with its plugin, so many at once; in the end all have been told in their order.
pub fn run_all(
    sandbox: &Sandbox,
    cases: &[(Arc<Plugin>, PathBuf)],
    aim: Aim,
    at_once: NonZeroUsize,
    cancel: &CancellationToken,
) -> Vec<Told> {
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_once.get().min(cases.len()) {
            scope.spawn(|| {
                while let Some((number, (plugin, path))) =
                    Some(next.fetch_add(1, Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
                {
                    let one = judge(sandbox, plugin, &CaseText::read(path), aim, cancel);
                    told.lock().unwrap_or_else(PoisonError::into_inner).push((number, one));
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    told.sort_by_key(|(number, _)| *number);
    told.into_iter().map(|(_, one)| one).collect()
}

/// What a case is called: the name of its file without `.case.toml`.
pub fn name_of(path: &Path) -> String {
    let name = file_name(path);
    name.strip_suffix(CASE_ENDING).unwrap_or(&name).to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Runs one case.
pub(super) fn judge(
    sandbox: &Sandbox,
    plugin: &Plugin,
    CaseText { path, text }: &CaseText,
    aim: Aim,
    cancel: &CancellationToken,
) -> Told {
    let told = |description, took, verdict| Told {
        name: name_of(path),
        file: path.clone(),
        plugin: plugin.route.plugin.as_str().to_owned(),
        description,
        took,
        verdict,
    };
    let read = match text {
        Ok(text) => file::parse(path, &file_name(path), text, aim == Aim::Update),
        Err(why) => Err(file::without_text(&file_name(path), why)),
    };
    let case = match read {
        Ok(case) => case,
        Err(problems) => return told(None, Duration::ZERO, Verdict::Unreadable(problems)),
    };
    let began = Instant::now();
    let ran = run(sandbox, plugin, &case, cancel.child_token());
    let took = began.elapsed();
    let verdict = match ran {
        Ok(observed) => verdict(&case, observed, aim),
        Err(why) => Verdict::NotRun(why.to_string()),
    };
    told(case.description, took, verdict)
}

fn verdict(case: &Case, observed: Observed, aim: Aim) -> Verdict {
    let observed = Box::new(observed);
    match (case.expect.as_ref().map(|expect| compare(expect, &observed)), aim) {
        (Some(comparison), Aim::Compare) => Verdict::Compared { observed, comparison },
        (Some(comparison), Aim::Update) if comparison.is_equal() => Verdict::Compared { observed, comparison },
        (comparison, _) => match rewrite(case, &observed) {
            Ok(()) => Verdict::Updated { observed, before: comparison },
            Err(why) => {
                let mut comparison = comparison.unwrap_or_else(|| calls(&observed));
                comparison.problems.push(why.to_string());
                Verdict::Compared { observed, comparison }
            }
        },
    }
}

/// Writes the file anew, at once as a rename does: the directory may be one that a host watches.
fn rewrite(case: &Case, observed: &Observed) -> Result<(), NotUpdated> {
    let file = |error: std::io::Error| NotUpdated::File(error.to_string());
    // What a link leads to is written, not the link.
    let path = fs::canonicalize(&case.path).map_err(file)?;
    let text = fs::read_to_string(&path).map_err(file)?;
    let updated = update(&text, case, observed)?;
    if updated == text {
        return Ok(());
    }
    let permissions = fs::metadata(&path).map_err(file)?.permissions();
    let mut written = tempfile::Builder::new().prefix(".").tempfile_in(parent(&path)).map_err(file)?;
    written.write_all(updated.as_bytes()).map_err(file)?;
    written.as_file().set_permissions(permissions).map_err(file)?;
    written.persist(&path).map(drop).map_err(|error| file(error.error))
}
