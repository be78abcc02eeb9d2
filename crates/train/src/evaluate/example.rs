//! One answered example as one line of JSON: what was said, and what is true where that is known.
//!
//! A line holds everything that its measures need, under names instead of numbers. Scores that are
//! not finite are written as `null`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skillbelt_model::checkpoint::write::file;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::metric;
use crate::task::{Answer, Item, Objective, Set, Stage};

/// Bytes of one line.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// One answered example.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Example {
    Classed(Classed),
    Ranked(Ranked),
    Written(Written),
}

/// A class was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classed {
    pub name: String,
    /// The true class, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Nothing where no answer came; never a class by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
    /// Why no answer came. It counts as the worst answer there could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// By class, in the order of the classes' numbers.
    pub probabilities: IndexMap<String, Option<f64>>,
    /// As the head gave them: one for each class, or the logit of the second of two.
    pub scores: Vec<Option<f32>>,
}

/// Candidates were ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    pub name: String,
    /// The place of the first right answer, from one, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// The places of all right answers, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<usize>,
    pub pool: usize,
    /// Names of the best candidates.
    #[serde(default)]
    pub best: Vec<String>,
    /// How alike each of them is to the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosines: Vec<Option<f32>>,
    /// Why no answer came. Its right answers count as found last of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A text was written, or only the true one foreseen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub name: String,
    pub written: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Of the true text: the sum of the losses of its tokens. Not their mean, from which the sum
    /// could not be had again to the last bit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Why no answer came. It counts as a text without a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Ranked {
    /// The places of all right answers; the last ones there are if no answer came.
    pub fn places(&self) -> Vec<usize> {
        let told: Vec<usize> = match self.ranks.is_empty() {
            true => self.rank.into_iter().collect(),
            false => self.ranks.clone(),
        };
        match self.failed {
            Some(_) => (0..self.pool)
                .map(|place| place + 1)
                .skip(self.pool.saturating_sub(told.len()))
                .collect(),
            None => told,
        }
    }
}

impl Written {
    /// What was written, if an answer came.
    pub fn given(&self) -> Option<&str> {
        let written = self.written.as_deref();
        written.filter(|_| self.failed.is_none())
    }
}

impl Example {
    pub fn name(&self) -> &str {
        match self {
            Example::Classed(example) => &example.name,
            Example::Ranked(example) => &example.name,
            Example::Written(example) => &example.name,
        }
    }

    /// Why there is no answer, if there is none.
    pub fn failed(&self) -> Option<&str> {
        match self {
            Example::Classed(example) => example.failed.as_deref(),
            Example::Ranked(example) => example.failed.as_deref(),
            Example::Written(example) => example.failed.as_deref(),
        }
    }

    /// The text that was written; an answer that never came wrote nothing.
    pub fn written(&self) -> &str {
        match self {
            Example::Written(example) => example.given().unwrap_or_default(),
            Example::Classed(_) | Example::Ranked(_) => "",
        }
    }

    /// Whether there is a truth to measure the answer by.
    pub fn is_known(&self) -> bool {
        match self {
            Example::Classed(example) => example.label.is_some(),
            Example::Ranked(example) => !example.places().is_empty(),
            Example::Written(example) => example.expected.is_some() || example.nats.is_some(),
        }
    }

    /// An answer to an item. `classes` are the names of the classes where there are some.
    pub fn new(item: &Item, answer: &Answer, classes: &[String]) -> Example {
        let name = item.name.clone();
        match answer {
            Answer::Scores(scores) => Example::Classed(classed(name, item.label, scores, classes)),
            Answer::Ranks {
                ranks,
                pool,
                best,
                cosines,
            } => Example::Ranked(Ranked {
                name,
                rank: ranks.first().copied(),
                ranks: if ranks.len() > 1 {
                    ranks.clone()
                } else {
                    Vec::new()
                },
                pool: *pool,
                best: best.clone(),
                cosines: cosines.iter().map(finite).collect(),
                failed: None,
            }),
            Answer::Text {
                written,
                expected,
                loss,
            } => {
                let loss = loss.filter(|(_, tokens)| *tokens > 0);
                Example::Written(Written {
                    name,
                    written: written.clone(),
                    expected: expected.clone(),
                    nats: loss.map(|(nats, _)| nats),
                    tokens: loss.map(|(_, tokens)| tokens),
                    failed: None,
                })
            }
        }
    }

