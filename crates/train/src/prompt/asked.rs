//! One task, ready to be asked: its rows as texts, its words and template, the rows that are shown,
//! and the count of all that was left out or failed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;

use super::fit::{Fitted, Losses, as_task, fit};
use super::model::Model;
use super::rows::{Drawn, Kept};
use super::shown::{Showable, Showcase};
use super::template::{Shown, Template, Texts};
use super::words::Words;
use crate::data::{Content, Source};
use crate::error::Result;
use crate::recipe::{Asking, Prompting, TaskSettings, TaskType};

/// Lengths where neither recipe nor preset says one; those of training.
const TEXT: usize = 256;
const QUERY: usize = 64;
const TARGET: usize = 128;

/// A task that is asked in words.
pub struct Asked<'a> {
    pub name: &'a str,
    pub settings: &'a TaskSettings,
    pub prompting: &'a Prompting,
    pub asking: Asking,
    pub model: &'a dyn Model,
    pub classes: Vec<String>,
    pub words: Words,
    pub template: Template,
    pub showcase: Showcase,
    pub drawn: Drawn,
    pub count: RefCell<Count>,
}

/// What happened while a task was asked.
#[derive(Default)]
pub struct Count {
    pub losses: Losses,
    pub failures: BTreeMap<String, u64>,
    pub prompts: u64,
    pub hasher: blake3::Hasher,
}

/// The same, to be written down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    pub task: String,
    pub split: String,
    pub words: Vec<String>,
    /// The hash of all prompts in their order: equal where the same was asked.
    pub prompts_hash: String,
    pub prompts: u64,
    /// Prompts without an answer, by reason, and their share.
    pub failures: BTreeMap<String, u64>,
    pub failure_rate: f64,
    pub left_out: Losses,
    pub seconds: f64,
}

impl Asked<'_> {
    pub fn kind(&self) -> TaskType {
        self.settings.kind.unwrap_or(TaskType::Classify)
    }

    /// The longest text, query and answer in tokens.
    pub fn limits(&self) -> (usize, usize, usize) {
        let of = |limit: Option<usize>, usual| limit.unwrap_or(usual);
        (
            of(self.settings.max_length, TEXT),
            of(self.settings.max_query_length, QUERY),
            of(self.settings.max_target_length, TARGET),
        )
    }

    /// The texts of a row by the names that templates know.
    pub fn texts(&self, content: &Content) -> Texts {
        match content {
            Content::Text { text, .. } => vec![("text", text.clone())],
            Content::Pair { first, second, .. } => {
                vec![("first", first.clone()), ("second", second.clone())]
            }
            Content::Writing { source, .. } => vec![("source", source_text(source))],
            _ => Vec::new(),
        }
    }

    /// Texts as a belt of the task would read them.
    fn cut(&self, texts: Texts, losses: &mut Losses) -> Result<Texts> {
        let (text, query, _) = self.limits();
        let limits = match self.kind() {
            TaskType::Pair => vec![text, text],
            TaskType::Retrieve => vec![query, text],
            TaskType::Classify | TaskType::Generate => vec![text],
        };
        let is_joint =
            self.kind() == TaskType::Pair && self.settings.encoding.as_deref() != Some("separate");
        as_task(self.model, texts, &limits, is_joint, losses)
    }

    /// The prompt of a row's texts, with room for so many more tokens.
    pub fn prompt(&self, row: &Kept, texts: Texts, more: usize) -> Result<Fitted> {
        let shown = self
            .showcase
            .before(&row.name, row.group.as_deref(), &texts);
        let mut unseen = Losses::default();
        let cut = |shown: Shown, unseen: &mut Losses| -> Result<Shown> {
            Ok(Shown {
                texts: self.cut(shown.texts, unseen)?,
                answer: shown.answer,
            })
        };
        let shown = shown.into_iter().map(|shown| cut(shown, &mut unseen));
        let shown = shown.collect::<Result<Vec<_>>>()?;
        let mut count = self.count.borrow_mut();
        let count = &mut *count;
        let texts = self.cut(texts, &mut count.losses)?;
        let cuttable: &[usize] = match self.kind() {
            TaskType::Pair => &[0, 1],
            TaskType::Retrieve => &[1],
            TaskType::Classify | TaskType::Generate => &[0],
        };
        let room = self.model.room(more);
        let losses = &mut count.losses;
        let fitted = fit(
            self.model,
            &self.template,
            &shown,
            &texts,
            cuttable,
            room,
            losses,
        )?;
        count.prompts += 1;
        let text = fitted.as_deref().unwrap_or_default();
        count.hasher.update(&(text.len() as u64).to_le_bytes());
        count.hasher.update(text.as_bytes());
        Ok(fitted)
    }

    /// Counts a failure; gives its reason back.
    pub fn failed(&self, reason: String) -> String {
        let kind = reason.split(':').next().unwrap_or_default().to_owned();
        *self.count.borrow_mut().failures.entry(kind).or_default() += 1;
        reason
    }

    /// Asks those prompts that fit; answers stand in the order of all.
    pub fn of_fitted<T>(
        &self,
        fitted: Vec<Fitted>,
        ask: impl FnOnce(&[String]) -> Result<Vec<std::result::Result<T, String>>>,
    ) -> Result<Vec<std::result::Result<T, String>>> {
        let prompts: Vec<String> = fitted.iter().flatten().cloned().collect();
        let mut answers = match prompts.is_empty() {
            true => Vec::new(),
            false => ask(&prompts)?,
        }
        .into_iter();
        let missing = || Err("no answer: the model gave fewer than were asked".to_owned());
        let each = fitted.into_iter().map(|fitted| match fitted {
            Ok(_) => answers.next().unwrap_or_else(missing),
            Err(reason) => Err(reason),
        });
        Ok(each.collect())
    }

    /// What happened, to be written down.
    pub fn record(&self, split: &str, seconds: f64) -> Record {
        let count = self.count.borrow();
        let failed: u64 = count.failures.values().sum();
        Record {
            task: self.name.to_owned(),
            split: split.to_owned(),
            words: self.words.all().to_vec(),
            prompts_hash: count.hasher.finalize().to_hex().to_string(),
            prompts: count.prompts,
            failures: count.failures.clone(),
            failure_rate: failed as f64 / count.prompts.max(1) as f64,
            left_out: count.losses.clone(),
            seconds,
        }
    }
}

