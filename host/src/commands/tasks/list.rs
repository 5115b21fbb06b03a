//! `fetchlock tasks list` and `count`: which tasks there are.

use std::collections::HashSet;

use clap::Args;

use super::{
    Done, TasksError,
    arguments::{self, Limit},
    filters::Filters,
    output::{self, Output, counted},
    table::Table,
};
use crate::{
    engine::{ListedTask, Listing, Page, SortKey, SortOrder, Sorting, TaskQuery, rest::RestEngine},
    task::TaskId,
};

/// How many tasks are asked for at once: some hundred kilobytes of answer.
const PAGE: u64 = 500;

/// How many tasks a table shows unless it is told otherwise: more than a person reads.
pub(super) const SHOWN: Limit = Limit(100);

/// List tasks.
///
/// A table for people: of each task its state, retries, priority, and the last error; not more than 100 of them unless
/// --limit says so. With --json one array for scripts, with all fields in the engine's own names. The list is read page
/// by page: what changes at the engine meanwhile may be missing in it.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Sort by this, KEY or KEY:desc; may be given several times, the first weighs most. Keys are id,
    /// lockExpirationTime, processInstanceId, processDefinitionId, processDefinitionKey, taskPriority, createTime and
    /// tenantId [default: createTime]
    #[arg(long, value_name = "KEY", value_parser = arguments::sorting)]
    sort: Vec<Sorting>,
    /// Not more than this many tasks; `none` for all [default: 100, with --json none]
    #[arg(long, value_name = "N", value_parser = arguments::limit)]
    limit: Option<Limit>,
    /// Pass over this many tasks first
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: u64,
    /// Print one JSON array with an object for each task
    #[arg(long)]
    json: bool,
    // Last, for what follows would come under its heading.
    #[command(flatten)]
    filters: Filters,
}

impl List {
    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        let query = TaskQuery { sorting: total(&self.sort), ..self.filters.query() };
        let limit = self.limit.unwrap_or(if self.json { Limit(u64::MAX) } else { SHOWN });
        let mut pages = Pages::of(engine, query, self.skip, limit);
        if self.json {
            print_json(&mut pages, output).await?;
        } else {
            print_table(&mut pages, output).await?;
        }
        Ok(Done::All)
    }
}

/// Count tasks; print the number.
#[derive(Debug, Args)]
pub(super) struct Count {
    #[command(flatten)]
    filters: Filters,
}

impl Count {
    pub(super) async fn run(&self, engine: &RestEngine, output: &Output) -> Result<Done, TasksError> {
        let count = engine.count(&self.filters.query()).await?;
        output.line(&count.to_string())?;
        Ok(Done::All)
    }
}

/// An order in which each task has one place, so that pages fit together: of equals the smaller id comes first.
fn total(sorting: &[Sorting]) -> Vec<Sorting> {
    let by = |by| Sorting { by, order: SortOrder::Ascending };
    let mut total = if sorting.is_empty() { vec![by(SortKey::CreateTime)] } else { sorting.to_vec() };
    if !total.iter().any(|sorting| sorting.by == SortKey::Id) {
        total.push(by(SortKey::Id));
    }
    total
}

/// The pages of a list, read one after another.
struct Pages<'a> {
    engine: &'a RestEngine,
    query: TaskQuery,
    first: u64,
    left: u64,
    /// Whether nothing is behind what was read.
    at_end: bool,
    /// A task that moved on while the list was read comes once only.
    seen: HashSet<TaskId>,
}

impl<'a> Pages<'a> {
    fn of(engine: &'a RestEngine, query: TaskQuery, skip: u64, Limit(limit): Limit) -> Self {
        Self { engine, query, first: skip, left: limit, at_end: false, seen: HashSet::new() }
    }

    async fn next(&mut self) -> Result<Option<Listing>, TasksError> {
        let max = self.left.min(PAGE);
        if max == 0 || self.at_end {
            return Ok(None);
        }
        let mut listing = self.engine.list(&self.query, Page { first: self.first, max }).await?;
        let found = listing.tasks.len() as u64;
        self.first += found;
        self.left = self.left.saturating_sub(found);
        self.at_end = found < max;
        listing.tasks.retain(|task| self.seen.insert(task.id.clone()));
        Ok(Some(listing).filter(|_| found > 0))
    }

    /// How many tasks there are behind those that were read.
    async fn behind(&self) -> Result<u64, TasksError> {
        Ok(self.engine.count(&self.query).await?.saturating_sub(self.first))
    }
}

async fn print_table(pages: &mut Pages<'_>, output: &Output) -> Result<(), TasksError> {
    let mut table = Table::new(output.columns);
    while let Some(listing) = pages.next().await? {
        output.write(&table.page(&listing))?;
    }
    let more = if pages.at_end { 0 } else { pages.behind().await? };
    if more > 0 {
        output::problem(&format!("{} more not shown: see them with --limit N or --limit none", counted(more, "task")));
    } else if pages.seen.is_empty() {
        output::problem("no task matches");
    }
    Ok(())
}

/// One object a line, so that no backlog need be held.
async fn print_json(pages: &mut Pages<'_>, output: &Output) -> Result<(), TasksError> {
    let mut before = "[\n";
    while let Some(listing) = pages.next().await? {
        for ListedTask { fields, .. } in &listing.tasks {
            output.write(&format!("{before}{}", serde_json::to_string(fields)?))?;
            before = ",\n";
        }
    }
    output.write(if pages.seen.is_empty() { "[]\n" } else { "\n]\n" })?;
    Ok(())
}

/// Prints a table of the tasks of a query, as many as a person reads, and tells how many there are more.
pub(super) async fn print_some(engine: &RestEngine, query: TaskQuery, output: &Output) -> Result<(), TasksError> {
    let query = TaskQuery { sorting: total(&[]), ..query };
    print_table(&mut Pages::of(engine, query, 0, SHOWN), output).await
}
