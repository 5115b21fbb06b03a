//! `fetchlock tasks retry`: gives tasks retries, which wakes incidents.

use std::time::Duration;

use clap::{Args, builder::NonEmptyStringValueParser, error::ErrorKind, value_parser};
use tokio::time::{Instant, sleep};

use super::{
    Done, TasksError, arguments,
    change::{distinct, each},
    filters::Filters,
    list::print_some,
    output::{self, Output, counted},
};
use crate::{
    engine::{Batch, BatchProgress, EngineError, Page, Selected, TaskQuery, rest::RestEngine},
    foreign::escape,
    settings::written::friendly,
    task::TaskId,
};

/// How often the engine is asked how far a batch is: it is done in steps of seconds.
const LOOK: Duration = Duration::from_millis(500);

/// How long `--wait` waits if it does not say.
const WAIT: &str = "10m";

/// How many ids are looked up with one query: some tens of kilobytes, and less than the 1,000 values that Oracle takes
/// in a list.
const LOOKED_UP: usize = 500;

/// Give tasks retries; an incident is woken by it.
///
/// Either of the tasks with these ids, one by one, or of all that match the filters, in one transaction of the engine:
/// all of them or none. Of filters those with retries left match, too, unless --incidents is given. For very many tasks
/// use --batch: the engine does it by and by. Workers that wait for tasks get woken ones at the engine's next look,
/// which it takes every 30 seconds.
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The ids of the tasks
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    /// All tasks of the engine
    #[arg(long)]
    all: bool,
    /// How many retries each of them has from now on; 0 makes an incident of it
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true,
        value_parser = value_parser!(u32).range(0..=MAX_RETRIES))]
    retries: u32,
    /// Let the engine do it by and by, and print the id of its batch
    #[arg(long)]
    batch: bool,
    /// Wait until the batch is done, but not longer than this [default: do not wait; without a TIME: 10m]
    #[arg(long, value_name = "TIME", requires = "batch", value_parser = arguments::wait,
        num_args = 0..=1, require_equals = true, default_missing_value = WAIT)]
    wait: Option<Duration>,
    /// Only tell which tasks would get retries
    #[arg(long)]
    dry_run: bool,
    // Last, for what follows would come under its heading.
    #[command(flatten)]
    filters: Filters,
}

/// The engine's number of retries is a Java `int`.
const MAX_RETRIES: i64 = i32::MAX as i64;

