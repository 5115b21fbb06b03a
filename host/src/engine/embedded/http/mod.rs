//! The REST interface: paths, bodies and answers. What is asked is decided in the rules beside this room.

mod answer;
mod batches;
mod body;
mod conventions;
mod history;
mod instances;
pub(super) mod lenient;
mod parameters;
mod tasks;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::Method,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use self::answer::Answer;
use super::{EmbeddedEngine, refusal::Refusal};

/// Under this path the interface lives.
pub(super) const BASE_PATH: &str = "/engine-rest";

/// The name of the only engine, under which it answers as well.
const ENGINE_NAME: &str = "default";

/// The version of the engine whose answers these are.
const VERSION: &str = "1.0.3";

/// The largest body that is read, in bytes: what a host sends at most for one decision, in base64, and some room.
const MAX_BODY: usize = 512 << 20;

/// Paths of a real engine that need BPMN. That they are not there is better said than left to a 404.
const WITHOUT_BPMN: [&str; 8] = [
    "/deployment",
    "/task",
    "/signal",
    "/job",
    "/decision-definition",
    "/process-definition",
    "/case-definition",
    "/modification",
];

/// All paths of an engine.
pub(super) fn router(engine: EmbeddedEngine) -> Router {
    let paths = Router::new()
        .merge(tasks::routes())
        .merge(instances::routes())
        .merge(history::routes())
        .merge(batches::routes())
        .with_state(engine);
    let named = paths.clone().route_layer(middleware::from_fn(known_engine));
    // The same under any name, as in the engine.
    let version = Router::new().route("/version", get(async || Answer::Json(json!({"version": VERSION}))));
    let engines = get(async || Answer::Json(json!([{"name": ENGINE_NAME}])));
    let all = Router::new()
        .nest(BASE_PATH, paths.merge(version.clone()).route("/engine", engines))
        .nest(&format!("{BASE_PATH}/engine/{{engine}}"), named.merge(version))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY));
    // A router of its own, for the path must be changed before it is looked at, and only outside is it known which
    // methods there are.
    Router::new()
        .fallback_service(all)
        .layer(middleware::from_fn(conventions::path))
        .layer(middleware::from_fn(conventions::answer))
}

/// Refuses the name of an engine that there is not, but not to tell which methods there would be.
async fn known_engine(Path(parameters): Path<Vec<(String, String)>>, request: Request, next: Next) -> Response {
    let named = parameters.iter().find(|(name, _)| name == "engine");
    if named.is_some_and(|(_, engine)| engine != ENGINE_NAME) && request.method() != Method::OPTIONS {
        return Refusal::invalid("No process engine available").into_response();
    }
    next.run(request).await
}

async fn not_found(request: Request) -> Refusal {
    let path = request.uri().path().strip_prefix(BASE_PATH).unwrap_or_default();
    let begins = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if WITHOUT_BPMN.iter().any(|prefix| begins(prefix)) {
        let message = format!(
            "Fetchlock's embedded engine has no BPMN: {} {path} needs a real engine. Here \
             POST /process-definition/key/TOPIC/start makes one task of topic TOPIC.",
            request.method()
        );
        return Refusal::of_request(501, "NotImplementedException", message);
    }
    Refusal::unknown_path()
}

async fn not_allowed() -> Refusal {
    Refusal::of_request(405, "NotAllowedException", "HTTP 405 Method Not Allowed")
}

/// The engine that a handler works with.
type Engine = State<EmbeddedEngine>;
