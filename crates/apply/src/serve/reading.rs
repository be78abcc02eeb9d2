//! From texts to vectors for a route: tokens, the desk, and the time that it may take.

use std::sync::Arc;

use skillbelt_engine::Mat;

use super::house::House;
use super::model::{Encoded, Model};
use super::openai::asked::One;
use super::refusal::Refusal;
use crate::reader::Reader;

/// Texts of so many bytes are split into tokens on a thread where that holds nobody up.
const LARGE: usize = 8 << 10;

/// Whether a text may be cut to what the way reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Allowed,
    /// It is refused, naming this field.
    Refused(&'static str),
}

/// Texts whose vectors are wanted.
pub struct Wanted {
    pub texts: Vec<One>,
    pub way: usize,
    pub cut: Cut,
    /// Of length one.
    pub unit: bool,
}

/// Their vectors.
pub struct Embedded {
    /// `[texts x C]`
    pub vectors: Mat,
    pub tokens: usize,
    /// Which texts were cut.
    pub cut: Vec<bool>,
}

/// Reads texts.
pub async fn embed(house: &House, place: usize, wanted: Wanted) -> Result<Embedded, Refusal> {
    let model = Arc::clone(&house.models[place]);
    let (way, unit) = (wanted.way, wanted.unit);
    let encoded = encode(model, wanted).await?;
    let cut = encoded.iter().map(|one| one.cut_from.is_some()).collect();
    let tokens = encoded.iter().map(|one| one.ids.len()).sum();
    let texts = encoded.into_iter().map(|one| one.ids).collect();
    let answer = house.desk.read((place, way), texts)?;
    let vectors = in_time(house, answer).await?;
    Ok(Embedded {
        vectors: match unit {
            true => Reader::units(vectors),
            false => vectors,
        },
        tokens,
        cut,
    })
}

/// An answer of the thread that computes, if it comes in time.
pub async fn in_time<T>(
    house: &House,
    answer: tokio::sync::oneshot::Receiver<Result<T, Refusal>>,
) -> Result<T, Refusal> {
    match tokio::time::timeout(house.limits.answer_time, answer).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Err(Refusal::failed("the thread that computes is gone")),
        Err(_) => Err(Refusal::timed_out()),
    }
}

async fn encode(model: Arc<Model>, wanted: Wanted) -> Result<Vec<Encoded>, Refusal> {
    let bytes: usize = wanted.texts.iter().map(One::bytes).sum();
    if bytes < LARGE {
        return encode_now(&model, &wanted);
    }
    let work = tokio::task::spawn_blocking(move || encode_now(&model, &wanted));
    work.await
        .unwrap_or_else(|_| Err(Refusal::failed("splitting texts into tokens failed")))
}

fn encode_now(model: &Model, wanted: &Wanted) -> Result<Vec<Encoded>, Refusal> {
    let mut all = Vec::with_capacity(wanted.texts.len());
    for (number, text) in wanted.texts.iter().enumerate() {
        let found = match text {
            One::Text(text) => model.encode(wanted.way, text)?,
            One::Ids(ids) => model.encode_ids(wanted.way, ids)?,
        };
        let encoded =
            found.ok_or_else(|| Refusal::wrong(format_args!("text {number}: no tokens")))?;
        if let (Some(tokens), Cut::Refused(param)) = (encoded.cut_from, wanted.cut) {
            let most = model.length(wanted.way);
            let message = format!("text {number}: {tokens} tokens, at most {most} are read");
            return Err(Refusal {
                code: "context_length_exceeded",
                ..Refusal::field(param, message)
            });
        }
        all.push(encoded);
    }
    Ok(all)
}
