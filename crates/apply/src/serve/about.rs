//! What the server says of itself: tasks, health, numbers, its interface, and the page for people.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use skillbelt_train::task::{Side, Task};

use super::house::House;
use super::model::Model;
use super::openai::models;

/// Nothing from anywhere else, nothing inside the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn task(model: &Model, task: &Task) -> Value {
    let record = model
        .reader()
        .card()
        .and_then(|card| card.tasks.get(task.place));
    let way = model.way(task, Side::Candidate);
    json!({
        "name": task.name,
        "type": task.settings.kind,
        "labels": task.objective.labels(),
        "max_tokens": way.map(|way| model.length(way)),
        // Tasks with the same number read a text once for all of them.
        "reads_alike": way,
        "metrics": record.map(|record| &record.metrics),
    })
}

/// `/tasks`: belts, and what each answers.
pub async fn tasks(State(house): State<Arc<House>>) -> Response {
    let belt = |model: &Arc<Model>| {
        let tasks: Vec<Value> = model.tasks().iter().map(|one| task(model, one)).collect();
        let sizes = model.reader().base().network.sizes();
        json!({
            "name": model.name,
            "kind": model.reader().card().map(|card| &card.kind),
            "base": {
                "name": model.base,
                "family": model.reader().base().network.family(),
                "width": sizes.width,
                "layers": sizes.layers,
                "positions": sizes.positions,
            },
            "writes": model.writer(None).is_some(),
            "converses": model.chat().is_some() && model.writer(None).is_some(),
            "tasks": tasks,
        })
    };
    let belts: Vec<Value> = house.models.iter().map(belt).collect();
    Json(json!({
        "belts": belts,
        "index": house.index.is_some(),
        "limits": {
            "texts": house.limits.texts,
            "body_bytes": house.limits.body_bytes,
            "new_tokens": house.limits.new_tokens,
        },
    }))
    .into_response()
}

/// `/health`: whether it takes requests.
pub async fn health(State(house): State<Arc<House>>) -> Response {
    let (status, word) = match house.desk.is_closed() {
        false => (StatusCode::OK, "ok"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
    };
    let (texts, tokens, writings) = house.desk.load();
    let body = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "waiting": {"texts": texts, "tokens": tokens, "writings": writings},
    });
    (status, Json(body)).into_response()
}

/// `/metrics`: everything that is counted.
pub async fn metrics(State(house): State<Arc<House>>) -> Response {
    let (texts, tokens, writings) = house.desk.load();
    let connections = house
        .numbers
        .connections
        .load(std::sync::atomic::Ordering::Relaxed);
    let page = house.numbers.page(&[
        ("queue_texts", "Texts that wait to be read", texts as f64),
        ("queue_tokens", "Their tokens", tokens as f64),
        (
            "writings",
            "Texts that are written or wait for it",
            writings as f64,
        ),
        ("connections", "Open connections", connections as f64),
        ("belts", "Belts that are worn", house.models.len() as f64),
        (
            "start_time_seconds",
            "When the server began",
            house.since as f64,
        ),
    ]);
    with_kind("text/plain; version=0.0.4; charset=utf-8", page)
}

/// `/openapi.json`: the interface, for programs.
pub async fn openapi(State(house): State<Arc<House>>) -> Response {
    let tasks = house.models.iter().flat_map(|model| model.tasks());
    let mut tasks: BTreeSet<&str> = tasks.map(|task| task.name.as_str()).collect();
    if tasks.is_empty() {
        // A list of nothing is no schema.
        tasks.insert("none");
    }
    let mut names: Vec<Value> = models::names(&house).into_iter().map(Value::from).collect();
    names.push(Value::Null);
    let document = include_str!("openapi.json");
    let document = document
        .replace("\"@MODELS@\"", &Value::from(names).to_string())
        .replace("\"@TASKS@\"", &json!(tasks).to_string())
        .replace(
            "\"@VERSION@\"",
            &format!("\"{}\"", env!("CARGO_PKG_VERSION")),
        )
        .replace("\"@TEXTS@\"", &house.limits.texts.to_string())
        .replace("\"@WRITINGS@\"", &house.limits.writings.to_string())
        .replace("\"@TOKENS@\"", &house.limits.new_tokens.to_string());
    with_kind("application/json", document)
}

fn with_kind(kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn of_page(kind: &'static str, text: &'static str) -> Response {
    let mut response = with_kind(kind, text);
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let referrer = HeaderValue::from_static("no-referrer");
    headers.insert(header::REFERRER_POLICY, referrer);
    response
}

/// `/`: the page.
pub async fn page() -> Response {
    of_page("text/html; charset=utf-8", include_str!("page/page.html"))
}

pub async fn style() -> Response {
    of_page("text/css; charset=utf-8", include_str!("page/page.css"))
}

pub async fn script() -> Response {
    of_page(
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    )
}
