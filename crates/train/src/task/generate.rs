//! `generate`: a text from a text. An encoder-decoder reads the source and writes the target; a
//! decoder continues the source with it. The loss is the mean over the tokens of the target and the
//! token that ends it (of a decoder also of the source, where the recipe says so).
//!
//! A source that is too long loses its tail; what the recipe puts around it stays. An answer is never
//! cut: a base that learns from unfinished answers learns not to finish.

use skillbelt_engine::ops;
use skillbelt_engine::{Grads, Param, backward};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Shape;
use skillbelt_model::generate::{Beams, Choice, Habits, Options, Prompt, Writer};

use super::given::Given;
use super::limits::Limits;
use super::packs::{packs, stretches};
use super::prompt::Prompting;
use super::sequences::{Reading, Sequence};
use super::vectors::unreadable;
use super::{Answer, Encoded, Item, Learnt, Measures, Objective, Set, Stage, measured};
use crate::data::{Content, Rejection, Row};
use crate::error::{Error, Result};
use crate::recipe::TaskSettings;

/// Writes texts.
pub struct Generate {
    prompting: Prompting,
    limits: Limits,
    habits: Habits,
    reading: Reading,
    /// Ends every answer.
    end: u32,
    beams: usize,
    metric: Option<String>,
}

impl Generate {
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        given: &Given<'_>,
        limits: Limits,
    ) -> Result<Generate> {
        // Refuses bases that do not write.
        Writer::new(given.network, given.tokenizer, given.habits.clone())?;
        let mut habits = given.habits.clone();
        let end = given
            .tokenizer
            .special()
            .eos
            .or(habits.ends.first().copied());
        let end = end.ok_or_else(|| Error::told("the base names no token that ends a text"))?;
        if !habits.ends.contains(&end) {
            habits.ends.push(end);
        }
        let limits = limits.for_writing(task, settings, given.network)?;
        let start = match given.network.shape() {
            Shape::EncoderDecoder => habits.start,
            Shape::Encoder | Shape::Decoder => None,
        };
        Ok(Generate {
            prompting: Prompting::new(task, settings, given, limits.text, start.is_some())?,
            limits,
            habits,
            reading: Reading {
                start,
                loss_on_source: settings.loss_on_source.unwrap_or(false),
            },
            end,
            beams: settings.num_beams.unwrap_or(1),
            metric: settings.metric.clone(),
        })
    }

    fn sequence(&self, set: &Set, item: usize) -> Result<Sequence> {
        let texts = &set.items[item].texts;
        let fetch = |place: usize| match texts.get(place) {
            Some(text) => set.shelf.get(*text).map_err(unreadable),
            None => Ok(Vec::new()),
        };
        Ok(Sequence {
            source: fetch(0)?,
            target: fetch(1)?,
        })
    }

    fn tokens(&self, set: &Set, item: usize) -> usize {
        let texts = set.items[item].texts.iter();
        texts.map(|text| set.shelf.length(*text)).sum()
    }

    /// Tokens of an item that are learnt.
    fn labelled(&self, set: &Set, item: usize) -> usize {
        match self.reading.loss_on_source && self.reading.start.is_none() {
            true => self.tokens(set, item) - 1,
            false => set.shelf.length(set.items[item].texts[1]),
        }
    }

    /// Of each known item the sum of its losses in nats, and over how many tokens.
    fn losses(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Option<(f64, u64)>>> {
        let known: Vec<usize> = (0..set.items.len())
            .filter(|i| set.items[*i].is_known())
            .collect();
        let lengths: Vec<usize> = known.iter().map(|item| self.tokens(set, *item)).collect();
        let mut losses = vec![None; set.items.len()];
        let pass = stage.answering();
        let head = stage
            .network
            .head()
            .ok_or_else(|| stage.network.cannot("write"))?;
        for pack in packs_in_reach(&lengths, stage.pack_tokens) {
            let items: Vec<usize> = pack.iter().map(|place| known[*place]).collect();
            let read = items.iter().map(|item| self.sequence(set, *item));
            let (hidden, targets) =
                self.reading
                    .states(stage, &pass, &read.collect::<Result<Vec<_>>>()?)?;
            let scores = ops::lm_score(&pass, &hidden, head, &targets)?;
            let mut rest = &scores[..];
            for item in items {
                let (own, others) = rest.split_at(self.labelled(set, item));
                let sum = own.iter().map(|loss| f64::from(*loss)).sum();
                losses[item] = Some((sum, own.len() as u64));
                rest = others;
            }
        }
        Ok(losses)
    }

    /// The text that the base writes for each item.
    fn written(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Option<String>>> {
        let writer = Writer::new(stage.network, stage.tokenizer, self.habits.clone())?;
        let writer = writer.for_task(stage.task);
        let options = Options {
            choice: match self.beams {
                0 | 1 => Choice::Greedy,
                count => Choice::Beams(Beams {
                    count,
                    ..Beams::default()
                }),
            },
            max_new_tokens: self.limits.target,
            ..Options::default()
        };
        let mut order: Vec<usize> = (0..set.items.len()).collect();
        let source = |item: usize| set.shelf.length(set.items[item].texts[0]);
        order.sort_by_key(|item| (source(*item), *item));
        let room = |item: &usize| (source(*item) + self.limits.target) * self.beams.max(1);
        let lengths: Vec<usize> = order.iter().map(room).collect();
        let mut texts = vec![None; order.len()];
        for stretch in stretches(&lengths, stage.pack_tokens.max(WRITTEN_TOKENS)) {
            let items = &order[stretch];
            let prompt = |item: &usize| -> Result<Prompt> {
                Ok(Prompt {
                    ids: self.sequence(set, *item)?.source,
                    number: *item as u64,
                })
            };
            let prompts = items.iter().map(prompt).collect::<Result<Vec<_>>>()?;
            let written = writer.write(&prompts, &options, &mut |_, _| {})?;
            for (item, written) in items.iter().zip(written) {
                texts[*item] = Some(written.text);
            }
        }
        Ok(texts)
    }
}

/// Writing remembers keys and values only, so more sequences fit than in a recorded pass.
const WRITTEN_TOKENS: usize = 8192;

/// Packs over a whole set: cut in order of length, so that fetching stays local.
fn packs_in_reach(lengths: &[usize], limit: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|place| (lengths[*place], *place));
    let sorted: Vec<usize> = order.iter().map(|place| lengths[*place]).collect();
    let stretches = stretches(&sorted, limit).into_iter();
    stretches.map(|stretch| order[stretch].to_vec()).collect()
}

