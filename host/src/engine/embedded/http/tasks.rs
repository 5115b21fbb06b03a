//! `/external-task`

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Engine,
    answer::{Answer, Answered},
    body::Body,
    lenient,
    parameters::Parameters,
};
use crate::engine::embedded::{
    EmbeddedEngine,
    batch::SetRetries,
    fetch::Fetch,
    outcomes::{BpmnError, Complete, ExtendLock, Failure, LockTask},
    query::{TaskQuery, TopicQuery},
    refusal::Refusal,
};

/// The largest body that carries no variables, in bytes: a fetch of thousands of topics.
const MAX_BODY_WITHOUT_VALUES: usize = 1 << 20;

pub(super) fn routes() -> Router<EmbeddedEngine> {
    let without_values = Router::new()
        .route("/external-task", get(list).post(list_by_body))
        .route("/external-task/count", get(count).post(count_by_body))
        .route("/external-task/topic-names", get(topics))
        .route("/external-task/fetchAndLock", post(fetch_and_lock))
        .route("/external-task/retries", put(set_retries_of))
        .route("/external-task/retries-async", post(set_retries_later))
        .layer(DefaultBodyLimit::max(MAX_BODY_WITHOUT_VALUES));
    Router::new()
        .merge(without_values)
        .route("/external-task/{task}", get(one))
        .route("/external-task/{task}/errorDetails", get(error_details))
        .route("/external-task/{task}/complete", post(complete))
        .route("/external-task/{task}/failure", post(failure))
        .route("/external-task/{task}/bpmnError", post(bpmn_error))
        .route("/external-task/{task}/extendLock", post(extend_lock))
        .route("/external-task/{task}/lock", post(lock))
        .route("/external-task/{task}/unlock", post(unlock))
        .route("/external-task/{task}/retries", put(set_retries))
        .route("/external-task/{task}/priority", put(set_priority))
}

/// The id of the task in the path. (Under the name of an engine there is another parameter before it.)
#[derive(Deserialize)]
struct Named {
    task: String,
}

type Id = Path<Named>;

async fn fetch_and_lock(State(engine): Engine, Body(fetch): Body<Fetch>) -> Answered {
    engine.fetch_and_lock(fetch).await.map(|tasks| Answer::Json(Value::Array(tasks)))
}

async fn complete(State(engine): Engine, Path(id): Id, Body(body): Body<Complete>) -> Answered {
    engine.change(|state, now| state.complete(&id.task, body, now)).await.map(Answer::from)
}

async fn failure(State(engine): Engine, Path(id): Id, Body(body): Body<Failure>) -> Answered {
    engine.change(|state, now| state.failure(&id.task, body, now)).await.map(Answer::from)
}

async fn bpmn_error(State(engine): Engine, Path(id): Id, Body(body): Body<BpmnError>) -> Answered {
    engine.change(|state, now| state.bpmn_error(&id.task, body, now)).await.map(Answer::from)
}

async fn extend_lock(State(engine): Engine, Path(id): Id, Body(body): Body<ExtendLock>) -> Answered {
    engine.change(|state, now| state.extend_lock(&id.task, body, now)).await.map(Answer::from)
}

async fn lock(State(engine): Engine, Path(id): Id, Body(body): Body<LockTask>) -> Answered {
    engine.change(|state, now| state.lock(&id.task, body, now)).await.map(Answer::from)
}

/// Whatever the body says: it is not read.
async fn unlock(State(engine): Engine, Path(id): Id) -> Answered {
    engine.change(|state, _| state.unlock(&id.task)).await.map(Answer::from)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Retries {
    #[serde(deserialize_with = "lenient::int")]
    retries: Option<i32>,
}

async fn set_retries(State(engine): Engine, Path(id): Id, Body(body): Body<Retries>) -> Answered {
    let retries = body.retries.ok_or_else(|| Refusal::invalid("The number of retries cannot be null."))?;
    if retries < 0 {
        let message = "The number of retries cannot be negative: retries is not greater than or equal to 0";
        return Err(Refusal { kind: "BadUserRequestException", ..Refusal::bad_request(message) });
    }
    engine.change(|state, now| state.set_retries(&id.task, retries, now)).await.map(Answer::from)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Priority {
    #[serde(deserialize_with = "lenient::long")]
    priority: Option<i64>,
}

async fn set_priority(State(engine): Engine, Path(id): Id, Body(body): Body<Priority>) -> Answered {
    let priority = body.priority.ok_or_else(|| Refusal::null_pointer("priority"))?;
    engine.change(|state, _| state.set_priority(&id.task, priority)).await.map(Answer::from)
}

async fn set_retries_of(State(engine): Engine, Body(body): Body<SetRetries>) -> Answered {
    engine.change(|state, now| state.set_retries_of(body, now)).await.map(Answer::from)
}

async fn set_retries_later(State(engine): Engine, Body(body): Body<SetRetries>) -> Answered {
    engine.change(|state, now| state.set_retries_later(body, now)).await.map(Answer::from)
}

async fn one(State(engine): Engine, Path(id): Id) -> Answered {
    let state = engine.state();
    // The code is missing here and nowhere else.
    let missing = || Refusal { code: None, ..Refusal::no_task(&id.task) };
    let instance = state.of_task(&id.task).ok_or_else(missing)?;
    Ok(Answer::Json(Value::Object(instance.listed_task())))
}

async fn error_details(State(engine): Engine, Path(id): Id) -> Answered {
    let state = engine.state();
    let missing = || {
        let message = format!("No external task found with id {}: externalTask is null", id.task);
        Refusal::internal("NullValueException", message)
    };
    let instance = state.of_task(&id.task).ok_or_else(missing)?;
    Ok(instance.task.error_details.clone().map_or(Answer::Done, Answer::Text))
}

async fn list(State(engine): Engine, parameters: Parameters) -> Answered {
    found(&engine, &parameters, &parameters.task_query()?)
}

async fn list_by_body(State(engine): Engine, parameters: Parameters, Body(query): Body<TaskQuery>) -> Answered {
    found(&engine, &parameters, &query)
}

fn found(engine: &EmbeddedEngine, parameters: &Parameters, query: &TaskQuery) -> Answered {
    let page = parameters.page()?;
    let state = engine.state();
    let tasks = state.tasks(query, engine.now())?;
    Ok(Answer::Json(page.of(tasks).map(|instance| Value::Object(instance.listed_task())).collect()))
}

async fn count(State(engine): Engine, parameters: Parameters) -> Answered {
    counted(&engine, &parameters.task_query()?)
}

async fn count_by_body(State(engine): Engine, Body(query): Body<TaskQuery>) -> Answered {
    counted(&engine, &query)
}

fn counted(engine: &EmbeddedEngine, query: &TaskQuery) -> Answered {
    let count = engine.state().tasks(query, engine.now())?.len();
    Ok(Answer::Json(json!({"count": count})))
}

async fn topics(State(engine): Engine, parameters: Parameters) -> Answered {
    let query = TopicQuery {
        with_locked_tasks: parameters.flag("withLockedTasks"),
        with_unlocked_tasks: parameters.flag("withUnlockedTasks"),
        with_retries_left: parameters.flag("withRetriesLeft"),
    };
    Ok(Answer::Json(json!(engine.state().topics(&query, engine.now()))))
}
