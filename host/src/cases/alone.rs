//! One invocation without an engine, as it comes: the task is given, time and random numbers are real.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{
    asked::{Answer, Asked},
    case::Case,
    observed::Observed,
    run::{NotRun, Subject},
    same::Contents,
    world::World,
};
use crate::{
    plugins::Plugin,
    sandbox::{CorrelateError, Fault, HttpError, HttpPort, LoadError, Sandbox, StartError, Surroundings},
    task::Task,
};

/// What a handler is told that wants to begin something at the engine.
const NO_ENGINE: &str = "there is no engine in `fetchlock call`";

/// Runs a handler with the task of a case. Requests go out through `http`.
///
/// # Errors
/// See [`NotRun`].
pub async fn run_alone(
    sandbox: &Sandbox,
    plugin: &Plugin,
    case: Case,
    http: Arc<dyn HttpPort>,
) -> Result<Observed, NotRun> {
    let mut config = (*plugin.settings.config).clone();
    config.extend(case.config);
    let subject = Subject {
        task: Task { topic: plugin.route.topic.clone(), ..case.task },
        variables: case.variables,
        config,
        grants: plugin.settings.grants.all_allowed(),
        surroundings: Surroundings::real(),
    };
    let world = Arc::new(Alone { contents: case.contents.clone(), http });
    let observed = subject.run(sandbox, plugin, world, CancellationToken::new()).await?;
    Ok(Observed { contents: case.contents, ..observed })
}

/// The world without an engine.
struct Alone {
    contents: Contents,
    http: Arc<dyn HttpPort>,
}

#[async_trait]
impl World for Alone {
    async fn answer(&self, asked: &Asked, _: usize) -> Answer {
        match asked {
            Asked::Http(request) => Answer::Http(self.http.exchange(request.clone()).await),
            Asked::StartProcess(..) => Answer::Started(Err(StartError::Fault(Fault::Unavailable(NO_ENGINE.into())))),
            Asked::CorrelateMessage(_) => {
                Answer::Received(Err(CorrelateError::Fault(Fault::Unavailable(NO_ENGINE.into()))))
            }
            Asked::ExtendLock(_) => Answer::Extended(Ok(())),
            Asked::SetProgress(..) => Answer::Set(Ok(())),
            Asked::Load(name) => Answer::Loaded(match self.contents.get(name) {
                Some(bytes) => Ok(bytes.clone()),
                None => Err(LoadError::Unavailable("its content was not given".into())),
            }),
        }
    }
}

/// No way out.
pub struct NoHttp;

#[async_trait]
impl HttpPort for NoHttp {
    async fn exchange(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        Err(HttpError::Denied("`fetchlock call` sends no requests unless --allow-http is given".into()))
    }
}
