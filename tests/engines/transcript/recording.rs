//! Reads the recording: calls with their answers, and remarks about what was seen.

use serde_json::Value;

/// The recording, word for word.
const TEXT: &str = include_str!("../transcript.txt");

/// One thing that was recorded, under the heading that it stands under.
#[derive(Debug)]
pub(super) enum Entry {
    Call(Call),
    /// A line that is no call: what a loop or a measurement saw, or the answer to a call that is not shown.
    Remark(&'static str),
}

/// A call with its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) heading: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The body; cut in the recording where it was long.
    pub(super) sent: Option<&'static str>,
    pub(super) status: u16,
    /// The body of the answer; none if it is empty or was cut.
    pub(super) answer: Option<Value>,
}

/// Everything that was recorded, in its order.
pub(super) fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut heading = "";
    let mut lines = TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).peekable();
    while let Some(line) = lines.next() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            // A heading without anything of its own below it is all there is.
            "##" if lines.peek().is_none_or(|next| next.starts_with("##")) => entries.push(Entry::Remark(rest)),
            "##" => heading = rest,
            "GET" | "POST" | "PUT" => {
                let call = Call { heading, method: first, path: rest, sent: None, status: 0, answer: None };
                entries.push(Entry::Call(call));
            }
            ">" => last_call(&mut entries).sent = Some(rest),
            "<" => {
                let call = last_call(&mut entries);
                let (status, rest) = rest.split_once(' ').expect("a status");
                let (_, body) = rest.split_once(") ").expect("a time");
                call.status = status.parse().expect("a status");
                call.answer = serde_json::from_str(body).ok();
            }
            _ => entries.push(Entry::Remark(line)),
        }
    }
    entries
}

fn last_call(entries: &mut [Entry]) -> &mut Call {
    match entries.last_mut() {
        Some(Entry::Call(call)) => call,
        other => panic!("a call was expected, found {other:?}"),
    }
}
