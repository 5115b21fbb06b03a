//! The page about what goes wrong with the engine, from the cases of the client and the table of their treatment.

use crate::engine::{
    AfterExtension, AfterFetch, Disposition, EngineError, Standing,
    rest::cases::{CASES, Case, Example},
};

/// The page, in Markdown.
pub(super) fn page() -> String {
    let mut page = include_str!("errors.md").to_owned();
    page.push_str("\n| answer | what it means | an outcome | a fetch | an extension | the engine is |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for case in CASES {
        let error = case.error();
        let treatment = error.treatment();
        let cells = [
            answer(case),
            format!("{}: {}", error.name(), case.meaning),
            outcome(treatment.outcome).to_owned(),
            fetch(&error).to_owned(),
            extension(treatment.extension).to_owned(),
            standing(treatment.engine).to_owned(),
        ];
        page.push_str(&format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")));
    }
    page
}

/// What is answered, as short as it can be told from the others.
fn answer(case: &Case) -> String {
    match case.example {
        Example::Engine { status, kind, message, code } => {
            let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
            format!("**{status}** `{kind}`{code}: {message}")
        }
        Example::Other { status, header, content_type, .. } => {
            let body = if content_type.is_empty() { "without a body".to_owned() } else { format!("`{content_type}`") };
            let header = header.map(|(name, value)| format!(", `{name}: {value}`")).unwrap_or_default();
            format!("**{status}** {body}{header}")
        }
        Example::Refused
        | Example::Cut { .. }
        | Example::Silence
        | Example::Endless
        | Example::Unsendable
        | Example::NoCredentials => case.about.to_owned(),
    }
}

fn outcome(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Gone => "dropped, gone",
        Disposition::Superseded => "dropped, superseded",
        Disposition::Reject => "rejected",
        Disposition::Retry => "sent again",
    }
}

fn fetch(error: &EngineError) -> &'static str {
    match (error.treatment().fetch, error.may_have_been_done()) {
        (AfterFetch::Again, false) => "again",
        (AfterFetch::Again, true) => "again, new id",
        (AfterFetch::Fewer, false) => "fewer",
        (AfterFetch::Fewer, true) => "fewer, new id",
        (AfterFetch::Alone, false) => "alone",
        (AfterFetch::Alone, true) => "alone, new id",
    }
}

fn extension(after: AfterExtension) -> &'static str {
    match after {
        AfterExtension::Lost => "lost",
        AfterExtension::WhoHolds => "who holds it?",
        AfterExtension::LockAgain => "locked again",
        AfterExtension::Later => "later",
        AfterExtension::Again => "again",
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::There => "there",
        Standing::Overloaded => "overloaded",
        Standing::Away => "away",
        Standing::NotAsked => "not asked",
    }
}
