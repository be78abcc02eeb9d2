//! What is gathered while rows go by: hashes of what they say, counts, lengths, and places to show.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use skillbelt_model::Tokenizer;

use super::lengths::Counts;
use super::report::{Conflict, Pairing, Refused, SplitReport, TaskReport};
use super::twice::{Key, Seen};
use super::{is_joint, limits};
use crate::data::{Content, Place, Rejection, Row, Source, Split};
use crate::error::Result;
use crate::recipe::{TaskSettings, TaskType};
use skillbelt_code::near::{Texts, words};

/// Examples of one kind that are shown.
pub const SHOWN: usize = 3;

pub struct Census<'t> {
    pub(super) task: &'t TaskSettings,
    pub(super) kind: TaskType,
    pub(super) tokenizer: Option<&'t Tokenizer>,
    pub(super) split: usize,
    pub(super) splits: IndexMap<&'static str, SplitReport>,
    pub(super) counts: IndexMap<&'static str, Counts>,
    /// Contents of rows with their labels so far.
    pub(super) wholes: HashMap<Key, (Seen, Option<String>)>,
    pub(super) parts: HashMap<Key, Seen>,
    /// The place of each text that is compared, and its key.
    pub(super) compared: Vec<(Place, Key)>,
    pub(super) texts: Texts,
    pub(super) ids: HashMap<Key, Place>,
    pub(super) groups: IndexMap<String, Seen>,
    /// By later and earlier split.
    pub(super) across: IndexMap<(usize, usize), Pairing>,
    pub(super) conflicts: Conflict,
    pub(super) conflicting: HashSet<Key>,
}

/// What a row is, apart from its place.
pub(super) struct Said<'r> {
    /// All of it, but for the label.
    pub(super) whole: Vec<&'r str>,
    pub(super) label: Option<&'r str>,
    /// Texts that should not stand in two splits.
    pub(super) parts: Vec<&'r str>,
}

impl<'t> Census<'t> {
    pub fn new(
        task: &'t TaskSettings,
        kind: TaskType,
        tokenizer: Option<&'t Tokenizer>,
    ) -> Census<'t> {
        Census {
            task,
            kind,
            tokenizer,
            split: 0,
            splits: IndexMap::new(),
            counts: IndexMap::new(),
            wholes: HashMap::new(),
            parts: HashMap::new(),
            compared: Vec::new(),
            texts: Texts::default(),
            ids: HashMap::new(),
            groups: IndexMap::new(),
            across: IndexMap::new(),
            conflicts: Conflict::default(),
            conflicting: HashSet::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.splits.is_empty()
    }

    /// What comes now belongs to this split.
    pub fn begin(&mut self, split: Split) {
        self.end_split();
        self.split = split as usize;
        for earlier in self.splits.keys() {
            let pairing = Pairing {
                first: earlier,
                second: split.name(),
                ..Pairing::default()
            };
            let number = Split::ALL
                .iter()
                .position(|split| split.name() == *earlier)
                .unwrap_or(0);
            self.across.insert((self.split, number), pairing);
        }
        self.splits.insert(split.name(), SplitReport::default());
    }

    fn end_split(&mut self) {
        self.ids.clear();
        let counts = std::mem::take(&mut self.counts);
        let in_tokens = self.tokenizer.is_some();
        let limits = limits(self.task);
        let joint = self.kind == TaskType::Pair && is_joint(self.task, self.kind);
        let Some((_, report)) = self.splits.last_mut() else {
            return;
        };
        for (what, counts) in counts {
            let by = match what {
                "query" => "query",
                "target" => "target",
                _ => "text",
            };
            let limit = limits
                .iter()
                .find(|(name, _)| *name == by)
                .map(|(_, limit)| *limit as u64);
            let of_whole = joint == (what == "pair");
            report.lengths.insert(
                what,
                counts.summary(limit.filter(|_| in_tokens && of_whole)),
            );
        }
    }

    fn report(&mut self) -> Option<&mut SplitReport> {
        self.splits.last_mut().map(|(_, report)| report)
    }

    pub fn take(&mut self, row: std::result::Result<Row, Rejection>) -> Result<()> {
        match row {
            Ok(row) => self.used(&row),
            Err(rejection) => {
                self.rejected(&rejection);
                Ok(())
            }
        }
    }

    fn rejected(&mut self, rejection: &Rejection) {
        let Some(report) = self.report() else { return };
        let refused: &mut Refused = report.rejected.entry(rejection.reason).or_default();
        refused.count += 1;
        if refused.examples.len() < SHOWN {
            refused
                .examples
                .push(format!("{}: {}", rejection.place, rejection.detail));
        }
    }

