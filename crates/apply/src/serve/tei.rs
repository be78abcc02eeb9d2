//! `/embed` and `/rerank`, and `/predict` of one task, in the shape of text-embeddings-inference.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use skillbelt_train::task::Side;

use super::house::House;
use super::openai::asked::{Input, One, body, check_count};
use super::reading::{Cut, Wanted, embed};
use super::refusal::{Plain, Refusal};

#[derive(Debug, Deserialize)]
struct Embed {
    inputs: Input,
    normalize: Option<bool>,
    truncate: Option<bool>,
    /// `query` for texts that ask, where a task reads them differently.
    prompt_name: Option<String>,
    /// Not of that server: which belt, or `belt:task`.
    #[serde(alias = "belt")]
    model: Option<String>,
}

/// A list of vectors.
#[derive(Serialize)]
#[serde(transparent)]
struct Rows<'r>(Vec<&'r [f32]>);

/// What that server does with a text that is too long.
fn cut(truncate: Option<bool>, param: &'static str) -> Cut {
    match truncate {
        Some(true) => Cut::Allowed,
        _ => Cut::Refused(param),
    }
}

/// There a text that is too long has a status of its own.
fn too_long(refusal: Refusal) -> Plain {
    Plain(match refusal.code {
        "context_length_exceeded" => Refusal {
            status: axum::http::StatusCode::PAYLOAD_TOO_LARGE,
            ..refusal
        },
        _ => refusal,
    })
}

/// `/embed`: vectors of texts, of length one unless told otherwise.
pub async fn embeddings(State(house): State<Arc<House>>, bytes: Bytes) -> Result<Response, Plain> {
    let asked: Embed = body(&bytes)?;
    let side = match asked.prompt_name.as_deref() {
        None => Side::Candidate,
        Some("query") => Side::Query,
        Some("document" | "passage") => Side::Candidate,
        Some(other) => {
            let message = format!("no prompt {other:?}; there is `query` and `document`");
            return Err(Refusal::field("prompt_name", message).into());
        }
    };
    let (place, model, task) = house.model(asked.model.as_deref())?;
    let wanted = Wanted {
        texts: asked.inputs.each("inputs", house.limits.texts)?,
        way: model.embedding_way(task, side)?,
        cut: cut(asked.truncate, "inputs"),
        unit: asked.normalize != Some(false),
    };
    let embedded = embed(&house, place, wanted).await.map_err(too_long)?;
    let rows = (0..embedded.vectors.rows()).map(|row| embedded.vectors.row(row));
    Ok(Json(Rows(rows.collect())).into_response())
}

#[derive(Debug, Deserialize)]
struct Rerank {
    query: String,
    texts: Vec<String>,
    raw_scores: Option<bool>,
    return_text: Option<bool>,
    truncate: Option<bool>,
    #[serde(alias = "belt")]
    model: Option<String>,
}

#[derive(Serialize)]
struct Ranked<'t> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'t str>,
    score: f32,
}

/// `/rerank`: texts by their likeness to a query, best first. The score is the cosine of their vectors
/// (`raw_scores`), or half of what it is above -1, so that it lies between 0 and 1.
pub async fn rerank(State(house): State<Arc<House>>, bytes: Bytes) -> Result<Response, Plain> {
    let asked: Rerank = body(&bytes)?;
    check_count("texts", asked.texts.len(), house.limits.texts)?;
    let (place, model, task) = house.model(asked.model.as_deref())?;
    let (ask, find) = (
        model.embedding_way(task, Side::Query)?,
        model.embedding_way(task, Side::Candidate)?,
    );
    let wanted = |texts: Vec<One>, way, param| Wanted {
        texts,
        way,
        cut: cut(asked.truncate, param),
        unit: true,
    };
    let texts = asked.texts.iter().cloned().map(One::Text).collect();
    let query = wanted(vec![One::Text(asked.query.clone())], ask, "query");
    let texts = wanted(texts, find, "texts");
    let (query, texts) = tokio::join!(embed(&house, place, query), embed(&house, place, texts));
    let (query, texts) = (query.map_err(too_long)?, texts.map_err(too_long)?);
    let raw = asked.raw_scores == Some(true);
    let score = |row: usize| {
        let both = query.vectors.row(0).iter().zip(texts.vectors.row(row));
        let cosine = both
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>();
        match raw {
            true => cosine as f32,
            false => ((1.0 + cosine.clamp(-1.0, 1.0)) / 2.0) as f32,
        }
    };
    let mut ranked: Vec<Ranked<'_>> = (0..asked.texts.len())
        .map(|index| Ranked {
            index,
            text: (asked.return_text == Some(true)).then(|| &asked.texts[index][..]),
            score: score(index),
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    Ok(Json(ranked).into_response())
}
