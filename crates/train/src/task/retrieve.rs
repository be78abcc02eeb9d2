//! `retrieve`: a query must find its answer among all candidates of the batch, however many packs
//! they need.
//!
//! Candidates with the same text are one candidate. Right answers are never negatives: of a query
//! that stands in the batch twice with two answers, neither is a negative of the other; by class, no
//! member of a query's class is.

use std::collections::HashMap;

use skillbelt_engine::ops::{self, Pool};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Param, Pass, Var};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;

use super::frame::Frame;
use super::limits::Limits;
use super::vectors::{self, Distinct};
use super::{
    Answer, Encoded, Item, Learnt, Measures, Objective, Set, Stage, lexical, measured, ranked,
};
use crate::data::{Content, Rejection, Row, TextId};
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

/// Which rows of the distinct texts of a batch are queries and candidates, and which pairs are left
/// out of the loss.
#[derive(Default)]
struct Contest {
    distinct: Distinct,
    queries: Vec<usize>,
    /// Rows of the candidates, each once.
    candidates: Vec<usize>,
    /// Of each query its place among the candidates.
    positives: Vec<usize>,
    /// `[Q x K]`
    excluded: Vec<bool>,
}

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

    /// The contest of the items of a batch. By class, the answer of a member is another one of its
    /// class, drawn anew in every step; a member that is alone in its class asks nothing.
    fn contest(&self, stage: &Stage<'_>, set: &Set, batch: &[usize]) -> Contest {
        let draw = Stream::new(
            stage.seed,
            stage.step,
            &format!("members of task {}", stage.task),
        );
        let members = ranked::members(set);
        let mut contest = Contest::default();
        let mut place = HashMap::new();
        let mut classes: Vec<Vec<u32>> = Vec::new();
        let mut rights: Vec<(usize, usize)> = Vec::new();
        let mut asking = Vec::new();
        let Contest {
            distinct,
            queries,
            candidates,
            positives,
            ..
        } = &mut contest;
        let mut candidate = |distinct: &mut Distinct, text: TextId| {
            let row = distinct.place(text);
            *place.entry(row).or_insert_with(|| {
                candidates.push(row);
                candidates.len() - 1
            })
        };
        // Queries first, so that their rows lie together.
        for number in batch {
            let item = &set.items[*number];
            if let Some(answer) = answer(set, &members, *number, draw) {
                queries.push(distinct.place(item.texts[0]));
                asking.push((item, answer));
            }
        }
        for (query, (item, answer)) in asking.iter().enumerate() {
            let positive = candidate(distinct, *answer);
            positives.push(positive);
            rights.push((queries[query], positive));
            if set.classes.is_empty() {
                continue;
            }
            classes.resize(classes.len().max(positive + 1), Vec::new());
            classes[positive].push(item.label);
        }
        for (item, _) in &asking {
            for negative in item.texts.iter().skip(2) {
                candidate(distinct, *negative);
            }
        }
        let k = contest.candidates.len();
        rights.sort_unstable();
        contest.excluded = vec![false; contest.queries.len() * k];
        for (query, (item, _)) in asking.iter().enumerate() {
            let row = contest.queries[query];
            for candidate in (0..k).filter(|candidate| *candidate != contest.positives[query]) {
                let of_class = classes
                    .get(candidate)
                    .is_some_and(|found| found.contains(&item.label));
                let right = rights.binary_search(&(row, candidate)).is_ok();
                let itself = contest.candidates[candidate] == row;
                contest.excluded[query * k + candidate] = of_class || right || itself;
            }
        }
        contest
    }
}

/// The right answer of an item, if it has one.
fn answer(set: &Set, members: &[Vec<usize>], number: usize, draw: Stream) -> Option<TextId> {
    let item = &set.items[number];
    if set.classes.is_empty() {
        return item.texts.get(1).copied();
    }
    // A twin with the very same text teaches nothing.
    let class = members.get(item.label as usize)?;
    let others: Vec<TextId> = class
        .iter()
        .map(|other| set.items[*other].texts[0])
        .collect();
    let others: Vec<TextId> = others
        .into_iter()
        .filter(|text| *text != item.texts[0])
        .collect();
    let drawn = draw.bits(number as u64) % (others.len() as u64).max(1);
    others.get(drawn as usize).copied()
}

impl Contest {
    fn loss(&self, pass: &Pass, vectors: &Var, how: &Retrieve) -> Result<Var> {
        let queries = ops::take_rows(pass, vectors, &self.queries)?;
        let candidates = ops::take_rows(pass, vectors, &self.candidates)?;
        Ok(ops::contrastive_loss_among(
            pass,
            &queries,
            &candidates,
            &self.positives,
            &self.excluded,
            how.temperature,
            how.symmetric,
        )?)
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
        let contest = self.contest(stage, set, batch);
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
            |pass, vectors| contest.loss(pass, vectors, self),
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

    /// Over batches of [`LOSS_BATCH`] items in their order: the loss depends on how many candidates
    /// there are, so it must be the same number each time.
    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt> {
        let numbers: Vec<usize> = (0..set.items.len()).collect();
        let mut learnt = Learnt::default();
        for batch in numbers.chunks(LOSS_BATCH) {
            let contest = self.contest(stage, set, batch);
            if contest.queries.is_empty() {
                continue;
            }
            let texts = &contest.distinct.texts;
            let found = vectors::answer(stage, &set.shelf, texts, self.pooling)?;
            let pass = stage.answering();
            let loss = contest.loss(&pass, &pass.constant(found), self)?;
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
