//! What a study says of the adviser, as `results.json` holds it. Types and their meaning only; nothing
//! is computed here.

use serde::{Deserialize, Serialize};

use crate::advise::Factors;
use crate::study::results::Interval;

/// The adviser on trial, for one base and belt. `docs/adviser.md` defines its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreseen {
    pub base: String,
    pub belt: String,
    /// Of the cells of all tasks that were looked at.
    pub seeds: Vec<u64>,
    /// In all of them.
    pub looks: u64,
    /// Of the time of these cells.
    pub look_share: Option<f64>,
    /// Every task with every partner.
    pub pairs: Vec<ForeseenPair>,
    /// Which tasks should share a belt.
    pub groups: Vec<Vec<String>>,
    /// The share of draws in which the same groups win.
    pub certainty: Option<f64>,
    /// By task: what the looks, the rows and the curves say of it.
    pub factors: Vec<Factors>,
    /// Nothing before two pairs were trained.
    pub trial: Option<Trial>,
    /// What to know before trusting the adviser here.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeseenPair {
    pub task: String,
    pub partner: String,
    /// The gain of `task`, in steps of its own.
    pub foreseen: Option<f64>,
    pub interval: Option<Interval>,
    pub affinity: Option<f64>,
    pub agreement: Option<f64>,
    /// The difference in the table of pairs, turned so that more is better.
    pub measured: Option<f64>,
}

/// How good a prediction was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Cells of the matrix that were foreseen and trained.
    pub pairs: u64,
    /// Spearman's, over these.
    pub correlation: Option<f64>,
    /// By drawing these with return.
    pub interval: Option<Interval>,
    /// By permuting them, as if they had nothing to do with each other.
    pub p: Option<f64>,
    /// By permuting tasks: the one to believe.
    pub p_of_tasks: Option<f64>,
    /// Of the proposed groups, by the gains of the trained pairs.
    pub by_pairs: PairRegret,
    /// Of the proposed groups, by what was trained in them; nothing where they were not trained.
    pub by_groups: Option<GroupRegret>,
}

/// Mean gains of all tasks, by the trained pairs; alone is zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRegret {
    pub best: Vec<Vec<String>>,
    pub proposed_gain: f64,
    pub best_gain: f64,
    pub together_gain: f64,
    pub regret: f64,
    /// The share of all groupings that are better than the proposed one.
    pub better: Option<f64>,
}

/// As in the table of groupings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRegret {
    pub best: Vec<Vec<String>>,
    pub regret: f64,
    pub interval: Option<Interval>,
    /// Its place among the groupings that were trained, from one, and how many these are.
    pub place: u64,
    pub groupings: u64,
}
