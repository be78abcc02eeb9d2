//! Answers of tasks to inputs: what each needs is gathered, read once, and given to its head.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use skillbelt_engine::Mat;
use skillbelt_train::data::Content;
use skillbelt_train::evaluate::Example;
use skillbelt_train::predict::Outcome;
use skillbelt_train::recipe::TaskType;
use skillbelt_train::task::{Side, Task};
use tokio::sync::{mpsc, oneshot};

use super::house::House;
use super::model::Model;
use super::openai::asked::One;
use super::openai::writing::all;
use super::predict::Inputs;
use super::reading::{Cut, Embedded, Wanted, embed, in_time};
use super::refusal::Refusal;
use super::work::order::{Asking, Ear, Writing};

/// Pairs that are joined are read so many at a time.
const PAIRS: usize = 16;

/// What a task says of one input.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Judged {
    Class {
        label: String,
        /// The probability of that class, as the head gives it.
        confidence: f64,
        probabilities: IndexMap<String, f64>,
    },
    Text {
        text: String,
        finish_reason: &'static str,
    },
}

/// The answers of all tasks.
pub struct Given {
    /// Of each task, then each input.
    pub judged: Vec<Vec<Judged>>,
    /// Which inputs were not read whole by some task.
    pub cut: Vec<bool>,
    pub tokens: usize,
}

/// Asks tasks that suit the inputs.
pub async fn judge(
    house: &House,
    place: usize,
    tasks: &[&Task],
    inputs: Inputs,
) -> Result<Given, Refusal> {
    let model = Arc::clone(&house.models[place]);
    let texts: Vec<&str> = match &inputs {
        Inputs::Texts(texts) => texts.iter().map(String::as_str).collect(),
        Inputs::Pairs(pairs) => {
            let both = pairs.iter().flat_map(|(first, second)| [first, second]);
            both.map(String::as_str).collect()
        }
    };
    let read = vectors(house, place, &model, tasks, &texts).await?;
    let mut given = Given {
        judged: Vec::with_capacity(tasks.len()),
        cut: vec![false; inputs.len()],
        tokens: read.values().map(|embedded| embedded.tokens).sum(),
    };
    let per_input = texts.len() / inputs.len().max(1);
    for embedded in read.values() {
        for (text, cut) in embedded.cut.iter().enumerate() {
            given.cut[text / per_input] |= cut;
        }
    }
    for task in tasks {
        let way = model.way(task, Side::Candidate);
        let judged = match (task.settings.kind, way.and_then(|way| read.get(&way))) {
            (Some(TaskType::Generate), _) => write(house, place, &model, task, &texts).await?,
            (_, Some(embedded)) => classes(&model, task, &embedded.vectors, &inputs)?,
            (_, None) => joined(house, place, task, &inputs).await?,
        };
        given.judged.push(judged);
    }
    Ok(given)
}

/// The vectors of all texts in every way that the tasks read them; all ways wait at the desk at once.
async fn vectors(
    house: &House,
    place: usize,
    model: &Model,
    tasks: &[&Task],
    texts: &[&str],
) -> Result<BTreeMap<usize, Embedded>, Refusal> {
    let ways: std::collections::BTreeSet<usize> = tasks
        .iter()
        .filter_map(|task| model.way(task, Side::Candidate))
        .collect();
    let mut read = BTreeMap::new();
    let mut waiting = Vec::new();
    for way in ways {
        let wanted = Wanted {
            texts: texts
                .iter()
                .map(|text| One::Text((*text).to_owned()))
                .collect(),
            way,
            cut: Cut::Allowed,
            unit: false,
        };
        waiting.push((way, Box::pin(embed(house, place, wanted))));
    }
    // Polled once each so that all are handed in, then awaited in turn.
    let mut started: Vec<Option<Result<Embedded, Refusal>>> =
        waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut left = false;
        for ((_, future), slot) in waiting.iter_mut().zip(&mut started) {
            if slot.is_none() {
                match std::future::Future::poll(future.as_mut(), context) {
                    std::task::Poll::Ready(found) => *slot = Some(found),
                    std::task::Poll::Pending => left = true,
                }
            }
        }
        match left {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        }
    })
    .await;
    for ((way, _), found) in waiting.into_iter().zip(started) {
        if let Some(found) = found {
            read.insert(way, found?);
        }
    }
    Ok(read)
}

