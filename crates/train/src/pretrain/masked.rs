//! Hidden tokens from all others in their piece of text, as BERT learns: of the tokens that are
//! chosen, four fifths are hidden behind the mask, a tenth become another token, a tenth stay. The
//! loss is the mean over the chosen tokens.
//!
//! Which tokens are chosen is a function of the seed and the draw, so each walk over the texts hides
//! others; what is held out is always hidden alike.

use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Param, Pass, Var, backward, ops};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Batch;

use super::pieces::{self, Pieces};
use crate::data::{Rejection, Row};
use crate::error::Result;
use crate::task::packs::packs;
use crate::task::{Answer, Encoded, Learnt, Measures, Objective, Set, Stage};

/// Finds what was hidden.
pub struct Masked {
    pub pieces: Pieces,
    pub mask: u32,
    /// Share of the tokens that are chosen.
    pub share: f64,
}

/// Of the chosen tokens.
const HIDDEN: f32 = 0.8;
const REPLACED: f32 = 0.1;

/// Texts with some tokens hidden: what is read, which rows are asked, and what stood there.
#[derive(Debug, PartialEq, Eq)]
struct Riddle {
    read: Vec<Vec<u32>>,
    rows: Vec<usize>,
    truth: Vec<u32>,
}

impl Masked {
    /// Hides tokens of texts; `first` is the number of the first text in its draw. What stands around
    /// a text is never chosen; of every text with a token at least one is.
    fn riddle(&self, texts: Vec<Vec<u32>>, places: &[usize], stream: Stream) -> Riddle {
        let mut riddle = Riddle {
            read: texts,
            rows: Vec::new(),
            truth: Vec::new(),
        };
        let mut start = 0;
        for (text, place) in riddle.read.iter_mut().zip(places) {
            let inner = 1..text.len() - 1;
            let key = |at: usize| ((*place as u64) << 32) | (at as u64 * 3);
            let chosen = |at: &usize| f64::from(stream.uniform(key(*at))) < self.share;
            let mut all: Vec<usize> = inner.clone().filter(chosen).collect();
            if all.is_empty() && !inner.is_empty() {
                all.push(1 + (stream.bits(key(0)) % inner.len() as u64) as usize);
            }
            for at in all {
                riddle.rows.push(start + at);
                riddle.truth.push(text[at]);
                let fate = stream.uniform(key(at) + 1);
                if fate < HIDDEN {
                    text[at] = self.mask;
                } else if fate < HIDDEN + REPLACED {
                    text[at] = (stream.bits(key(at) + 2) % self.pieces.bytes.len() as u64) as u32;
                }
            }
            start += text.len();
        }
        riddle
    }

    /// Hidden states `[M x C]` of the rows that are asked, before the head.
    fn states(&self, stage: &Stage<'_>, pass: &Pass, riddle: &Riddle) -> Result<Var> {
        let batch = Batch::pack(&riddle.read)?;
        let hidden = stage.network.hidden(pass, &batch, None)?;
        let rows = ops::take_rows(pass, &hidden, &riddle.rows)?;
        Ok(stage.network.before_head(pass, &rows)?)
    }
}

impl Objective for Masked {
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
        let lengths: Vec<usize> = texts.iter().map(|text| set.shelf.length(*text)).collect();
        let stream = Stream::new(stage.seed, stage.step, "hidden tokens");
        let all = packs(&lengths, stage.pack_tokens);
        let riddles = all.iter().map(|pack| {
            let read = pieces::fetch(set, &texts, pack)?;
            Ok(self.riddle(read, pack, stream))
        });
        let riddles = riddles.collect::<Result<Vec<_>>>()?;
        let units: usize = riddles.iter().map(|riddle| riddle.rows.len()).sum();
        let mut learnt = Learnt {
            loss: 0.0,
            units: units as u64,
            tokens: lengths.iter().sum::<usize>() as u64,
        };
        for (part, riddle) in riddles.iter().enumerate() {
            let pass = stage.learning(part as u64);
            let hidden = self.states(stage, &pass, riddle)?;
            let loss = ops::lm_loss(&pass, &hidden, head, &riddle.truth)?;
            drop(hidden);
            let share = riddle.rows.len() as f64 / units as f64;
            backward(&loss, factor * share as f32, grads)?;
            learnt.loss += f64::from(loss.scalar()) * share;
        }
        Ok(learnt)
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        let head = pieces::head(stage)?;
        let stream = Stream::new(0, 0, "hidden tokens that are asked");
        self.pieces.weigh(set, |read| {
            let pass = stage.answering();
            let places: Vec<usize> = (0..read.len()).collect();
            let riddle = self.riddle(read.to_vec(), &places, stream);
            let hidden = self.states(stage, &pass, &riddle)?;
            let losses = ops::lm_score(&pass, &hidden, head, &riddle.truth)?;
            Ok((losses, riddle.truth))
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

/// The task's own measure: of the hidden tokens alone, so no rival of what a decoder needs.
pub const BITS: &str = "hidden_bits_per_byte";

#[cfg(test)]
mod tests {
    use super::*;

    fn masked() -> Masked {
        Masked {
            pieces: Pieces {
                bytes: vec![1; 500],
            },
            mask: 499,
            share: 0.15,
        }
    }

    #[test]
    fn a_seventh_of_the_tokens_is_chosen_and_most_of_them_are_hidden() {
        let text: Vec<u32> = (0..100_002).map(|i| (i % 400) as u32).collect();
        let riddle = masked().riddle(vec![text.clone()], &[3], Stream::new(1, 2, "test"));
        let read = &riddle.read[0];
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let chosen = riddle.rows.len();
        assert!((share(chosen, 100_000) - 0.15).abs() < 0.005);
        let of = |which: fn(u32, u32) -> bool| {
            let rows = riddle
                .rows
                .iter()
                .filter(|row| which(read[**row], text[**row]));
            share(rows.count(), chosen)
        };
        assert!((of(|read, _| read == 499) - 0.8).abs() < 0.02);
        // One of 500 replacements is the mask, one is the token itself.
        assert!((of(|read, was| read == was) - 0.1).abs() < 0.01);
        assert!((of(|read, was| read != was && read != 499) - 0.1).abs() < 0.01);
        for (row, truth) in riddle.rows.iter().zip(&riddle.truth) {
            assert_eq!(text[*row], *truth);
        }
        let others = (0..text.len())
            .filter(|at| !riddle.rows.contains(at))
            .take(2000);
        others.for_each(|at| assert_eq!(read[at], text[at]));
        assert!(!riddle.rows.contains(&0) && !riddle.rows.contains(&(text.len() - 1)));
    }

    #[test]
    fn another_draw_hides_other_tokens_and_the_shortest_text_hides_its_one() {
        let text: Vec<u32> = (0..200).collect();
        let make = |step| masked().riddle(vec![text.clone()], &[0], Stream::new(1, step, "test"));
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        let short = masked().riddle(vec![vec![0, 7, 2]], &[0], Stream::new(1, 1, "test"));
        assert_eq!((short.rows, short.truth), (vec![1], vec![7]));
    }
}
