//! `pair` with each text read alone: two vectors, compared by a head. A text that stands in many
//! pairs of a batch is read once.

use skillbelt_engine::ops;
use skillbelt_engine::{Grads, Mat, Param, Pass, Var};
use skillbelt_model::Tokenizer;

use super::classes::Classes;
use super::head::Head;
use super::reading::{Reading, Side};
use super::vectors::{self, Distinct};
use super::{Answer, Encoded, Learnt, Measures, Objective, Set, Stage, measured};
use crate::data::{Content, Rejection, Row};
use crate::error::Result;

/// Two sequences, one class.
pub struct Separate {
    pub classes: Classes,
    /// From `[u, v, |u - v|, u * v]`, so of four times the width.
    pub head: Head,
    pub reading: Reading,
    pub metric: Option<String>,
}

/// Pairs whose comparison is held at a time when answering.
const PAIRS: usize = 1024;

/// The rows of the first and the second texts of pairs.
type Sides = (Vec<usize>, Vec<usize>);

impl Separate {
    fn sides(set: &Set, items: impl Iterator<Item = usize>) -> (Distinct, Sides) {
        let mut distinct = Distinct::default();
        let rows = items.map(|item| {
            let texts = &set.items[item].texts;
            (distinct.place(texts[0]), distinct.place(texts[1]))
        });
        let sides = rows.unzip();
        (distinct, sides)
    }

    fn logits(
        &self,
        pass: &Pass,
        vectors: &Var,
        (first, second): (&[usize], &[usize]),
    ) -> Result<Var> {
        let u = ops::take_rows(pass, vectors, first)?;
        let v = ops::take_rows(pass, vectors, second)?;
        let compared = ops::interact(pass, &u, &v)?;
        Ok(ops::linear(pass, &compared, &self.head.linear, None)?)
    }

    /// Scores `[items x columns]` of every item, and the tokens that were read.
    fn scores(&self, stage: &Stage<'_>, set: &Set) -> Result<(Mat, u64)> {
        let (distinct, (first, second)) = Separate::sides(set, 0..set.items.len());
        let found = vectors::answer(stage, &set.shelf, &distinct.texts, self.reading.pooling)?;
        let pass = stage.answering();
        let found = pass.constant(found);
        let mut scores = Vec::with_capacity(first.len() * self.classes.columns());
        for (first, second) in first.chunks(PAIRS).zip(second.chunks(PAIRS)) {
            let logits = self.logits(&pass, &found, (first, second))?;
            scores.extend_from_slice(logits.value().data());
        }
        let scores = Mat::from_vec(first.len(), self.classes.columns(), scores);
        Ok((scores, distinct.tokens(&set.shelf)))
    }
}

impl Objective for Separate {
    fn encode(
        &self,
        row: Row,
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>> {
        let Content::Pair {
            first,
            second,
            label,
        } = row.content
        else {
            return Ok(Err(Rejection::plain(
                row.place,
                "not a row of this kind of task",
            )));
        };
        let mut texts = Vec::new();
        for text in [first, second] {
            match self.reading.ids(&text, tokenizer)? {
                Some(ids) => texts.push(ids),
                None => return Ok(Err(Rejection::plain(row.place, "empty text"))),
            }
        }
        let label = self.classes.number(label, &row.place);
        Ok(label.map(|label| Encoded::item(texts, label)))
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
        let (distinct, (first, second)) = Separate::sides(set, batch.iter().copied());
        let labels: Vec<u32> = batch.iter().map(|item| set.items[*item].label).collect();
        let weighing = self.classes.weighing(&set.counts);
        let share = weighing.part(&labels, weighing.mass(&labels));
        let loss = vectors::learn(
            stage,
            &set.shelf,
            &distinct.texts,
            self.reading.pooling,
            factor * share as f32,
            grads,
            |pass, vectors| {
                let logits = self.logits(pass, vectors, (&first, &second))?;
                Ok(ops::class_loss(pass, &logits, &labels, weighing.told())?)
            },
        )?;
        Ok(Learnt {
            loss: loss * share,
            units: batch.len() as u64,
            tokens: distinct.tokens(&set.shelf),
        })
    }

    fn reading(&self, _side: Side) -> Option<Reading> {
        Some(self.reading.clone())
    }

    fn compare(
        &self,
        pass: &Pass,
        vectors: &Var,
        pairs: (&[usize], &[usize]),
    ) -> Result<Option<Mat>> {
        Ok(Some(self.logits(pass, vectors, pairs)?.value().clone()))
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        Ok(measured::answers(&self.scores(stage, set)?.0))
    }

    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let (scores, tokens) = self.scores(stage, set)?;
        measured::class_loss(&self.classes, set, &scores, tokens)
    }

    fn measure(&self, set: &Set, answers: &[Answer]) -> Measures {
        let count = self.classes.names().len();
        measured::classes(set, answers, count, self.metric.as_deref())
    }
}
