//! The findings of a check as values; as text they are laid out in `page`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

/// All tasks of a check.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub tasks: IndexMap<String, TaskReport>,
}

/// One task.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TaskReport {
    /// `tokens`, or `words` where no tokenizer was given.
    pub unit: &'static str,
    pub splits: IndexMap<&'static str, SplitReport>,
    /// The same content in two splits.
    pub across: Vec<Pairing>,
    pub conflicts: Conflict,
    pub groups: Option<Crossing>,
    /// Texts that were not looked at for near duplicates, because there were too many.
    pub not_compared: u64,
}

/// One split.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SplitReport {
    pub used: u64,
    pub candidates: u64,
    pub rejected: BTreeMap<&'static str, Refused>,
    pub labels: BTreeMap<String, u64>,
    /// By what is measured: `text`, `query`, `candidate`, `source`, `target`.
    pub lengths: IndexMap<&'static str, Lengths>,
    /// Rows whose content stands in an earlier row of the split.
    pub duplicates: u64,
    pub duplicate_examples: Vec<[String; 2]>,
    /// Texts that are almost an earlier text of the split.
    pub near: u64,
    pub near_examples: Vec<[String; 2]>,
    pub duplicate_ids: u64,
    pub duplicate_id_examples: Vec<String>,
}

/// Rejected rows of one reason.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Refused {
    pub count: u64,
    pub examples: Vec<String>,
}

/// How long texts are.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Lengths {
    pub median: u64,
    pub p90: u64,
    pub p99: u64,
    pub longest: u64,
    /// From an upper bound, doubled from 16 on, to the texts up to it.
    pub histogram: BTreeMap<u64, u64>,
    /// What truncation cuts; only where lengths are tokens.
    pub limit: Option<u64>,
    pub cut_rows: f64,
    pub cut_tokens: f64,
}

/// What two splits share: rows of the later one.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pairing {
    pub first: &'static str,
    pub second: &'static str,
    /// Rows of the second whose content stands in the first.
    pub rows: u64,
    pub row_examples: Vec<[String; 2]>,
    /// Distinct parts of rows (functions of pairs, answers of queries) that stand in both.
    pub parts: u64,
    pub part_examples: Vec<[String; 2]>,
    /// Texts of the second that are almost a text of the first.
    pub near: u64,
    pub near_examples: Vec<[String; 2]>,
}

/// Content with several labels.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Conflict {
    pub contents: u64,
    pub examples: Vec<String>,
}

/// Groups and the splits they stand in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Crossing {
    /// Whether the field map names the group, or a usual name was found.
    pub declared: bool,
    pub groups: u64,
    pub crossing: u64,
    pub examples: Vec<String>,
}

impl Report {
    /// Things that make numbers wrong: content, or groups, in several splits; label conflicts; rejected rows.
    pub fn findings(&self) -> u64 {
        self.tasks.values().map(TaskReport::findings).sum()
    }
}

impl TaskReport {
    pub fn findings(&self) -> u64 {
        let rejected = self
            .splits
            .values()
            .map(SplitReport::rejections)
            .sum::<u64>();
        let across = self
            .across
            .iter()
            .map(|pairing| pairing.rows + pairing.parts + pairing.near)
            .sum::<u64>();
        rejected
            + across
            + self.conflicts.contents
            + self.groups.as_ref().map_or(0, |groups| groups.crossing)
    }
}

impl SplitReport {
    pub fn rejections(&self) -> u64 {
        self.rejected.values().map(|refused| refused.count).sum()
    }
}
