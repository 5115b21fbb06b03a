//! `fetchlock new`: a project to begin with.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use serde::de::{
    IntoDeserializer,
    value::{Error, StrDeserializer},
};

use super::exit::refuse;
use crate::{
    project::{Language, NewProject, ProjectName, scaffold},
    settings::written,
    task::Topic,
};

/// Make a project: a handler that builds, its manifest, test cases, and the guest library of its language.
///
/// It is a folder of its name in the working directory. Nothing is ever overwritten.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Its name, also that of its folder and its plugin: a letter, then letters, digits, `-` and `_`
    name: ProjectName,
    /// The language to write the handler in
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Written,
    /// The topic of the tasks to work on [default: the name]
    #[arg(long, value_parser = topic)]
    topic: Option<Topic>,
}

/// The languages as the command line has them.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Rust,
    #[value(alias = "golang")]
    Go,
    #[value(alias = "javascript")]
    Js,
    #[value(alias = "typescript")]
    Ts,
    #[value(alias = "py")]
    Python,
}

impl Written {
    fn language(self) -> Language {
        match self {
            Self::Rust => Language::Rust,
            Self::Go => Language::Go,
            Self::Js => Language::JavaScript,
            Self::Ts => Language::TypeScript,
            Self::Python => Language::Python,
        }
    }
}

/// Reads a topic by the rules of manifests.
fn topic(text: &str) -> Result<Topic, String> {
    let text: StrDeserializer<'_, Error> = text.into_deserializer();
    written::name(text).map(Topic::new).map_err(|error| error.to_string())
}

impl New {
    pub(super) fn main(self) -> ExitCode {
        let topic = self.topic.unwrap_or_else(|| Topic::new(self.name.as_str()));
        let new = NewProject { name: self.name, language: self.language.language(), topic };
        let told = match scaffold(&new, Path::new("")) {
            Ok(_) => tell(&new),
            Err(error) => return refuse(&error),
        };
        match told {
            // The project is there, whether or not somebody reads about it.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => refuse(&error),
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Says what there is now, and what to do next.
fn tell(new: &NewProject) -> io::Result<()> {
    let NewProject { name, language, topic } = new;
    let name = name.as_str();
    let mut next = vec![(format!("cd {name}"), "")];
    next.extend(language.preparation().iter().map(|(command, what)| ((*command).to_owned(), *what)));
    next.push(("fetchlock test".into(), "makes the component, plugin/{name}.wasm, and runs its cases"));
    next.push(("fetchlock dev plugin".into(), "serves it on an engine of its own"));
    next.push(("fetchlock build --to DIR".into(), "puts it into the plugin directory of a host"));
    let mut text = format!("{name}/ is there: a handler in {language} for topic {topic}. Next:\n\n");
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    for (command, what) in next {
        let what = what.replace("{name}", name);
        let line = if what.is_empty() { command } else { format!("{command:width$}  # {what}") };
        text += &format!("    {line}\n");
    }
    io::stdout().lock().write_all(text.as_bytes())
}
