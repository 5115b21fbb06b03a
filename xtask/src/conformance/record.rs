//! What a run of the suite said: kept as it came in `docs/conformance/SET-UP.txt`, and read back from there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use fetchlock_harness::guests::target_dir;

use crate::cargo::root;

/// How many lines of what one test printed are kept: a message with its reason, not a whole log.
const LINES_OF_A_TEST: usize = 120;

/// How long a line may be, in characters.
const LINE: usize = 2_000;

/// Begins a line that the suite prints for a known difference between engines, before the reason.
const DIFFERS: &str = "differs: ";

/// Begins the part of the tests' output about those that failed.
const FAILURES: &str = "failures:\n";

/// Between the head of a file and the tests' output.
const RULE: &str = "--------";

/// The run of one set-up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Product, version, data base.
    pub(super) engine: String,
    /// Of the sources that were run, so that a record which is older than they are can be seen.
    pub(super) commit: String,
    pub(super) date: String,
    pub(super) results: Results,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Results {
    /// The engine was not to be had, and why.
    NotToBeHad(String),
    /// The tests' output.
    Output { seconds: u64, text: String },
}

/// How one test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Passed,
    /// As expected of this engine, which is unlike the others: why.
    Differs(Vec<String>),
    Failed,
}

impl Record {
    /// Reads the last run; none if there was none.
    ///
    /// # Errors
    /// The file cannot be read, or is not of this form.
    pub(super) fn read(name: &str) -> Result<Option<Self>> {
        let path = path(name);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        Self::parse(&text).map(Some).with_context(|| format!("{} is not as `conformance` writes it", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let (head, output) = text.split_once(&format!("{RULE}\n")).context("no line of dashes")?;
        let fields: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let field = |name: &str| fields.get(name).copied().with_context(|| format!("no line `{name}: `"));
        let results = match fields.get("not to be had") {
            Some(why) => Results::NotToBeHad((*why).to_owned()),
            None => {
                let seconds = field("seconds")?.parse().context("the seconds")?;
                Results::Output { seconds, text: output.to_owned() }
            }
        };
        // Records that are older than this line have none.
        let commit = fields.get("commit").copied().unwrap_or("unknown").to_owned();
        Ok(Self { engine: field("engine")?.to_owned(), commit, date: field("date")?.to_owned(), results })
    }

    /// Keeps it as the last run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, name: &str) -> Result<()> {
        let path = path(name);
        fs::create_dir_all(root().join("docs/conformance")).context("cannot create docs/conformance")?;
        fs::write(&path, self.text()).with_context(|| format!("cannot write {}", path.display()))
    }

    fn text(&self) -> String {
        let head = format!("engine: {}\ncommit: {}\ndate: {}\n", self.engine, self.commit, self.date);
        match &self.results {
            Results::NotToBeHad(why) => format!("{head}not to be had: {why}\n{RULE}\n"),
            Results::Output { seconds, text } => format!("{head}seconds: {seconds}\n{RULE}\n{text}"),
        }
    }

    /// How each test ended, by name.
    ///
    /// # Errors
    /// The run was cut off, so nothing is known of some tests.
    pub(super) fn endings(&self) -> Result<BTreeMap<String, Ending>> {
        let Results::Output { text, .. } = &self.results else { return Ok(BTreeMap::new()) };
        let mut endings = BTreeMap::new();
        for line in text.lines() {
            let Some((name, ending)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
                continue;
            };
            let ending = match ending {
                "ok" => Ending::Passed,
                "FAILED" => Ending::Failed,
                other => bail!("the test {name} ended with `{other}`: expected `ok` or `FAILED`, for none is left out"),
            };
            endings.insert(name.to_owned(), ending);
        }
        if !text.lines().any(|line| line.starts_with("test result: ")) {
            bail!("its output ends before the tests' end");
        }
        for (name, why) in differences(text) {
            match endings.get_mut(name) {
                Some(Ending::Differs(reasons)) if !reasons.contains(&why) => reasons.push(why),
                Some(ending @ Ending::Passed) => *ending = Ending::Differs(vec![why]),
                _ => {}
            }
        }
        Ok(endings)
    }

    /// Whether a test failed, or did not come to its end.
    pub(super) fn has_failures(&self) -> bool {
        self.endings().map_or(true, |endings| endings.values().any(|ending| *ending == Ending::Failed))
    }

    /// What the tests that failed printed; all of a run that was cut off.
    pub(super) fn failures(&self) -> &str {
        let Results::Output { text, .. } = &self.results else { return "" };
        text.find(FAILURES).map_or(text, |at| &text[at..])
    }

    /// Whether there was no engine to run anything on.
    pub(super) fn is_not_to_be_had(&self) -> bool {
        matches!(self.results, Results::NotToBeHad(_))
    }

    /// In one line, for the terminal.
    pub(super) fn summary(&self) -> String {
        match (&self.results, self.endings()) {
            (Results::NotToBeHad(why), _) => format!("not to be had: {why}"),
            (Results::Output { .. }, Err(error)) => format!("{error:#}"),
            (Results::Output { seconds, .. }, Ok(endings)) => {
                let failed = endings.values().filter(|ending| **ending == Ending::Failed).count();
                format!("{} tests, {failed} failed, {seconds} s", endings.len())
            }
        }
    }
}

/// The commit of the sources, and whether files differ from it. Those that a run itself writes do not count.
pub(super) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown, for there is no git".to_owned() };
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs/conformance", ":!docs/conformance.md"]);
    match changed.as_deref() {
        Some("") => commit,
        _ => format!("{commit} and changes that are not committed"),
    }
}