impl Objective for Generate {
    fn encode(
        &self,
        row: Row,
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>> {
        let Content::Writing { source, target } = row.content else {
            return Ok(Err(Rejection::plain(
                row.place,
                "not a row of this kind of task",
            )));
        };
        let source = match self.prompting.ids(&source, tokenizer)? {
            Ok(ids) => ids,
            Err(reason) => return Ok(Err(Rejection::plain(row.place, reason))),
        };
        let Some(target) = target else {
            return Ok(Ok(Encoded::item(vec![source], Item::UNKNOWN)));
        };
        let mut ids = tokenizer.encode(&target, false)?;
        if ids.is_empty() {
            return Ok(Err(Rejection::plain(row.place, "empty answer")));
        }
        ids.push(self.end);
        if ids.len() > self.limits.target {
            let detail = format!("{} tokens, at most {}", ids.len(), self.limits.target);
            let mut rejection = Rejection::plain(row.place, "answer longer than max_target_length");
            rejection.detail = detail;
            return Ok(Err(rejection));
        }
        let mut encoded = Encoded::item(vec![source, ids], 0);
        encoded.expected = Some(target.into());
        Ok(Ok(encoded))
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
        let head = stage
            .network
            .head()
            .ok_or_else(|| stage.network.cannot("write"))?;
        let lengths: Vec<usize> = batch.iter().map(|item| self.tokens(set, *item)).collect();
        let units: usize = batch.iter().map(|item| self.labelled(set, *item)).sum();
        let mut learnt = Learnt {
            loss: 0.0,
            units: units as u64,
            tokens: lengths.iter().sum::<usize>() as u64,
        };
        for (part, pack) in packs(&lengths, stage.pack_tokens).iter().enumerate() {
            let read = pack.iter().map(|place| self.sequence(set, batch[*place]));
            let pass = stage.learning(part as u64);
            let (hidden, targets) =
                self.reading
                    .states(stage, &pass, &read.collect::<Result<Vec<_>>>()?)?;
            let loss = ops::lm_loss(&pass, &hidden, head, &targets)?;
            drop(hidden);
            let share = targets.len() as f64 / units as f64;
            backward(&loss, factor * share as f32, grads)?;
            learnt.loss += f64::from(loss.scalar()) * share;
        }
        Ok(learnt)
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        let losses = self.losses(stage, set)?;
        let written = self.written(stage, set)?;
        let both = set.items.iter().zip(written.into_iter().zip(losses));
        let answers = both.map(|(item, (written, loss))| Answer::Text {
            written,
            expected: item.expected.as_deref().map(str::to_owned),
            loss,
        });
        Ok(answers.collect())
    }

    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let losses = self.losses(stage, set)?;
        let known = losses.iter().flatten();
        let (sum, units) = known.fold((0.0, 0), |(sum, all), (loss, units)| {
            (sum + loss, all + units)
        });
        let items = 0..set.items.len();
        Ok(Learnt {
            loss: sum / units.max(1) as f64,
            units,
            tokens: items.map(|item| self.tokens(set, item) as u64).sum(),
        })
    }

    fn measure(&self, _set: &Set, answers: &[Answer]) -> Measures {
        measured::texts(answers, self.metric.as_deref())
    }
}
