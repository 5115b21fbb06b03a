//! The report as JUnit XML, in the form that continuous integration servers agree on.

use std::{io, time::Duration};

use quick_xml::{Writer, events::BytesText};

use super::{Report, Told};
use crate::foreign::{escape, escape_lines};

pub(super) fn write(report: &Report) -> io::Result<String> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let failures = (report.cases.len() - report.passed()).to_string();
    // A problem counts as a test, for there are readers that look at nothing else.
    let (tests, errors) = ((report.cases.len() + report.problems.len()).to_string(), report.problems.len().to_string());
    let time = seconds(report.cases.iter().map(|case| case.took).sum());
    xml.create_element("testsuites")
        .with_attributes([("tests", &*tests), ("failures", &*failures), ("errors", &*errors), ("time", &*time)])
        .write_inner_content(|xml| {
            let mut plugins: Vec<&str> = report.cases.iter().map(|case| case.plugin.as_str()).collect();
            plugins.dedup();
            plugins.iter().try_for_each(|plugin| {
                suite(xml, plugin, report.cases.iter().filter(|case| case.plugin == **plugin))
            })?;
            if !report.problems.is_empty() {
                problems(xml, &report.problems)?;
            }
            Ok(())
        })?;
    let text = String::from_utf8(xml.into_inner()).map_err(io::Error::other)?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n"))
}

fn suite<'a>(xml: &mut Writer<Vec<u8>>, plugin: &str, cases: impl Iterator<Item = &'a Told>) -> io::Result<()> {
    let cases: Vec<&Told> = cases.collect();
    let failures = cases.iter().filter(|case| !case.passed()).count().to_string();
    let (tests, time) = (cases.len().to_string(), seconds(cases.iter().map(|case| case.took).sum()));
    xml.create_element("testsuite")
        .with_attributes([
            ("name", plugin),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", "0"),
            ("time", &time),
        ])
        .write_inner_content(|xml| cases.iter().try_for_each(|case| one(xml, case)))
        .map(drop)
}

fn one(xml: &mut Writer<Vec<u8>>, case: &Told) -> io::Result<()> {
    let (time, file) = (seconds(case.took), case.file.to_string_lossy());
    let element = xml.create_element("testcase").with_attributes([
        ("name", case.name.as_str()),
        ("classname", &case.plugin),
        ("file", &file),
        ("time", &time),
    ]);
    if case.passed() {
        return element.write_empty().map(drop);
    }
    let problems = case.problems();
    let message = problems.join("; ");
    let text = escape_lines(&format!("{}\n\n{}", problems.join("\n"), case.diff()));
    element
        .write_inner_content(|xml| {
            xml.create_element("failure")
                .with_attribute(("message", &*escape(&message)))
                .write_text_content(BytesText::new(text.trim_end()))
                .map(drop)
        })
        .map(drop)
}

/// What is wrong beside the cases.
fn problems(xml: &mut Writer<Vec<u8>>, problems: &[String]) -> io::Result<()> {
    let count = problems.len().to_string();
    xml.create_element("testsuite")
        .with_attributes([
            ("name", "plugins"),
            ("tests", &*count),
            ("failures", "0"),
            ("errors", &*count),
            ("time", "0"),
        ])
        .write_inner_content(|xml| problems.iter().try_for_each(|problem| error(xml, problem)))
        .map(drop)
}

fn error(xml: &mut Writer<Vec<u8>>, problem: &str) -> io::Result<()> {
    // Problems begin with the file or the tool that has them; the words of a tool are lines of their own.
    let (headline, _) = problem.split_once('\n').unwrap_or((problem, ""));
    let tool = headline.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(tool, _)| tool);
    let name = tool.or(headline.split_once(": ").map(|(name, _)| name)).unwrap_or("plugins");
    xml.create_element("testcase")
        .with_attributes([("name", &*escape(name)), ("classname", "plugins"), ("time", "0")])
        .write_inner_content(|xml| {
            let error = xml.create_element("error").with_attribute(("message", &*escape(headline)));
            match headline.len() == problem.len() {
                true => error.write_empty().map(drop),
                false => error.write_text_content(BytesText::new(&escape_lines(problem))).map(drop),
            }
        })
        .map(drop)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}