/// What a head says of vectors of texts, or of pairs of them.
fn classes(
    model: &Model,
    task: &Task,
    vectors: &Mat,
    inputs: &Inputs,
) -> Result<Vec<Judged>, Refusal> {
    let found = match inputs {
        Inputs::Texts(_) => model.reader().judge(task, vectors.clone()),
        Inputs::Pairs(pairs) => {
            let first: Vec<usize> = (0..pairs.len()).map(|pair| 2 * pair).collect();
            let second: Vec<usize> = first.iter().map(|row| row + 1).collect();
            model
                .reader()
                .compare(task, vectors.clone(), (&first, &second))
        }
    };
    let found = found.map_err(Refusal::failed)?;
    let shares = found.ok_or_else(|| Refusal::failed("a task without a head"))?;
    let labels = task.objective.labels();
    let judged = shares.into_iter().map(|shares| {
        let named = labels.iter().cloned().zip(shares);
        class(named.collect())
    });
    Ok(judged.collect())
}

/// The likeliest class; of equal ones the first.
fn class(probabilities: IndexMap<String, f64>) -> Judged {
    let mut best: Option<(&String, f64)> = None;
    for (label, share) in &probabilities {
        if best.is_none_or(|(_, most)| *share > most) {
            best = Some((label, *share));
        }
    }
    let (label, confidence) =
        best.map_or_else(Default::default, |(label, share)| (label.clone(), share));
    Judged::Class {
        label,
        confidence,
        probabilities,
    }
}

/// Pairs that a task reads as one text.
async fn joined(
    house: &House,
    place: usize,
    task: &Task,
    inputs: &Inputs,
) -> Result<Vec<Judged>, Refusal> {
    let Inputs::Pairs(pairs) = inputs else {
        return Err(Refusal::failed("a task that reads no texts alone"));
    };
    let (mut askings, mut answers) = (Vec::new(), Vec::new());
    for some in pairs.chunks(PAIRS) {
        let (reply, answer) = oneshot::channel();
        let pair = |(first, second): &(String, String)| Content::Pair {
            first: first.clone(),
            second: second.clone(),
            label: None,
        };
        askings.push(Asking {
            model: place,
            task: task.place,
            inputs: some.iter().map(pair).collect(),
            reply,
        });
        answers.push(answer);
    }
    house.desk.ask(askings)?;
    let mut judged = Vec::with_capacity(pairs.len());
    for answer in answers {
        for outcome in in_time(house, answer).await? {
            judged.push(of_outcome(outcome)?);
        }
    }
    Ok(judged)
}

fn of_outcome(outcome: Outcome) -> Result<Judged, Refusal> {
    match outcome {
        Outcome::Answered(Example::Classed(answer)) => {
            let shares = answer.probabilities.into_iter();
            Ok(class(
                shares
                    .map(|(label, share)| (label, share.unwrap_or(0.0)))
                    .collect(),
            ))
        }
        Outcome::Rejected(rejection) => Err(Refusal::field("pairs", rejection.reason)),
        _ => Err(Refusal::failed("a pair without a class")),
    }
}

/// Texts of a task that writes.
async fn write(
    house: &House,
    place: usize,
    model: &Model,
    task: &Task,
    texts: &[&str],
) -> Result<Vec<Judged>, Refusal> {
    let writer = model.expect_writer(Some(task.place))?;
    let options = model.task_options(task);
    let (heard, hearing) = mpsc::unbounded_channel();
    let mut writings = Vec::with_capacity(texts.len());
    for (number, text) in texts.iter().enumerate() {
        let prompt = skillbelt_model::generate::Prompt {
            ids: model.prompt(task, text)?,
            number: number as u64,
        };
        writer.check(&prompt).map_err(Refusal::wrong)?;
        writings.push(Writing {
            writer: (place, Some(task.place)),
            prompt,
            options: options.clone(),
            ear: Ear {
                number,
                heard: heard.clone(),
            },
        });
    }
    drop(heard);
    house.desk.write(writings)?;
    let written = all(house, hearing, texts.len()).await?;
    let judged = written.into_iter().map(|written| Judged::Text {
        text: written.text,
        finish_reason: written.finish.name(),
    });
    Ok(judged.collect())
}
