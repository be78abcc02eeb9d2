//! `retrieve`: a query must find its answer among all candidates of the batch, however many packs
//! they need.
//!
//! Candidates with the same text are one candidate. Right answers are never negatives: of a query
//! that stands in the batch twice with two answers, neither is a negative of the other; by class, no
//! member of a query's class is.

use skillbelt_engine::ops::Pool;
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Mat, Param};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;

use super::contest::Contest;
use super::frame::Frame;
use super::limits::Limits;
use super::reading::{Reading, Side};
use super::vectors;
use super::{
    Answer, Encoded, Item, Learnt, Measures, Objective, Set, Stage, lexical, measured, ranked,
};
use crate::data::{Content, Rejection, Row};
use crate::error::{Error, Result};
use crate::recipe::TaskSettings;

/// A query and its candidates.
pub struct Retrieve {
    frame: Frame,
    limits: Limits,
    pooling: Pool,
    temperature: f32,
    symmetric: bool,
    hard_negatives: usize,
    metric: Option<String>,
}

const TEMPERATURE: f64 = 0.05;

impl Retrieve {
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        network: &dyn Network,
        frame: Frame,
        limits: Limits,
    ) -> Result<Retrieve> {
        let temperature = settings.temperature.unwrap_or(TEMPERATURE);
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(Error::Setting {
                origin: format!("tasks.{task}"),
                key: "temperature".into(),
                message: format!("expected a number above 0, found {temperature}"),
                hint: None,
            });
        }
        Ok(Retrieve {
            pooling: vectors::pooling(task, settings, network)?,
            frame,
            limits,
            temperature: temperature as f32,
            symmetric: settings.symmetric.unwrap_or(false),
            hard_negatives: settings.hard_negatives.unwrap_or(0),
            metric: settings.metric.clone(),
        })
    }

    /// Ids of a text, or nothing if there is nothing to read.
    fn ids(&self, text: &str, limit: usize, tokenizer: &Tokenizer) -> Result<Option<Vec<u32>>> {
        let body = tokenizer.encode(text, false)?;
        Ok((!body.is_empty()).then(|| self.frame.text(&body, limit)))
    }

    fn query(
        &self,
        query: &str,
        answer: Option<&str>,
        negatives: &[String],
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Vec<Vec<u32>>, &'static str>> {
        let Some(query) = self.ids(query, self.limits.query, tokenizer)? else {
            return Ok(Err("empty query"));
        };
        let mut texts = vec![query];
        let Some(answer) = answer else {
            return Ok(Ok(texts));
        };
        let Some(answer) = self.ids(answer, self.limits.text, tokenizer)? else {
            return Ok(Err("empty answer"));
        };
        texts.push(answer);
        for negative in negatives {
            match self.ids(negative, self.limits.text, tokenizer)? {
                // Cut alike, a wrong answer may have become the right one.
                Some(ids) if ids != texts[1] => texts.push(ids),
                _ => {}
            }
        }
        Ok(Ok(texts))
    }
}

impl Objective for Retrieve {
    fn encode(
        &self,
        row: Row,
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>> {
        let reject = |reason| Ok(Err(Rejection::plain(row.place.clone(), reason)));
        let name = |name: Option<String>| name.unwrap_or_else(|| row.place.to_string());
        let mut encoded = Encoded::item(Vec::new(), 0);
        match row.content {
            Content::Query {
                query,
                answer,
                negatives,
            } => {
                let text = answer.as_ref().map(|answer| &answer.text[..]);
                match self.query(&query, text, &negatives, tokenizer)? {
                    Ok(texts) => encoded.texts = texts,
                    Err(reason) => return reject(reason),
                }
                match answer {
                    Some(answer) => encoded.found = Some((1, name(answer.name))),
                    None => encoded.label = Item::UNKNOWN,
                }
            }
            Content::Candidate(candidate) => {
                let Some(ids) = self.ids(&candidate.text, self.limits.text, tokenizer)? else {
                    return reject("empty text");
                };
                encoded.texts.push(ids);
                encoded.is_item = false;
                encoded.found = Some((0, name(candidate.name)));
            }
            Content::Member { text, class } => {
                let Some(ids) = self.ids(&text, self.limits.text, tokenizer)? else {
                    return reject("empty text");
                };
                encoded.texts.push(ids);
                encoded.class = Some(class);
            }
            _ => return reject("not a row of this kind of task"),
        }
        Ok(Ok(encoded))
    }

    /// Chooses hard negatives: texts of the pool that share words with the query and do not answer it.
    fn complete(&self, set: &mut Set) -> Result<()> {
        match self.hard_negatives {
            0 => Ok(()),
            most => lexical::add_negatives(set, most),
        }
    }

    fn reading(&self, side: Side) -> Option<Reading> {
        Some(Reading {
            frame: self.frame.clone(),
            max_length: match side {
                Side::Query => self.limits.query,
                Side::Candidate => self.limits.text,
            },
            pooling: self.pooling,
        })
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
        let place = format!("members of task {}", stage.task);
        let contest = Contest::of(set, batch, Stream::new(stage.seed, stage.step, &place));
        if contest.queries.is_empty() {
            return Ok(Learnt::default());
        }
        let texts = &contest.distinct.texts;
        let loss = vectors::learn(
            stage,
            &set.shelf,
            texts,
            self.pooling,
            factor,
            grads,
            |pass, vectors| contest.loss(pass, vectors, self.temperature, self.symmetric),
        )?;
        Ok(Learnt {
            loss,
            units: contest.queries.len() as u64,
            tokens: contest.distinct.tokens(&set.shelf),
        })
    }

    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        match set.classes.is_empty() {
            true => ranked::among_pool(stage, set, self.pooling),
            false => ranked::among_members(stage, set, self.pooling),
        }
    }

    fn vectors(&self, stage: &Stage<'_>, set: &Set) -> Result<Option<Mat>> {
        ranked::first_texts(stage, set, self.pooling).map(Some)
    }

    /// Over batches of [`LOSS_BATCH`] items in their order: the loss depends on how many candidates
    /// there are, so it must be the same number each time.
    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let numbers: Vec<usize> = (0..set.items.len()).collect();
        let mut learnt = Learnt::default();
        let draw = Stream::new(0, 0, "members of a set");
        for batch in numbers.chunks(LOSS_BATCH) {
            let contest = Contest::of(set, batch, draw);
            if contest.queries.is_empty() {
                continue;
            }
            let texts = &contest.distinct.texts;
            let found = vectors::answer(stage, &set.shelf, texts, self.pooling)?;
            let pass = stage.answering();
            let loss = contest.loss(
                &pass,
                &pass.constant(found),
                self.temperature,
                self.symmetric,
            )?;
            let units = contest.queries.len() as u64;
            learnt.loss += f64::from(loss.scalar()) * units as f64;
            learnt.units += units;
            learnt.tokens += contest.distinct.tokens(&set.shelf);
        }
        learnt.loss /= learnt.units.max(1) as f64;
        Ok(learnt)
    }

    fn measure(&self, _set: &Set, answers: &[Answer]) -> Measures {
        measured::ranks(answers, self.metric.as_deref())
    }
}

/// Queries that meet each other's answers when the loss over a whole set is taken.
const LOSS_BATCH: usize = 64;
