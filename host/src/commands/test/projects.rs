//! Projects whose cases are run: they are built first, and watched by their sources.

use std::{
    error::Error,
    future::poll_fn,
    io::{self, Write},
    sync::Arc,
    task::Poll,
};

use tokio::runtime::Runtime;

use crate::{
    commands::{build::BuildCommandError, progress::sign},
    project::{self, OnStep, Project, Watcher},
};

/// Builds them, one after the other. What a toolchain warns of is told; what was made is not, for the cases tell more.
///
/// # Errors
/// The first that cannot be built.
pub(super) async fn build(projects: &[Project]) -> Result<(), BuildCommandError> {
    let on_step: OnStep = Arc::new(|step| Box::new(sign(step.to_owned())));
    for project in projects {
        let built = project::build(project, &on_step).await?;
        io::stderr().write_all(&built.said)?;
    }
    Ok(())
}

/// Runs it once, and again after each change in one of the projects. It ends with the process.
pub(super) fn watch(
    runtime: &Runtime,
    projects: &[Project],
    run: impl Fn() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut watchers = projects.iter().map(Watcher::new).collect::<Result<Vec<_>, _>>()?;
    loop {
        run()?;
        eprintln!("waiting for changes; Ctrl-C ends");
        runtime.block_on(any_changed(&mut watchers))?;
    }
}

/// Waits for a change in any of them.
async fn any_changed(watchers: &mut [Watcher]) -> Result<(), project::WatchError> {
    let mut waiting: Vec<_> = watchers.iter_mut().map(|watcher| Box::pin(watcher.changed())).collect();
    poll_fn(|context| {
        let ready = waiting.iter_mut().find_map(|change| match change.as_mut().poll(context) {
            Poll::Ready(changed) => Some(changed),
            Poll::Pending => None,
        });
        ready.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