/// A conversation as lines, for it is asked in a prompt of its own.
fn source_text(source: &Source) -> String {
    match source {
        Source::Text(text) => text.clone(),
        Source::Messages(messages) => {
            let said = messages.as_array().into_iter().flatten();
            let said = said.filter_map(|message| message["content"].as_str());
            said.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Training rows as they are shown.
pub fn showables(drawn: &Drawn, classes: &[String], words: &Words) -> Vec<Showable> {
    let mut all = Vec::new();
    for (place, row) in drawn.rows.iter().enumerate() {
        let showable = |texts: Texts, answer: String, class: usize| Showable {
            shown: Shown { texts, answer },
            class,
            group: row.group.clone(),
            name: row.name.clone(),
        };
        match &row.content {
            Content::Text { text, label } => {
                let texts = vec![("text", text.clone())];
                all.extend(
                    of_class(label.as_deref(), classes, words).map(|(w, c)| showable(texts, w, c)),
                );
            }
            Content::Pair {
                first,
                second,
                label,
            } => {
                let texts = vec![("first", first.clone()), ("second", second.clone())];
                all.extend(
                    of_class(label.as_deref(), classes, words).map(|(w, c)| showable(texts, w, c)),
                );
            }
            Content::Writing {
                source,
                target: Some(target),
            } => {
                let texts = vec![("source", source_text(source))];
                all.push(showable(texts, target.clone(), 0));
            }
            Content::Query { .. } | Content::Member { .. } => {
                let [no, yes] = words.all() else { continue };
                let (right, wrong) = candidates(drawn, place);
                for (candidate, word, class) in [(right, yes, 1), (wrong, no, 0)] {
                    let query = query_text(&row.content).unwrap_or_default();
                    let texts =
                        candidate.map(|c| vec![("query", query.to_owned()), ("candidate", c)]);
                    all.extend(texts.map(|texts| showable(texts, word.clone(), class)));
                }
            }
            _ => {}
        }
    }
    all
}

fn of_class(label: Option<&str>, classes: &[String], words: &Words) -> Option<(String, usize)> {
    let class = classes
        .iter()
        .position(|class| Some(class.as_str()) == label)?;
    Some((words.all().get(class)?.clone(), class))
}

/// What asks, in a search.
pub fn query_text(content: &Content) -> Option<&str> {
    match content {
        Content::Query { query, .. } => Some(query),
        Content::Member { text, .. } => Some(text),
        _ => None,
    }
}

/// A right and a wrong candidate of a row, to be shown.
fn candidates(drawn: &Drawn, place: usize) -> (Option<String>, Option<String>) {
    let row = &drawn.rows[place];
    let others = (1..drawn.rows.len()).map(|step| (place + step) % drawn.rows.len());
    match &row.content {
        Content::Query { .. } => {
            let text = |right: usize| drawn.pool.get(right).map(|(_, text)| text.clone());
            let wrong = others.filter_map(|other| drawn.rows[other].right);
            let wrong = wrong
                .filter(|other| Some(*other) != row.right)
                .find_map(text);
            (row.right.and_then(text), wrong)
        }
        Content::Member { class, text } => {
            let mut found = (None, None);
            for other in others {
                if let Content::Member {
                    class: its,
                    text: body,
                } = &drawn.rows[other].content
                {
                    let place = if its == class {
                        &mut found.0
                    } else {
                        &mut found.1
                    };
                    if place.is_none() && body != text {
                        *place = Some(body.clone());
                    }
                }
            }
            found
        }
        _ => (None, None),
    }
}
