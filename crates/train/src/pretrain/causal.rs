//! Each token from those before it in its own piece of text. The loss is the mean over all tokens,
//! what ends a text included; what is measured is bits per byte of the text that they spell.

use skillbelt_engine::{Grads, Param, backward, ops};
use skillbelt_model::Tokenizer;

use super::pieces::{self, Pieces};
use crate::data::{Rejection, Row};
use crate::error::Result;
use crate::task::packs::packs;
use crate::task::sequences::{Reading, Sequence};
use crate::task::{Answer, Encoded, Learnt, Measures, Objective, Set, Stage};

/// Continues texts.
pub struct Causal {
    pub pieces: Pieces,
}

/// The first token of a piece is read, never told.
const READING: Reading = Reading {
    start: None,
    loss_on_source: false,
};

/// What a piece is to the reader: its beginning, and all that follows from it.
fn sequence(ids: &[u32]) -> Sequence {
    Sequence {
        source: ids[..1].to_vec(),
        target: ids[1..].to_vec(),
    }
}

impl Objective for Causal {
    fn encode(
        &self,
        row: Row,
        _tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>> {
        Ok(Err(Rejection::plain(row.place, pieces::NO_ROWS)))
    }

    fn params(&self) -> Vec<Param> {
        Vec::new()
    }

    fn learn(
        &self,
        stage: &Stage<'_>,
        set: &Set,
        batch: &[usize],
        factor: f32,
        grads: &mut Grads,
    ) -> Result<Learnt> {
        let head = pieces::head(stage)?;
        let texts = Pieces::of(set, batch);
        let lengths: Vec<usize> = texts
            .iter()
            .map(|text| set.shelf.length(*text) - 1)
            .collect();
        let units: usize = lengths.iter().sum();
        let mut learnt = Learnt {
            loss: 0.0,
            units: units as u64,
            tokens: units as u64,
        };
        for (part, pack) in packs(&lengths, stage.pack_tokens).iter().enumerate() {
            let read = pieces::fetch(set, &texts, pack)?;
            let read: Vec<Sequence> = read.iter().map(|ids| sequence(ids)).collect();
            let pass = stage.learning(part as u64);
            let (hidden, targets) = READING.states(stage, &pass, &read)?;
            let loss = ops::lm_loss(&pass, &hidden, head, &targets)?;
            drop(hidden);
            let share = targets.len() as f64 / units as f64;
            backward(&loss, factor * share as f32, grads)?;
            learnt.loss += f64::from(loss.scalar()) * share;
        }
        Ok(learnt)
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        let head = pieces::head(stage)?;
        self.pieces.weigh(set, |read| {
            let pass = stage.answering();
            let sequences: Vec<Sequence> = read.iter().map(|ids| sequence(ids)).collect();
            let (hidden, targets) = READING.states(stage, &pass, &sequences)?;
            let losses = ops::lm_score(&pass, &hidden, head, &targets)?;
            Ok((losses, targets))
        })
    }

    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let answers = self.answer(stage, set)?;
        Ok(pieces::mean(set, &answers))
    }

    fn measure(&self, _set: &Set, answers: &[Answer]) -> Measures {
        vec![(BITS, pieces::bits_per_byte(answers))]
    }
}

/// The task's own measure.
pub const BITS: &str = "bits_per_byte";
