//! `/v1/models`: every belt, and every task of it as `belt:task`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::house::House;
use crate::serve::refusal::Refusal;

fn card(id: &str, house: &House) -> Value {
    json!({"id": id, "object": "model", "created": house.since, "owned_by": "skillbelt"})
}

/// All names that a request may give.
pub fn names(house: &House) -> Vec<String> {
    let mut names = Vec::new();
    for model in &house.models {
        names.push(model.name.clone());
        let tasks = model.tasks().iter();
        names.extend(tasks.map(|task| format!("{}:{}", model.name, task.name)));
    }
    names
}

/// `/v1/models`: all of them.
pub async fn list(State(house): State<Arc<House>>) -> Response {
    let names = names(&house);
    let data: Vec<Value> = names.iter().map(|name| card(name, &house)).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// One of them.
pub async fn one(
    State(house): State<Arc<House>>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    house.model(Some(&name))?;
    Ok(Json(card(&name, &house)).into_response())
}
