//! Objectives whose items are one sequence each and have a class: `classify`, and `pair` with both
//! texts joined. Pairs that are read apart stand elsewhere.

use std::collections::BTreeMap;

use skillbelt_engine::ops;
use skillbelt_engine::{Grads, Mat, Param, Pass, Var, backward};
use skillbelt_model::Tokenizer;

use super::classes::Classes;
use super::head::Head;
use super::packs::packs;
use super::reading::{Reading, Side};
use super::vectors::{self, Distinct};
use super::{Answer, Encoded, Learnt, Measures, Objective, Set, Stage, measured};
use crate::data::{Content, Rejection, Row};
use crate::error::Result;

/// One sequence, one class.
pub struct Classify {
    pub classes: Classes,
    pub head: Head,
    pub reading: Reading,
    /// Two texts are joined in each sequence.
    pub joint: bool,
    pub metric: Option<String>,
}

impl Classify {
    fn logits(&self, pass: &Pass, vectors: &Var) -> Result<Var> {
        Ok(ops::linear(pass, vectors, &self.head.linear, None)?)
    }

    /// Scores `[items x columns]` of every item; each distinct text is read once.
    fn scores(&self, stage: &Stage<'_>, set: &Set) -> Result<Mat> {
        let mut distinct = Distinct::default();
        let places: Vec<usize> = set
            .items
            .iter()
            .map(|item| distinct.place(item.texts[0]))
            .collect();
        let columns = self.classes.columns();
        let mut found = Mat::zeros(distinct.texts.len(), columns);
        vectors::walk(
            stage,
            &set.shelf,
            &distinct.texts,
            self.reading.pooling,
            |pass, pack, vectors| {
                let logits = self.logits(pass, &vectors)?;
                for (place, row) in pack.iter().enumerate() {
                    found
                        .row_mut(*row)
                        .copy_from_slice(logits.value().row(place));
                }
                Ok(())
            },
        )?;
        let mut scores = Mat::zeros(places.len(), columns);
        for (item, place) in places.iter().enumerate() {
            scores.row_mut(item).copy_from_slice(found.row(*place));
        }
        Ok(scores)
    }
}

/// Ids of the text or texts of a row, with its label; the reason if there is nothing to read.
type Body = std::result::Result<(Vec<u32>, Option<String>), &'static str>;

impl Classify {
    fn body(&self, content: Content, tokenizer: &Tokenizer) -> Result<Body> {
        Ok(match content {
            Content::Text { text, label } => {
                let ids = tokenizer.encode(&text, false)?;
                match ids.is_empty() {
                    true => Err("empty text"),
                    false => Ok((
                        self.reading.frame.text(&ids, self.reading.max_length),
                        label,
                    )),
                }
            }
            Content::Pair {
                first,
                second,
                label,
            } => {
                let first = tokenizer.encode(&first, false)?;
                let second = tokenizer.encode(&second, false)?;
                match first.is_empty() || second.is_empty() {
                    true => Err("empty text"),
                    false => {
                        let Reading {
                            frame, max_length, ..
                        } = &self.reading;
                        Ok((frame.pair(&first, &second, *max_length), label))
                    }
                }
            }
            _ => Err("not a row of this kind of task"),
        })
    }
}

impl Objective for Classify {
    fn encode(
        &self,
        row: Row,
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>> {
        let (ids, label) = match self.body(row.content, tokenizer)? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(Rejection::plain(row.place, reason))),
        };
        let label = self.classes.number(label, &row.place);
        Ok(label.map(|label| Encoded::item(vec![ids], label)))
    }

    fn labels(&self) -> Vec<String> {
        self.classes.names().to_vec()
    }

    fn params(&self) -> Vec<Param> {
        self.head.params()
    }

    fn learn(
        &self,
        stage: &Stage<'_>,
        set: &Set,
        batch: &[usize],
        factor: f32,
        grads: &mut Grads,
    ) -> Result<Learnt> {
        let mut distinct = Distinct::default();
        let mut labels: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for item in batch.iter().map(|item| &set.items[*item]) {
            labels
                .entry(distinct.place(item.texts[0]))
                .or_default()
                .push(item.label);
        }
        let weighing = self.classes.weighing(&set.counts);
        let whole = weighing.mass(&labels.values().flatten().copied().collect::<Vec<_>>());
        let lengths = distinct.lengths(&set.shelf);
        let mut learnt = Learnt {
            units: batch.len() as u64,
            ..Learnt::default()
        };
        for (part, pack) in packs(&lengths, stage.pack_tokens).iter().enumerate() {
            let texts =
                vectors::batch(&set.shelf, pack.iter().map(|place| distinct.texts[*place]))?;
            let pass = stage.learning(part as u64);
            let found = vectors::read(stage.network, &pass, &texts, self.reading.pooling)?;
            // A text may stand in several items of the batch.
            let of_texts = pack.iter().enumerate().flat_map(|(row, place)| {
                let labels = labels.get(place).map_or(&[][..], Vec::as_slice);
                labels.iter().map(move |label| (row, *label))
            });
            let (rows, labels): (Vec<usize>, Vec<u32>) = of_texts.unzip();
            let logits = self.logits(&pass, &vectors::rows(&pass, &found, &rows)?)?;
            drop(found);
            let loss = ops::class_loss(&pass, &logits, &labels, weighing.told())?;
            let share = weighing.part(&labels, whole);
            backward(&loss, factor * share as f32, grads)?;
            learnt.loss += f64::from(loss.scalar()) * share;
            learnt.tokens += texts.ids.len() as u64;
        }
        Ok(learnt)
    }

    fn reading(&self, _side: Side) -> Option<Reading> {
        (!self.joint).then(|| self.reading.clone())
    }

    fn judge(&self, pass: &Pass, vectors: &Var) -> Result<Option<Mat>> {
        match self.joint {
            true => Ok(None),
            false => Ok(Some(self.logits(pass, vectors)?.value().clone())),
        }
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        Ok(measured::answers(&self.scores(stage, set)?))
    }

    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let scores = self.scores(stage, set)?;
        let mut distinct = Distinct::default();
        set.items.iter().for_each(|item| {
            distinct.place(item.texts[0]);
        });
        measured::class_loss(&self.classes, set, &scores, distinct.tokens(&set.shelf))
    }

    fn measure(&self, set: &Set, answers: &[Answer]) -> Measures {
        measured::classes(
            set,
            answers,
            self.classes.names().len(),
            self.metric.as_deref(),
        )
    }
}
