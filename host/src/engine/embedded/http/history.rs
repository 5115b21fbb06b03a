//! `/history`

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Engine,
    answer::{Answer, Answered},
    body::Body,
    parameters::Parameters,
};
use crate::engine::embedded::{EmbeddedEngine, filters::Filters, state};

/// One kind of history: everything that filters ask for.
type List = fn(&state::State, &Filters) -> Vec<Value>;

pub(super) fn routes() -> Router<EmbeddedEngine> {
    Router::new()
        .merge(lists("/history/process-instance", state::State::historic_instances))
        .merge(lists("/history/variable-instance", state::State::historic_variables))
        .merge(lists("/history/activity-instance", state::State::historic_activities))
        .merge(lists("/history/external-task-log", state::State::task_log))
        .merge(lists("/history/incident", state::State::historic_incidents))
        .route("/history/process-instance/{id}", get(instance))
        .route("/history/external-task-log/{id}/error-details", get(logged_details))
        .route("/history/variable-instance/{id}/data", get(content))
}

/// A list and its count, each by parameters and by a body.
fn lists(path: &str, list: List) -> Router<EmbeddedEngine> {
    let by_parameters = async move |State(engine): Engine, parameters: Parameters| -> Answered {
        let page = parameters.page()?;
        Ok(Answer::Json(page.of(list(&engine.state(), &parameters.filters())).collect()))
    };
    type Given = Body<Map<String, Value>>;
    let by_body = async move |State(engine): Engine, parameters: Parameters, Body(body): Given| -> Answered {
        let page = parameters.page()?;
        Ok(Answer::Json(page.of(list(&engine.state(), &Filters::of_body(body))).collect()))
    };
    let count = async move |State(engine): Engine, parameters: Parameters| -> Answer {
        Answer::Json(json!({"count": list(&engine.state(), &parameters.filters()).len()}))
    };
    let count_by_body = async move |State(engine): Engine, Body(body): Given| -> Answer {
        Answer::Json(json!({"count": list(&engine.state(), &Filters::of_body(body)).len()}))
    };
    Router::new()
        .route(path, get(by_parameters).post(by_body))
        .route(&format!("{path}/count"), get(count).post(count_by_body))
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

async fn instance(State(engine): Engine, Path(at): Path<Named>) -> Answered {
    engine.state().historic_instance(&at.id).map(Answer::Json)
}

async fn logged_details(State(engine): Engine, Path(at): Path<Named>) -> Answered {
    let state = engine.state();
    Ok(state.logged_details(&at.id)?.map_or(Answer::Done, |details| Answer::Text(details.to_owned())))
}

async fn content(State(engine): Engine, Path(at): Path<Named>) -> Answered {
    Answer::content(&at.id, engine.state().historic_variable(&at.id)?)
}
