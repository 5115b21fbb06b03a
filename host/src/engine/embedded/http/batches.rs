//! `/batch` and `/job`, as far as there are batches here.

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Engine,
    answer::{Answer, Answered},
    parameters::Parameters,
};
use crate::engine::embedded::EmbeddedEngine;

pub(super) fn routes() -> Router<EmbeddedEngine> {
    Router::new()
        .route("/batch", get(list))
        .route("/batch/statistics", get(statistics))
        .route("/batch/statistics/count", get(count))
        .route("/batch/{batch}", get(one).delete(delete))
        .route("/job", get(jobs))
}

/// The id of the batch in the path. (Under the name of an engine there is another parameter before it.)
#[derive(Deserialize)]
struct Named {
    batch: String,
}

async fn list(State(engine): Engine, parameters: Parameters) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().batches.list(&parameters.filters())).collect()))
}

async fn statistics(State(engine): Engine, parameters: Parameters) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().batches.statistics(&parameters.filters())).collect()))
}

async fn count(State(engine): Engine, parameters: Parameters) -> Answer {
    let count = engine.state().batches.statistics(&parameters.filters()).len();
    Answer::Json(json!({"count": count}))
}

async fn one(State(engine): Engine, Path(at): Path<Named>) -> Answered {
    engine.state().batches.one(&at.batch).map(Answer::Json)
}

async fn delete(State(engine): Engine, Path(at): Path<Named>) -> Answered {
    engine.change(|state, _| state.batches.delete(&at.batch)).await.map(Answer::from)
}

async fn jobs(State(engine): Engine, parameters: Parameters) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().batches.jobs(&parameters.filters())).collect()))
}
