//! `/search` and `/similar`: functions of an index, where the server was given one.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::house::House;
use super::lookup::{Coded, Lookup};
use super::openai::asked::body;
use super::refusal::Refusal;
use crate::index::Error;

/// The most that is given at once, and what is given unless someone says otherwise.
const MOST: usize = 100;
const USUAL: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    query: String,
    k: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Similar {
    code: String,
    k: Option<usize>,
}

/// Functions that words describe.
pub async fn search(State(house): State<Arc<House>>, bytes: Bytes) -> Result<Response, Refusal> {
    let index = expect_index(&house)?;
    let Search { query, k } = body(&bytes)?;
    let most = count(k)?;
    expect_text("query", &query)?;
    found(&house, move || index.search(&query, most)).await
}

/// Functions like a function.
pub async fn similar(State(house): State<Arc<House>>, bytes: Bytes) -> Result<Response, Refusal> {
    let index = expect_index(&house)?;
    let Similar { code, k } = body(&bytes)?;
    let most = count(k)?;
    expect_text("code", &code)?;
    found(&house, move || index.similar(&code, most)).await
}

fn expect_index(house: &House) -> Result<Arc<Lookup>, Refusal> {
    house
        .index
        .clone()
        .ok_or_else(|| Refusal::unknown("no_index", "this server was started without an index"))
}

fn expect_text(param: &str, text: &str) -> Result<(), Refusal> {
    match text.trim().is_empty() {
        false => Ok(()),
        true => Err(Refusal::field(param, format_args!("`{param}` is empty"))),
    }
}

fn count(k: Option<usize>) -> Result<usize, Refusal> {
    let k = k.unwrap_or(USUAL);
    match (1..=MOST).contains(&k) {
        true => Ok(k),
        false => Err(Refusal::field("k", format_args!("`k` is from 1 to {MOST}"))),
    }
}

async fn found(
    house: &House,
    ask: impl FnOnce() -> Result<Vec<Coded>, Error> + Send + 'static,
) -> Result<Response, Refusal> {
    let asking = tokio::task::spawn_blocking(ask);
    match tokio::time::timeout(house.limits.answer_time, asking).await {
        Err(_) => Err(Refusal::timed_out()),
        Ok(Err(_)) => Err(Refusal::failed("a defect of the index")),
        Ok(Ok(Err(error))) => Err(Refusal::failed(error)),
        Ok(Ok(Ok(hits))) => Ok(Json(json!({"hits": hits})).into_response()),
    }
}
