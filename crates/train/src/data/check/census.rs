//! What is gathered while rows go by: hashes of what they say, counts, lengths, and places to show.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use indexmap::IndexMap;
use skillbelt_model::Tokenizer;

use super::lengths::Counts;
use super::near::{Texts, words};
use super::report::{Conflict, Crossing, Pairing, Refused, SplitReport, TaskReport};
use super::{is_joint, limits};
use crate::data::{Content, Place, Rejection, Row, Source, Split};
use crate::error::Result;
use crate::recipe::{TaskSettings, TaskType};

/// Examples of one kind that are shown.
const SHOWN: usize = 3;

/// Tells texts apart; a hash, because all texts would not fit in memory.
type Key = [u8; 16];

/// Something that may stand in several places: the first place in each split.
#[derive(Default)]
struct Seen {
    places: [Option<Place>; 3],
}

impl Seen {
    fn splits(&self) -> u8 {
        (0..3)
            .map(|split| u8::from(self.places[split].is_some()) << split)
            .sum()
    }
}

pub struct Census<'t> {
    task: &'t TaskSettings,
    kind: TaskType,
    tokenizer: Option<&'t Tokenizer>,
    split: usize,
    splits: IndexMap<&'static str, SplitReport>,
    counts: IndexMap<&'static str, Counts>,
    /// Contents of rows with their labels so far.
    wholes: HashMap<Key, (Seen, Option<String>)>,
    parts: HashMap<Key, (Seen, Option<usize>)>,
    /// The place of each text that is compared, and its key.
    compared: Vec<(Place, Key)>,
    texts: Texts,
    ids: HashMap<Key, Place>,
    groups: IndexMap<String, Seen>,
    /// By later and earlier split.
    across: IndexMap<(usize, usize), Pairing>,
    conflicts: Conflict,
    conflicting: std::collections::HashSet<Key>,
}

/// What a row is, apart from its place.
struct Said<'r> {
    /// All of it, but for the label.
    whole: Vec<&'r str>,
    label: Option<&'r str>,
    /// Texts that should not stand in two splits.
    parts: Vec<&'r str>,
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
            conflicting: Default::default(),
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

    /// Duplicates of whole rows, and labels that contradict each other.
    fn whole(&mut self, said: &Said<'_>, place: &Place) {
        let key = key(&said.whole);
        let split = self.split;
        let (seen, label) = self
            .wholes
            .entry(key)
            .or_insert_with(|| (Seen::default(), said.label.map(str::to_owned)));
        let first = seen.places.iter().flatten().next().cloned();
        if let (Some(first), true) = (
            &first,
            label.as_deref() != said.label && self.conflicting.insert(key),
        ) {
            self.conflicts.contents += 1;
            let shown = |label: Option<&str>| label.unwrap_or("no label").to_owned();
            if self.conflicts.examples.len() < SHOWN {
                self.conflicts.examples.push(format!(
                    "{first}: {}; {place}: {}",
                    shown(label.as_deref()),
                    shown(said.label)
                ));
            }
        }
        for earlier in 0..3 {
            let Some(first) = &seen.places[earlier] else {
                continue;
            };
            if earlier == split {
                if let Some((_, report)) = self.splits.last_mut() {
                    report.duplicates += 1;
                    show(&mut report.duplicate_examples, first, place);
                }
            } else if let Some(pairing) = self.across.get_mut(&(split, earlier)) {
                pairing.rows += 1;
                show(&mut pairing.row_examples, first, place);
            }
        }
        seen.places[split].get_or_insert_with(|| place.clone());
    }

    /// Texts that stand in two splits; new ones are kept to be compared.
    fn part(&mut self, text: &str, place: &Place) {
        // Of a row that is one text, equal rows are told already.
        let told = matches!(self.kind, TaskType::Classify) || self.by_member();
        let key = key(&[text]);
        let split = self.split;
        let (seen, _) = match self.parts.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let number = self.texts.add(text);
                if number.is_some() {
                    self.compared.push((place.clone(), key));
                }
                entry.insert((Seen::default(), number))
            }
        };
        if seen.places[split].is_some() {
            return;
        }
        for earlier in (0..3).filter(|_| !told) {
            if let (Some(first), Some(pairing)) = (
                &seen.places[earlier],
                self.across.get_mut(&(split, earlier)),
            ) {
                pairing.parts += 1;
                show(&mut pairing.part_examples, first, place);
            }
        }
        if let Some((seen, _)) = self.parts.get_mut(&key) {
            seen.places[split] = Some(place.clone());
        }
    }

    fn by_member(&self) -> bool {
        self.kind == TaskType::Retrieve
            && self.splits.values().any(|split| !split.labels.is_empty())
    }

    fn names(&mut self, row: &Row) {
        if let Some(id) = &row.id {
            match self.ids.entry(key(&[id])) {
                Entry::Vacant(entry) => drop(entry.insert(row.place.clone())),
                Entry::Occupied(entry) => {
                    if let Some((_, report)) = self.splits.last_mut() {
                        report.duplicate_ids += 1;
                        if report.duplicate_id_examples.len() < SHOWN {
                            report.duplicate_id_examples.push(format!(
                                "`{id}`: {}, {}",
                                entry.get(),
                                row.place
                            ));
                        }
                    }
                }
            }
        }
        if let Some(group) = &row.group {
            let seen = self.groups.entry(group.clone()).or_default();
            seen.places[self.split].get_or_insert_with(|| row.place.clone());
        }
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

    fn near(&mut self, share: f64) {
        let splits: Vec<u8> = self
            .compared
            .iter()
            .map(|(_, key)| self.parts.get(key).map_or(0, |(seen, _)| seen.splits()))
            .collect();
        for found in self.texts.matches(&splits, share) {
            let (place, key) = &self.compared[found.text];
            let (_, earlier_key) = &self.compared[found.earlier];
            let (Some((seen, _)), Some((earlier, _))) =
                (self.parts.get(key), self.parts.get(earlier_key))
            else {
                continue;
            };
            for split in (0..3).filter(|split| seen.places[*split].is_some()) {
                let here = seen.places[split].as_ref().unwrap_or(place);
                let Some(there) = &earlier.places[found.split] else {
                    continue;
                };
                if split == found.split {
                    if let Some(report) = self.splits.get_mut(Split::ALL[split].name()) {
                        report.near += 1;
                        show(&mut report.near_examples, there, here);
                    }
                } else if let Some(pairing) = self
                    .across
                    .get_mut(&(split.max(found.split), split.min(found.split)))
                {
                    pairing.near += 1;
                    show(&mut pairing.near_examples, there, here);
                }
            }
        }
    }

    fn crossing(&self) -> Crossing {
        let mut crossing = Crossing {
            declared: self.task.fields.contains_key("group"),
            groups: self.groups.len() as u64,
            ..Crossing::default()
        };
        for (group, seen) in self
            .groups
            .iter()
            .filter(|(_, seen)| seen.splits().count_ones() > 1)
        {
            crossing.crossing += 1;
            if crossing.examples.len() < SHOWN {
                let places: Vec<String> =
                    seen.places.iter().flatten().map(Place::to_string).collect();
                crossing
                    .examples
                    .push(format!("`{group}`: {}", places.join(", ")));
            }
        }
        crossing
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

fn key(texts: &[&str]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

fn show(examples: &mut Vec<[String; 2]>, first: &Place, second: &Place) {
    if examples.len() < SHOWN {
        examples.push([first.to_string(), second.to_string()]);
    }
}
