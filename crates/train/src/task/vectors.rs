//! Vectors of texts: each distinct text of a batch is read once and becomes one row, whatever the
//! loss over those rows is and however many packs they need.

use std::collections::HashMap;

use skillbelt_engine::ops::{Pool, pool, take_rows};
use skillbelt_engine::{Grads, Mat, Param, Pass, Var, backward, backward_from};
use skillbelt_model::base::{Batch, Network, Shape};

use super::Stage;
use super::packs::{packs, stretches};
use crate::data::{Shelf, TextId};
use crate::error::{Error, Result};
use crate::recipe::TaskSettings;

/// How a task makes one vector of a text: as its settings say, else the mean, or the last token of a
/// base that only looks back.
pub fn pooling(task: &str, settings: &TaskSettings, network: &dyn Network) -> Result<Pool> {
    Ok(match (settings.pooling.as_deref(), network.shape()) {
        (Some("mean"), _) => Pool::Mean,
        (Some("first"), _) => Pool::First,
        (Some("last"), _) | (None, Shape::Decoder) => Pool::Last,
        (None, _) => Pool::Mean,
        (Some(other), _) => {
            return Err(Error::Setting {
                origin: format!("tasks.{task}"),
                key: "pooling".into(),
                message: format!("expected `mean`, `first` or `last`, found `{other}`"),
                hint: None,
            });
        }
    })
}

/// Distinct texts in the order in which they were first asked for.
#[derive(Default)]
pub struct Distinct {
    pub texts: Vec<TextId>,
    places: HashMap<TextId, usize>,
}

impl Distinct {
    /// The row of a text.
    pub fn place(&mut self, text: TextId) -> usize {
        *self.places.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }

    pub fn lengths(&self, shelf: &Shelf) -> Vec<usize> {
        self.texts.iter().map(|text| shelf.length(*text)).collect()
    }

    /// Tokens of all of them together.
    pub fn tokens(&self, shelf: &Shelf) -> u64 {
        let lengths = self.texts.iter().map(|text| shelf.length(*text) as u64);
        lengths.sum()
    }
}

/// The tokens of some texts, laid end to end.
pub fn batch(shelf: &Shelf, texts: impl Iterator<Item = TextId>) -> Result<Batch> {
    let ids = texts
        .map(|text| shelf.get(text).map_err(unreadable))
        .collect::<Result<Vec<_>>>()?;
    Ok(Batch::pack(&ids)?)
}

/// The texts of a set could not be read again.
pub fn unreadable(source: std::io::Error) -> Error {
    Error::io(std::path::Path::new("the texts put aside"), source)
}

/// One row for each text, `[texts x C]`.
pub fn read(network: &dyn Network, pass: &Pass, batch: &Batch, how: Pool) -> Result<Var> {
    let hidden = network.hidden(pass, batch, None)?;
    Ok(pool(pass, &hidden, &batch.spans, how)?)
}

/// The given rows; nothing is copied where they are all rows in their order.
pub fn rows(pass: &Pass, vectors: &Var, rows: &[usize]) -> Result<Var> {
    let whole = rows.len() == vectors.rows() && rows.iter().enumerate().all(|(i, row)| i == *row);
    Ok(match whole {
        true => vectors.clone(),
        false => take_rows(pass, vectors, rows)?,
    })
}

/// Adds the gradients of `factor * loss` to `grads`, where the loss is any function of the vectors
/// `[D x C]` of distinct texts; gives the loss.
///
/// Texts that fit one pack are read in one recorded pass. Otherwise vectors come first and gradients
/// second: all packs are read without a tape, the loss gives the gradient of every vector, and each
/// pack is read again, recorded, with the same random numbers. So the loss sees all texts however
/// little memory there is. The fullest pack is recorded at once and read only once.
pub fn learn(
    stage: &Stage<'_>,
    shelf: &Shelf,
    texts: &[TextId],
    how: Pool,
    factor: f32,
    grads: &mut Grads,
    loss: impl Fn(&Pass, &Var) -> Result<Var>,
) -> Result<f64> {
    let lengths: Vec<usize> = texts.iter().map(|text| shelf.length(*text)).collect();
    let packs = packs(&lengths, stage.pack_tokens);
    let packed = |pack: &[usize]| batch(shelf, pack.iter().map(|place| texts[*place]));
    let Some((first, others)) = packs.split_first() else {
        return Err(Error::told("a batch without texts teaches nothing"));
    };
    let read = |part: usize, pass: &Pass| {
        let pack = if part == 0 { first } else { &others[part - 1] };
        read(stage.network, pass, &packed(pack)?, how)
    };
    if others.is_empty() {
        let pass = stage.learning(0);
        let loss = loss(&pass, &read(0, &pass)?)?;
        backward(&loss, factor, grads)?;
        return Ok(f64::from(loss.scalar()));
    }

    let mut vectors = Mat::stale(texts.len(), stage.network.sizes().width);
    for (part, pack) in others.iter().enumerate() {
        let pass = stage.learning(part as u64 + 1).without_recording();
        place_rows(&mut vectors, pack, read(part + 1, &pass)?.value());
    }
    let recorded = read(0, &stage.learning(0))?;
    place_rows(&mut vectors, first, recorded.value());

    let leaf = Param::trained("vectors", vectors);
    let pass = stage.learning(packs.len() as u64);
    let loss = loss(&pass, &pass.leaf(&leaf))?;
    backward(&loss, factor, grads)?;
    let Some(gradient) = grads.take(&leaf) else {
        return Ok(f64::from(loss.scalar()));
    };
    backward_from(&recorded, gathered(&gradient, first), grads)?;
    drop(recorded);
    for (part, pack) in others.iter().enumerate() {
        let again = read(part + 1, &stage.learning(part as u64 + 1))?;
        backward_from(&again, gathered(&gradient, pack), grads)?;
    }
    Ok(f64::from(loss.scalar()))
}

fn place_rows(into: &mut Mat, rows: &[usize], from: &Mat) {
    for (place, row) in rows.iter().enumerate() {
        into.row_mut(*row).copy_from_slice(from.row(place));
    }
}

fn gathered(from: &Mat, rows: &[usize]) -> Mat {
    let mut mat = Mat::stale(rows.len(), from.cols());
    for (place, row) in rows.iter().enumerate() {
        mat.row_mut(place).copy_from_slice(from.row(*row));
    }
    mat
}

/// The vectors `[texts x C]` of any texts, without a tape.
pub fn answer(stage: &Stage<'_>, shelf: &Shelf, texts: &[TextId], how: Pool) -> Result<Mat> {
    let mut vectors = Mat::stale(texts.len(), stage.network.sizes().width);
    walk(stage, shelf, texts, how, |_, places, read| {
        place_rows(&mut vectors, places, read.value());
        Ok(())
    })?;
    Ok(vectors)
}

/// Reads texts pack by pack, without a tape, those of like length together; `each` gets the places of
/// a pack's texts and their rows.
pub fn walk(
    stage: &Stage<'_>,
    shelf: &Shelf,
    texts: &[TextId],
    how: Pool,
    mut each: impl FnMut(&Pass, &[usize], Var) -> Result<()>,
) -> Result<()> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|place| (shelf.length(texts[*place]), *place));
    let lengths: Vec<usize> = order.iter().map(|i| shelf.length(texts[*i])).collect();
    let pass = stage.answering();
    for stretch in stretches(&lengths, stage.pack_tokens) {
        let pack = &order[stretch];
        let batch = batch(shelf, pack.iter().map(|place| texts[*place]))?;
        each(&pass, pack, read(stage.network, &pass, &batch, how)?)?;
    }
    Ok(())
}