impl Retry {
    /// Refuses a command line that does not say of which tasks, or says it twice.
    pub(super) fn check(&self) {
        let ways = [!self.ids.is_empty(), !self.filters.are_none(), self.all];
        let (kind, why) = match ways.into_iter().filter(|given| *given).count() {
            0 => (ErrorKind::MissingRequiredArgument, "of which tasks? Give ids, at least one filter, or --all"),
            1 => return,
            _ => (ErrorKind::ArgumentConflict, "give ids, or filters, or --all: one of them alone"),
        };
        clap::Error::raw(kind, format!("{why}; see `fetchlock tasks retry --help`\n")).exit()
    }

    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        let ids = distinct(&self.ids);
        if ids.is_empty() {
            return self.by_query(engine, self.filters.query(), output).await;
        }
        if !self.dry_run && !self.batch {
            let what = self.what();
            return each(&ids, output, &what, async |task| Ok(engine.set_retries(task, self.retries).await?)).await;
        }
        // A batch would find out later, and nobody would hear of it.
        let there = there(engine, &ids).await?;
        let done = if there.is_empty() {
            nothing(output)?
        } else if self.dry_run {
            let count = there.len() as u64;
            self.foretell(engine, TaskQuery { ids: there.clone(), ..TaskQuery::default() }, count, output).await?
        } else {
            self.batch(engine, Selected::Tasks(&there), there.len() as u64, output).await?
        };
        Ok(if there.len() == ids.len() { done } else { Done::NotAll })
    }

    async fn by_query(&self, engine: &RestEngine, query: TaskQuery, output: &Output) -> Result<Done, TasksError> {
        // The engine acknowledges without a number, so it is asked before.
        let count = engine.count(&query).await?;
        if count == 0 {
            nothing(output)
        } else if self.dry_run {
            self.foretell(engine, query, count, output).await
        } else if self.batch {
            self.batch(engine, Selected::Query(&query), count, output).await
        } else {
            self.at_once(engine, &query, count, output).await
        }
    }

    fn what(&self) -> String {
        format!("retries set to {}", self.retries)
    }

    /// All that a query finds, in one transaction.
    async fn at_once(
        &self,
        engine: &RestEngine,
        query: &TaskQuery,
        count: u64,
        output: &Output,
    ) -> Result<Done, TasksError> {
        match engine.set_retries_of(Selected::Query(query), self.retries).await {
            Ok(()) => {
                output.line(&format!("{}: {}", counted(count, "task"), self.what()))?;
                Ok(Done::All)
            }
            Err(EngineError::TimedOut { after }) => {
                let within = friendly(after);
                output::problem(&format!(
                    "the engine did not set the retries of {} within {within}, and may still do it; for so many use \
                     --batch",
                    counted(count, "task")
                ));
                Ok(Done::NotAll)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells what would be done.
    async fn foretell(
        &self,
        engine: &RestEngine,
        query: TaskQuery,
        count: u64,
        output: &Output,
    ) -> Result<Done, TasksError> {
        print_some(engine, query, output).await?;
        output.line(&format!("{}: retries would be set to {}", counted(count, "task"), self.retries))?;
        Ok(Done::All)
    }

    /// As a batch of the engine, followed to its end if that is wanted.
    async fn batch(
        &self,
        engine: &RestEngine,
        selected: Selected<'_>,
        count: u64,
        output: &Output,
    ) -> Result<Done, TasksError> {
        let batch = engine.set_retries_later(selected, self.retries).await?;
        let id = escape(&batch.id);
        output.line(&format!("batch {id}: {}", counted(batch.jobs, "job")))?;
        let Some(wait) = self.wait else { return Ok(Done::All) };
        match follow(engine, &batch, wait).await? {
            End::Done => {
                output.line(&format!("batch {id} is done: {}: {}", counted(count, "task"), self.what()))?;
                Ok(Done::All)
            }
            End::Failed(failed) => {
                output::problem(&format!("batch {id}: {} of {} failed", failed, counted(batch.jobs, "job")));
                for why in engine.batch_failures(&batch).await? {
                    output::problem(&format!("batch {id}: {why}"));
                }
                Ok(Done::NotAll)
            }
            End::NotYet(BatchProgress { remaining, suspended, .. }) => {
                let why = if suspended { "; it is suspended" } else { "; the engine goes on with it" };
                let after = friendly(wait);
                output::problem(&format!("batch {id}: {} left after {after}{why}", counted(remaining, "job")));
                Ok(Done::NotAll)
            }
        }
    }
}

/// Says that there was nothing to do, which is no failure.
fn nothing(output: &Output) -> Result<Done, TasksError> {
    output.line("no task matches: nothing to do")?;
    Ok(Done::All)
}

/// Those of some tasks that there are; the others are told.
async fn there(engine: &RestEngine, ids: &[TaskId]) -> Result<Vec<TaskId>, TasksError> {
    let mut there = Vec::new();
    for some in ids.chunks(LOOKED_UP) {
        let query = TaskQuery { ids: some.to_vec(), ..TaskQuery::default() };
        let page = Page { first: 0, max: some.len() as u64 };
        there.extend(engine.list(&query, page).await?.tasks.into_iter().map(|task| task.id));
    }
    for missing in ids.iter().filter(|id| !there.contains(id)) {
        output::problem(&format!("{missing}: there is no such task"));
    }
    Ok(there)
}

/// How a batch ended.
enum End {
    Done,
    /// So many jobs have failed for good, all others are done.
    Failed(u64),
    NotYet(BatchProgress),
}

/// Follows a batch until it has ended or the time is over.
async fn follow(engine: &RestEngine, batch: &Batch, wait: Duration) -> Result<End, EngineError> {
    let until = Instant::now() + wait;
    loop {
        let is_over = Instant::now() + LOOK > until;
        match engine.batch_progress(batch).await {
            Ok(None) => return Ok(End::Done),
            Ok(Some(progress)) if progress.has_ended() && progress.failed == 0 => return Ok(End::Done),
            Ok(Some(progress)) if progress.has_ended() => return Ok(End::Failed(progress.failed)),
            Ok(Some(progress)) if is_over => return Ok(End::NotYet(progress)),
            Err(error) if is_over || !is_passing(&error) => return Err(error),
            Ok(Some(_)) | Err(_) => sleep(LOOK).await,
        }
    }
}

/// Whether an error may be gone at the next look. An engine that starts anew goes on with its batches.
fn is_passing(error: &EngineError) -> bool {
    matches!(error, EngineError::Unreachable { .. } | EngineError::TimedOut { .. } | EngineError::Overloaded { .. })
}
