//! `/process-definition`, `/process-instance`, `/execution`, `/message` and `/incident`

use axum::{
    Router,
    extract::{FromRequest, Multipart, Path, Request, State},
    http::{HeaderMap, header},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    BASE_PATH, Engine,
    answer::{Answer, Answered},
    body::{Body, content_type},
    lenient,
    parameters::Parameters,
};
use crate::engine::embedded::{
    EmbeddedEngine,
    filters::Filters,
    instances::{Start, definition},
    messages::Correlation,
    refusal::Refusal,
    scopes::{Changes, Scope},
    variable::{Given as GivenVariable, Variable},
};

pub(super) fn routes() -> Router<EmbeddedEngine> {
    Router::new()
        .route("/process-definition/key/{key}", get(definition_of))
        .route("/process-definition/key/{key}/start", post(start))
        .route("/process-definition/key/{key}/tenant-id/{tenant}", get(definition_of))
        .route("/process-definition/key/{key}/tenant-id/{tenant}/start", post(start))
        .route("/process-instance", get(list).post(list_by_body))
        .route("/process-instance/count", get(count).post(count_by_body))
        .route("/process-instance/{id}", get(one).delete(delete))
        .route("/process-instance/{id}/suspended", put(suspend))
        .merge(variables("/process-instance/{id}/variables", Scope::Instance))
        .merge(variables("/execution/{id}/localVariables", Scope::Execution))
        .route("/message", post(message))
        .route("/incident", get(incidents))
        .route("/incident/count", get(incident_count))
}

/// The parts of the paths here; which are there depends on the path.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    name: String,
}

type At = Path<Named>;

/// Filters in a body.
type Given = Body<Map<String, Value>>;

async fn definition_of(Path(at): At) -> Answer {
    Answer::Json(definition(&at.key, at.tenant.as_deref()))
}

async fn start(State(engine): Engine, Path(at): At, headers: HeaderMap, Body(body): Body<Start>) -> Answered {
    let mut shown = engine.change(|state, now| state.start(&at.key, at.tenant.as_deref(), body, now)).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let href = format!("http://{host}{BASE_PATH}/process-instance/{}", shown["id"].as_str().unwrap_or_default());
    shown["links"] = json!([{"method": "GET", "href": href, "rel": "self"}]);
    Ok(Answer::Json(shown))
}

async fn list(State(engine): Engine, parameters: Parameters) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().process_instances(&parameters.filters())?).collect()))
}

async fn list_by_body(State(engine): Engine, parameters: Parameters, Body(body): Given) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().process_instances(&Filters::of_body(body))?).collect()))
}

async fn count(State(engine): Engine, parameters: Parameters) -> Answered {
    let count = engine.state().process_instances(&parameters.filters())?.len();
    Ok(Answer::Json(json!({"count": count})))
}

async fn count_by_body(State(engine): Engine, Body(body): Given) -> Answered {
    let count = engine.state().process_instances(&Filters::of_body(body))?.len();
    Ok(Answer::Json(json!({"count": count})))
}

async fn one(State(engine): Engine, Path(at): At) -> Answered {
    engine.state().process_instance(&at.id).map(Answer::Json)
}

async fn delete(State(engine): Engine, Path(at): At, parameters: Parameters) -> Answered {
    let must_exist = parameters.get("failIfNotExists") != Some("false");
    engine.change(|state, now| state.delete_instance(&at.id, must_exist, now)).await.map(Answer::from)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suspended {
    #[serde(deserialize_with = "lenient::boolean")]
    suspended: Option<bool>,
}

async fn suspend(State(engine): Engine, Path(at): At, Body(body): Body<Suspended>) -> Answered {
    let suspended = body.suspended.unwrap_or_default();
    engine
        .change(|state, _| {
            state.suspend(&at.id, suspended);
            Ok(Answer::Done)
        })
        .await
}

async fn message(Body(body): Body<Correlation>) -> Answered {
    body.correlate().map(|receivers| receivers.map_or(Answer::Done, Answer::Json))
}

async fn incidents(State(engine): Engine, parameters: Parameters) -> Answered {
    let page = parameters.page()?;
    Ok(Answer::Json(page.of(engine.state().incidents(&parameters.filters())).collect()))
}

async fn incident_count(State(engine): Engine, parameters: Parameters) -> Answer {
    let count = engine.state().incidents(&parameters.filters()).len();
    Answer::Json(json!({"count": count}))
}

/// The variables of a scope under a path.
fn variables(path: &str, scope: Scope) -> Router<EmbeddedEngine> {
    let all = async move |State(engine): Engine, Path(at): At| -> Answered {
        engine.state().variables(scope, &at.id).map(Answer::Json)
    };
    let change = async move |State(engine): Engine, Path(at): At, Body(changes): Body<Changes>| -> Answered {
        engine.change(|state, _| state.change_variables(scope, &at.id, changes)).await.map(Answer::from)
    };
    let one = async move |State(engine): Engine, Path(at): At| -> Answered {
        engine.state().variable(scope, &at.id, &at.name).map(|variable| Answer::Json(variable.shown()))
    };
    let put = async move |State(engine): Engine, Path(at): At, Body(given): Body<GivenVariable>| -> Answered {
        engine.change(|state, _| state.put_variable(scope, &at.id, &at.name, given)).await.map(Answer::from)
    };
    let delete = async move |State(engine): Engine, Path(at): At| -> Answered {
        engine.change(|state, _| state.delete_variable(scope, &at.id, &at.name)).await.map(Answer::from)
    };
    let content = async move |State(engine): Engine, Path(at): At| -> Answered {
        Answer::content(&at.id, engine.state().variable(scope, &at.id, &at.name)?)
    };
    let upload = async move |State(engine): Engine, Path(at): At, Uploaded(uploaded): Uploaded| -> Answered {
        engine.change(|state, _| state.keep_variable(scope, &at.id, &at.name, uploaded)).await.map(Answer::from)
    };
    Router::new()
        .route(path, get(all).post(change))
        .route(&format!("{path}/{{name}}"), get(one).put(put).delete(delete))
        .route(&format!("{path}/{{name}}/data"), get(content).post(upload))
}

/// What was uploaded in the part `data` of a form, as the type that its part `valueType` names.
struct Uploaded(Variable);

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if content_type(request.headers()).as_deref() != Some("multipart/form-data") {
            return Err(Refusal::unsupported_media_type());
        }
        let unreadable = |_| Refusal::unreadable();
        let mut form = Multipart::from_request(request, state).await.map_err(|_| Refusal::unreadable())?;
        let (mut data, mut is_file) = (None, true);
        while let Some(part) = form.next_field().await.map_err(unreadable)? {
            match part.name() {
                Some("data") => {
                    let filename = part.file_name().unwrap_or_default().to_owned();
                    let mime_type = part.content_type().unwrap_or("application/octet-stream").to_owned();
                    data = Some((filename, mime_type, part.bytes().await.map_err(unreadable)?));
                }
                Some("valueType") => is_file = part.text().await.map_err(unreadable)?.eq_ignore_ascii_case("file"),
                _ => {}
            }
        }
        let (filename, mime_type, bytes) = data.ok_or_else(|| Refusal::null_pointer("dataPart"))?;
        Ok(Self(if is_file { Variable::file_of(&bytes, &filename, &mime_type) } else { Variable::bytes_of(&bytes) }))
    }
}
