//! `/v1/embeddings`: vectors of texts, of length one, as numbers or in base64.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use skillbelt_train::task::Side;

use super::asked::{Input, body};
use crate::serve::base64;
use crate::serve::house::House;
use crate::serve::reading::{Cut, Wanted, embed};
use crate::serve::refusal::Refusal;

#[derive(Debug, Deserialize)]
struct Embeddings {
    model: Option<String>,
    input: Input,
    encoding_format: Option<Form>,
    dimensions: Option<usize>,
    /// Not of OpenAI: cut texts that are too long instead of refusing them.
    truncate: Option<bool>,
    /// Not of OpenAI: whether the texts ask or are found, for tasks that read the two differently.
    input_type: Option<InputType>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum InputType {
    Query,
    Document,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Float,
    Base64,
}

#[derive(Serialize)]
struct Row<'r> {
    object: &'static str,
    index: usize,
    embedding: Numbers<'r>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Numbers<'r> {
    Float(&'r [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Answer<'r> {
    object: &'static str,
    data: Vec<Row<'r>>,
    model: String,
    usage: serde_json::Value,
}

/// Vectors of texts.
pub async fn embeddings(
    State(house): State<Arc<House>>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let asked: Embeddings = body(&bytes)?;
    let (place, model, task) = house.model(asked.model.as_deref())?;
    let side = match asked.input_type {
        Some(InputType::Query) => Side::Query,
        _ => Side::Candidate,
    };
    let wanted = Wanted {
        texts: asked.input.each("input", house.limits.texts)?,
        way: model.embedding_way(task, side)?,
        cut: match asked.truncate {
            Some(true) => Cut::Allowed,
            _ => Cut::Refused("input"),
        },
        unit: true,
    };
    if let Some(wish) = asked.dimensions.filter(|wish| *wish != model.width()) {
        let message = format!("vectors have {} dimensions here, not {wish}", model.width());
        return Err(Refusal::field("dimensions", message));
    }
    let name = asked.model.clone().unwrap_or_else(|| model.name.clone());
    let embedded = embed(&house, place, wanted).await?;
    let rows = (0..embedded.vectors.rows()).map(|row| embedded.vectors.row(row));
    let data = rows
        .enumerate()
        .map(|(index, row)| Row {
            object: "embedding",
            index,
            embedding: match asked.encoding_format {
                Some(Form::Base64) => Numbers::Base64(base64::of_numbers(row)),
                _ => Numbers::Float(row),
            },
        })
        .collect();
    let tokens = embedded.tokens;
    Ok(Json(Answer {
        object: "list",
        data,
        model: name,
        usage: json!({"prompt_tokens": tokens, "total_tokens": tokens}),
    })
    .into_response())
}