    /// From one line of JSON; what it holds says what it is.
    pub fn parse(line: &str) -> std::result::Result<Example, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let has = |key: &str| value.get(key).is_some();
        let read = if has("scores") {
            Classed::deserialize(&value).map(Example::Classed)
        } else if has("pool") {
            Ranked::deserialize(&value).map(Example::Ranked)
        } else if has("written") {
            Written::deserialize(&value).map(Example::Written)
        } else {
            return Err("expected an answer with `scores`, `pool` or `written`".to_owned());
        };
        read.map_err(|error| error.to_string())
    }
}

fn classed(name: String, label: u32, scores: &[f32], classes: &[String]) -> Classed {
    let class = |number: usize| {
        let known = classes.get(number).cloned();
        known.unwrap_or_else(|| number.to_string())
    };
    let shares = probabilities(scores);
    Classed {
        name,
        label: (label != Item::UNKNOWN).then(|| class(label as usize)),
        prediction: Some(class(metric::predicted(scores))),
        failed: None,
        probabilities: (0..shares.len())
            .map(|at| (class(at), shares[at]))
            .collect(),
        scores: scores.iter().map(finite).collect(),
    }
}

/// JSON has no word for other numbers.
fn finite(number: &f32) -> Option<f32> {
    number.is_finite().then_some(*number)
}

/// The softmax of the scores; of one score, its sigmoid for the second of two classes.
pub fn probabilities(scores: &[f32]) -> Vec<Option<f64>> {
    let logits: Vec<f64> = match scores {
        [logit] => vec![0.0, f64::from(*logit)],
        many => many.iter().map(|score| f64::from(*score)).collect(),
    };
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    let share = |logit: &f64| Some((logit - most).exp() / sum).filter(|share| share.is_finite());
    logits.iter().map(share).collect()
}

/// Answers to a whole set, in its order.
pub fn examples(
    objective: &dyn Objective,
    stage: &Stage<'_>,
    set: &Set,
    classes: &[String],
) -> Result<Vec<Example>> {
    answered(set, &objective.answer(stage, set)?, classes)
}

/// The same of answers that are there.
pub fn answered(set: &Set, answers: &[Answer], classes: &[String]) -> Result<Vec<Example>> {
    if answers.len() != set.items.len() {
        return Err(Error::told(format_args!(
            "{} answers to {} examples",
            answers.len(),
            set.items.len()
        )));
    }
    let each = set.items.iter().zip(answers);
    Ok(each
        .map(|(item, answer)| Example::new(item, answer, classes))
        .collect())
}

/// One line each, in their order. Whoever reads sees the old file or the whole new one.
pub fn write(path: &Path, examples: &[Example]) -> Result<()> {
    Ok(file(path, |out| write_to(out, examples))?)
}

/// The same lines, to anything that takes bytes.
pub fn write_to(out: &mut dyn Write, examples: &[Example]) -> std::io::Result<()> {
    for example in examples {
        serde_json::to_writer(&mut *out, example).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What the answers to a split of a task are called.
pub fn file_name(task: &str, split: Split) -> String {
    format!("{}.{}.jsonl", plain_name(task), split.name())
}

/// The name of a task as part of the name of a file or folder.
pub fn plain_name(task: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    task.chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect()
}

/// All examples of a file; the first line that is none is an error with its number.
pub fn read(path: &Path) -> Result<Vec<Example>> {
    let opened = fs_err::File::open(path).map_err(|source| Error::io(path, source))?;
    let mut lines = BufReader::new(opened);
    let mut examples = Vec::new();
    for line in 1.. {
        let wrong = |message: String| Error::File {
            path: path.to_owned(),
            line,
            message,
            hint: Some("a file of answers is what `skillbelt eval --out` writes".into()),
        };
        let mut bytes = Vec::new();
        let mut limited = lines.by_ref().take(MAX_LINE_BYTES);
        let read = limited.read_until(b'\n', &mut bytes);
        if read.map_err(|source| Error::io(path, source))? == 0 {
            break;
        }
        if bytes.len() as u64 == MAX_LINE_BYTES {
            return Err(wrong(format!("longer than {MAX_LINE_BYTES} bytes")));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| wrong(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        if !text.trim().is_empty() {
            examples.push(Example::parse(text).map_err(wrong)?);
        }
    }
    Ok(examples)
}
