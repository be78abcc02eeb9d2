//! Which path is whose.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{get, post};

use super::house::House;
use super::openai::{chat, completions, embeddings, models};
use super::refusal::Refusal;
use super::{about, predict, search, tei};

/// Every path, as logs and numbers name it.
pub const PATHS: &[&str] = &[
    "/",
    "/page.css",
    "/page.js",
    "/health",
    "/metrics",
    "/openapi.json",
    "/tasks",
    "/predict",
    "/embed",
    "/rerank",
    "/search",
    "/similar",
    "/v1/models",
    "/v1/models/{model}",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/chat/completions",
];
/// The name of any path that is none.
const OTHER: &str = "other";
/// Paths that tell nothing and cost nothing, and need no key.
const OPEN: &[&str] = &["/", "/page.css", "/page.js", "/health"];

/// The name of a path: never the path itself, which anybody can make up.
pub fn name(path: &str) -> &'static str {
    if path.starts_with("/v1/models/") {
        return "/v1/models/{model}";
    }
    PATHS
        .iter()
        .copied()
        .find(|known| *known == path)
        .unwrap_or(OTHER)
}

pub fn is_open(route: &str) -> bool {
    OPEN.contains(&route)
}

/// All routes. Bodies have been limited before a request comes here.
pub fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/", get(about::page))
        .route("/page.css", get(about::style))
        .route("/page.js", get(about::script))
        .route("/health", get(about::health))
        .route("/metrics", get(about::metrics))
        .route("/openapi.json", get(about::openapi))
        .route("/tasks", get(about::tasks))
        .route("/predict", post(predict::predict))
        .route("/embed", post(tei::embeddings))
        .route("/rerank", post(tei::rerank))
        .route("/search", post(search::search))
        .route("/similar", post(search::similar))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*model}", get(models::one))
        .route("/v1/embeddings", post(embeddings::embeddings))
        .route("/v1/completions", post(completions::completions))
        .route("/v1/chat/completions", post(chat::chat))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::disable())
        .with_state(house)
}

async fn nowhere(uri: Uri) -> Refusal {
    let path = uri.path().chars().take(100).collect::<String>();
    Refusal::unknown("no_such_path", format_args!("nothing is at {path:?}"))
}

async fn not_so(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        format_args!("{} takes no {method}", name(uri.path())),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_interface_that_is_told_is_the_one_that_there_is() {
        let told: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let told: BTreeSet<&str> = told["paths"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let there: BTreeSet<&str> = PATHS.iter().copied().collect();
        let page = BTreeSet::from(["/page.css", "/page.js"]);
        assert_eq!(told, &there - &page);
    }

    #[test]
    fn made_up_paths_have_one_name() {
        assert_eq!(name("/embed"), "/embed");
        assert_eq!(name("/v1/models/a:b"), "/v1/models/{model}");
        assert_eq!(name("/embed/"), "other");
        assert_eq!(name("/\u{0}"), "other");
    }
}