/// The reasons that tests told for differences: a test's name and a reason each.
fn differences(text: &str) -> Vec<(&str, String)> {
    let mut test = "";
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(name) = heading(line) {
            test = name;
        } else if let Some(why) = line.strip_prefix(DIFFERS) {
            found.push((test, why.to_owned()));
        }
    }
    found
}

/// The test whose output begins with this line.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// The tests' output without places of this machine, and not longer than somebody will read.
pub(super) fn presentable(text: &str) -> String {
    let mut places = vec![(env::temp_dir(), "TMP"), (root().to_owned(), ".")];
    places.extend(target_dir().ok().map(|path| (path, "TARGET")));
    places.extend(env::home_dir().map(|path| (path, "HOME")));
    // The longer first, for one may lie in another.
    places.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_os_str().len()));
    let mut shown = String::new();
    let (mut within_a_test, mut lines) = (false, 0);
    for line in text.trim_start().lines() {
        match heading(line) {
            Some(_) => (within_a_test, lines) = (true, 0),
            None if line.starts_with("successes:")
                || line.starts_with("failures:")
                || line.starts_with("test result:") =>
            {
                within_a_test = false;
            }
            None => lines += 1,
        }
        if within_a_test && lines > LINES_OF_A_TEST {
            if lines == LINES_OF_A_TEST + 1 {
                shown.push_str("(and more)\n");
            }
            continue;
        }
        let line = places.iter().fold(line.to_owned(), |line, (path, name)| match path.to_str() {
            Some(path) if path.len() > 1 => line.replace(path.trim_end_matches('/'), name),
            _ => line,
        });
        shown.extend(without_registry(&line).chars().take(LINE));
        shown.push('\n');
    }
    shown
}

/// A line with a dependency's source file by its name in its package, not by the place where cargo keeps it.
fn without_registry(line: &str) -> String {
    let Some((before, rest)) = line.split_once("/registry/src/") else { return line.to_owned() };
    let begin = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let within = rest.split_once('/').map_or(rest, |(_, within)| within);
    format!("{}{within}", &before[..begin])
}

fn path(name: &str) -> PathBuf {
    root().join("docs/conformance").join(format!("{name}.txt"))
}

#[cfg(test)]
mod tests {
    use super::{Ending, LINES_OF_A_TEST, Record, Results, presentable};

    const OUTPUT: &str = "running 3 tests
test a::real::one ... ok
test a::real::two ... ok
test b::real::three ... FAILED

successes:

---- a::real::two stdout ----
differs: it has no such field
differs: it has no such field

failures:

---- b::real::three stdout ----
assertion failed

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1.00s
";

    fn record(text: &str) -> Record {
        let results = Results::Output { seconds: 7, text: text.to_owned() };
        let commit = "0a1b2c3 and changes that are not committed".to_owned();
        Record { engine: "Operaton 1 on H2".to_owned(), commit, date: "2026-11-21".to_owned(), results }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let not_to_be_had = Results::NotToBeHad("no such artifact: x".to_owned());
        for record in [record(OUTPUT), Record { results: not_to_be_had, ..record("") }] {
            assert_eq!(Record::parse(&record.text()).expect("read"), record);
        }
    }

    #[test]
    fn a_record_without_a_commit_is_read() {
        let older = record(OUTPUT).text().replace("commit: 0a1b2c3 and changes that are not committed\n", "");
        assert_eq!(Record::parse(&older).expect("read").commit, "unknown");
    }

    #[test]
    fn each_test_has_its_ending_and_its_reasons() {
        let endings: Vec<_> = record(OUTPUT).endings().expect("whole").into_values().collect();
        let differs = Ending::Differs(vec!["it has no such field".to_owned()]);
        assert_eq!(endings, [Ending::Passed, differs, Ending::Failed]);
        assert!(record(OUTPUT).has_failures());
    }

    #[test]
    fn what_failed_is_told_without_what_passed() {
        let record = record(OUTPUT);
        assert!(record.failures().starts_with("failures:\n\n---- b::real::three stdout ----\nassertion failed\n"));
    }

    #[test]
    fn a_run_that_was_cut_off_or_left_a_test_out_has_not_passed() {
        let (cut, _) = OUTPUT.split_once("test result").expect("there");
        assert!(record(cut).has_failures());
        assert!(record(&OUTPUT.replace("two ... ok", "two ... ignored")).has_failures());
    }

    #[test]
    fn output_is_bounded_and_names_no_place_of_this_machine() {
        let long = "a line\n".repeat(LINES_OF_A_TEST + 5);
        let shown = presentable(&format!("\n---- a stdout ----\n{}/x\n{long}", crate::cargo::root().display()));
        assert!(shown.starts_with("---- a stdout ----\n./x\n"), "{shown}");
        assert!(shown.ends_with("(and more)\n"), "{shown}");
        assert_eq!(shown.lines().count(), LINES_OF_A_TEST + 2);
        let panic = "thread 'a' panicked at /somewhere/registry/src/index-1/insta-1.0.0/src/lib.rs:7:13:";
        assert_eq!(presentable(panic), "thread 'a' panicked at insta-1.0.0/src/lib.rs:7:13:\n");
    }
}
