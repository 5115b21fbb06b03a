//! Tasks as a table for people: one row each, the last error cut to the width of the terminal.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    engine::{ListedTask, Listing, TaskState},
    foreign::escape,
};

/// The least width of the column of errors, whatever the terminal's: less tells nothing.
const MIN_ERROR: usize = 20;

/// The titles of the columns.
const TITLES: [&str; 8] = ["ID", "TOPIC", "STATE", "RETRIES", "PRIORITY", "BUSINESS KEY", "CREATED", "LAST ERROR"];

/// The place of the business keys, a column that is left out where nobody has one.
const BUSINESS_KEY: usize = 5;

/// A row without the last column, and the last.
type Row = ([String; TITLES.len() - 1], String);

/// A table whose columns are as wide as its first page needs.
pub(super) struct Table {
    columns: Option<usize>,
    widths: Option<[usize; TITLES.len() - 1]>,
}

impl Table {
    /// A table for a terminal with so many columns; nothing is cut elsewhere.
    pub(super) fn new(columns: Option<usize>) -> Self {
        Self { columns, widths: None }
    }

    /// The lines of a page of tasks, on the first with the titles before them.
    pub(super) fn page(&mut self, listing: &Listing) -> String {
        let rows: Vec<Row> = listing.tasks.iter().map(|task| row(task, listing.at)).collect();
        let mut text = String::new();
        let widths = match self.widths {
            Some(widths) => widths,
            None => {
                let widths = widths(&rows);
                self.widths = Some(widths);
                let titles = std::array::from_fn(|at| TITLES[at].to_owned());
                text.push_str(&self.line(&widths, &(titles, TITLES[TITLES.len() - 1].to_owned())));
                widths
            }
        };
        rows.iter().for_each(|row| text.push_str(&self.line(&widths, row)));
        text
    }

    fn line(&self, widths: &[usize], (cells, error): &Row) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
            line.push_str(&format!("{cell:width$}  "));
        }
        let used = line.chars().count();
        let error = match self.columns {
            Some(columns) => cut(error, columns.saturating_sub(used).max(MIN_ERROR)),
            None => error.clone(),
        };
        line.push_str(&error);
        format!("{}\n", line.trim_end())
    }
}

fn widths(rows: &[Row]) -> [usize; TITLES.len() - 1] {
    std::array::from_fn(|at| {
        let longest = rows.iter().map(|(cells, _)| cells[at].chars().count()).max().unwrap_or_default();
        if at == BUSINESS_KEY && longest == 0 { 0 } else { longest.max(TITLES[at].len()) }
    })
}

fn row(task: &ListedTask, now: Timestamp) -> Row {
    let cells = [
        escape(task.id.as_str()),
        escape(&task.topic),
        state(task, now),
        task.retries.map_or_else(|| "-".to_owned(), |left| left.to_string()),
        task.priority.to_string(),
        escape(task.business_key.as_deref().unwrap_or_default()),
        task.created.map_or_else(|| "-".to_owned(), moment),
    ];
    (cells, escape(task.error_message.as_deref().unwrap_or_default()))
}

/// What happens to a task, in words.
pub(super) fn state(task: &ListedTask, now: Timestamp) -> String {
    let state = match task.state(now) {
        TaskState::Incident => "incident".to_owned(),
        TaskState::Locked { by, .. } => format!("locked by {}", escape(by.as_str())),
        TaskState::Waiting => "waiting".to_owned(),
    };
    if task.suspended { format!("{state}, suspended") } else { state }
}

/// A moment in this machine's time zone, to a second.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The beginning of a text, with an ellipsis if there is more of it.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::task::{TaskId, WorkerId};

    fn task(id: &str, error: Option<&str>) -> ListedTask {
        ListedTask {
            id: TaskId::new(id),
            topic: "charge-card".into(),
            worker_id: None,
            lock_expires: None,
            retries: None,
            priority: 0,
            suspended: false,
            created: None,
            business_key: None,
            process_instance_id: "p".into(),
            execution_id: "e".into(),
            error_message: error.map(str::to_owned),
            fields: Map::new(),
        }
    }

    fn listing(tasks: Vec<ListedTask>) -> Listing {
        Listing { tasks, at: Timestamp::UNIX_EPOCH }
    }

    fn some_tasks() -> Vec<ListedTask> {
        let failed = ListedTask { retries: Some(0), ..task("t-1", Some("the card\nis \u{1b}[31mno card")) };
        let until = Some(Timestamp::from_second(1).expect("a moment"));
        let held = ListedTask { worker_id: Some(WorkerId::new("w")), lock_expires: until, ..task("t-2", None) };
        vec![failed, ListedTask { suspended: true, priority: -7, ..held }, task("t-3", None)]
    }

    #[test]
    fn each_task_is_a_row_and_foreign_text_stays_in_it() {
        insta::assert_snapshot!(Table::new(None).page(&listing(some_tasks())), @r"
        ID   TOPIC        STATE                   RETRIES  PRIORITY  CREATED  LAST ERROR
        t-1  charge-card  incident                0        0         -        the card\nis \u{1b}[31mno card
        t-2  charge-card  locked by w, suspended  -        -7        -
        t-3  charge-card  waiting                 -        0         -
        ");
    }

    #[test]
    fn on_a_terminal_the_error_takes_what_room_is_left() {
        let mut tasks = some_tasks();
        tasks[2].business_key = Some("order-5".into());
        insta::assert_snapshot!(Table::new(Some(105)).page(&listing(tasks)), @r"
        ID   TOPIC        STATE                   RETRIES  PRIORITY  BUSINESS KEY  CREATED  LAST ERROR
        t-1  charge-card  incident                0        0                       -        the card\nis \u{1b}[…
        t-2  charge-card  locked by w, suspended  -        -7                      -
        t-3  charge-card  waiting                 -        0         order-5       -
        ");
    }

    #[test]
    fn a_later_page_keeps_the_columns_of_the_first_and_has_no_titles() {
        let mut table = Table::new(None);
        table.page(&listing(some_tasks()));
        insta::assert_snapshot!(table.page(&listing(vec![task("t-4", None)])), @"t-4  charge-card  waiting                 -        0         -");
    }
}