    fn used(&mut self, row: &Row) -> Result<()> {
        self.measure(&row.content)?;
        if let Content::Candidate(_) = row.content {
            // The pool is the same for several splits; it is not learnt from.
            if let Some(report) = self.report() {
                report.candidates += 1;
            }
            return Ok(());
        }
        let messages;
        let said = match &row.content {
            Content::Writing {
                source: Source::Messages(value),
                target,
            } => {
                messages = value.to_string();
                Said {
                    whole: [Some(messages.as_str()), target.as_deref()]
                        .into_iter()
                        .flatten()
                        .collect(),
                    label: None,
                    parts: vec![&messages],
                }
            }
            content => said(content),
        };
        if let Some(report) = self.report() {
            report.used += 1;
            if let Some(label) = said.label {
                *report.labels.entry(label.to_owned()).or_default() += 1;
            }
        }
        self.whole(&said, &row.place);
        for part in &said.parts {
            self.part(part, &row.place);
        }
        self.names(row);
        Ok(())
    }

    fn measure(&mut self, content: &Content) -> Result<()> {
        match content {
            Content::Text { text, .. } | Content::Member { text, .. } => self.length("text", text),
            Content::Pair { first, second, .. } => {
                let both = match self.tokenizer {
                    Some(tokenizer) => tokenizer.encode_pair(first, second, true)?.len(),
                    None => words(first).count() + words(second).count(),
                };
                self.counts.entry("pair").or_default().add(both as u64);
                self.length("text", first)?;
                self.length("text", second)
            }
            Content::Query { query, answer, .. } => {
                self.length("query", query)?;
                answer
                    .as_ref()
                    .map_or(Ok(()), |answer| self.length("candidate", &answer.text))
            }
            Content::Candidate(candidate) => self.length("candidate", &candidate.text),
            Content::Writing { source, target } => {
                match source {
                    Source::Text(text) => self.length("source", text)?,
                    Source::Messages(messages) => {
                        let contents = messages
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(|message| message.get("content")?.as_str());
                        self.length("source", &contents.collect::<Vec<_>>().join("\n"))?;
                    }
                }
                target
                    .as_ref()
                    .map_or(Ok(()), |target| self.length("target", target))
            }
        }
    }

    fn length(&mut self, what: &'static str, text: &str) -> Result<()> {
        let length = match self.tokenizer {
            Some(tokenizer) => tokenizer.encode(text, true)?.len(),
            None => words(text).count(),
        };
        self.counts.entry(what).or_default().add(length as u64);
        Ok(())
    }

    /// Looks for near duplicates and puts everything together.
    pub fn finish(mut self, near: f64) -> TaskReport {
        self.end_split();
        self.near(near);
        let groups = (!self.groups.is_empty()).then(|| self.crossing());
        TaskReport {
            unit: if self.tokenizer.is_some() {
                "tokens"
            } else {
                "words"
            },
            not_compared: self.texts.not_compared,
            splits: self.splits,
            across: self.across.into_values().collect(),
            conflicts: self.conflicts,
            groups,
        }
    }
}

fn said(content: &Content) -> Said<'_> {
    match content {
        Content::Text { text, label } => Said {
            whole: vec![text],
            label: label.as_deref(),
            parts: vec![text],
        },
        Content::Pair {
            first,
            second,
            label,
        } => {
            // A pair is the same whichever stands first.
            let mut whole = vec![first.as_str(), second.as_str()];
            whole.sort_unstable();
            Said {
                whole,
                label: label.as_deref(),
                parts: vec![first, second],
            }
        }
        Content::Query { query, answer, .. } => {
            let answer = answer.as_ref().map(|answer| answer.text.as_str());
            Said {
                whole: std::iter::once(query.as_str()).chain(answer).collect(),
                label: None,
                parts: answer.into_iter().collect(),
            }
        }
        Content::Candidate(candidate) => Said {
            whole: vec![&candidate.text],
            label: None,
            parts: Vec::new(),
        },
        Content::Member { text, class } => Said {
            whole: vec![text],
            label: Some(class),
            parts: vec![text],
        },
        Content::Writing {
            source: Source::Text(source),
            target,
        } => {
            let whole = std::iter::once(source.as_str())
                .chain(target.as_deref())
                .collect();
            Said {
                whole,
                label: None,
                parts: vec![source],
            }
        }
        Content::Writing { target, .. } => Said {
            whole: target.as_deref().into_iter().collect(),
            label: None,
            parts: Vec::new(),
        },
    }
}
