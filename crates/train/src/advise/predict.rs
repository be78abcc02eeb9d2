//! The prediction: from the looks of one run or several to a matrix of pairs, with the spread that
//! comes from which looks were had. It reads no files.

use rayon::prelude::*;
use serde::Serialize;
use skillbelt_engine::random::Stream;

use super::Pairwise;
use super::check::{below, named};
use super::grouping::{self, Search};
use super::line::Look;
use crate::error::Result;
use crate::evaluate::{Draws, Interval};

/// Fewer looks than this say nothing of how sure a prediction is.
const LEAST_LOOKS: usize = 4;

/// How much of its spread is taken off a cell before tasks are grouped by it.
pub const PENALTY: f64 = 1.0;

/// What the looks foresee.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The share of a step of its own that a task gets from a step on its partner: the mean of
    /// `affinity` and `agreement`, or the one that is known.
    pub matrix: Pairwise,
    /// Look-ahead affinity over the task's own, within -1 and 1.
    pub affinity: Pairwise,
    /// Mean cosine of the gradients.
    pub agreement: Pairwise,
    /// By cell: standard deviation over the draws; nothing where there are too few looks.
    pub spread: Vec<Vec<Option<f64>>>,
    pub intervals: Vec<Vec<Option<Interval>>>,
    /// Which tasks should share a belt.
    pub groups: Vec<Vec<String>>,
    /// Their mean predicted gain, without the penalty.
    pub gain: f64,
    /// The share of draws in which the same grouping wins; nothing where there are too few looks.
    pub certainty: Option<f64>,
    /// Whether all groupings were tried, or groups were merged greedily.
    pub exhaustive: bool,
}

/// Foresees the matrix of pairs. `runs` holds the looks of each run, in the order of their steps.
pub fn predict(names: &[String], runs: &[Vec<Look>], draws: &Draws) -> Result<Prediction> {
    let all: Vec<&Look> = runs.iter().flatten().collect();
    let estimate = Estimate::of(names.len(), &all);
    let of = |cells| Pairwise::new(names.to_vec(), cells);
    let matrix = of(estimate.mixed())?;
    let sure = all.len() >= LEAST_LOOKS;
    let drawn = match sure {
        true => drawn(names, runs, draws)?,
        false => Vec::new(),
    };
    let over = |task, partner| -> Vec<f64> {
        drawn
            .iter()
            .filter_map(|matrix| matrix.at(task, partner))
            .collect()
    };
    let each = |cell: &dyn Fn(usize, usize) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        let tasks = 0..names.len();
        tasks
            .clone()
            .map(|a| tasks.clone().map(|b| cell(a, b)).collect())
            .collect()
    };
    let spread = each(&|task, partner| deviation(&over(task, partner)));
    let tasks = 0..names.len();
    let intervals = tasks
        .clone()
        .map(|a| tasks.clone().map(|b| draws.interval(&over(a, b))).collect());
    let intervals = intervals.collect();
    let search = Search::new(names.len());
    let groups = search.best(&careful(&matrix, &spread));
    let same = |matrix: &Pairwise| search.best(&careful(matrix, &spread)) == groups;
    let wins = drawn.par_iter().filter(|matrix| same(matrix)).count();
    Ok(Prediction {
        affinity: of(estimate.affinity)?,
        agreement: of(estimate.agreement)?,
        intervals,
        groups: named(&matrix, &groups),
        gain: grouping::gain(&matrix, &groups),
        certainty: sure.then(|| wins as f64 / drawn.len().max(1) as f64),
        exhaustive: names.len() <= grouping::EXHAUSTIVE_TASKS,
        spread,
        matrix,
    })
}

/// The matrix with the penalty for what is not sure.
fn careful(matrix: &Pairwise, spread: &[Vec<Option<f64>>]) -> Pairwise {
    let mut careful = matrix.clone();
    for (row, spread) in careful.cells.iter_mut().zip(spread) {
        for (cell, spread) in row.iter_mut().zip(spread) {
            *cell = cell.map(|cell| cell - PENALTY * spread.unwrap_or(0.0));
        }
    }
    careful
}

/// Matrices of draws: of the runs with return, and in each drawn run of blocks of consecutive looks,
/// because a look resembles the one before it. A block has the root of the number of looks.
fn drawn(names: &[String], runs: &[Vec<Look>], draws: &Draws) -> Result<Vec<Pairwise>> {
    let one = |draw: u64| {
        let stream = Stream::new(draws.seed, draw, "advice.looks");
        let mut bits = (0u64..).map(|index| stream.bits(index));
        let mut next = |count: usize| below(bits.next().unwrap_or_default(), count.max(1));
        let mut looks = Vec::new();
        for _ in runs {
            let run = &runs[next(runs.len())];
            let block = (run.len() as f64).sqrt().round().max(1.0) as usize;
            let end = looks.len() + run.len();
            while looks.len() < end {
                let from = next(run.len());
                let places = (from..from + block.min(end - looks.len())).map(|at| at % run.len());
                looks.extend(places.map(|at| &run[at]));
            }
        }
        Pairwise::new(names.to_vec(), Estimate::of(names.len(), &looks).mixed())
    };
    (0..draws.count).into_par_iter().map(one).collect()
}

fn deviation(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
}

/// What a number of looks says.
struct Estimate {
    affinity: Vec<Vec<Option<f64>>>,
    agreement: Vec<Vec<Option<f64>>>,
}

impl Estimate {
    fn of(tasks: usize, looks: &[&Look]) -> Estimate {
        let mean = |of: &dyn Fn(&Look) -> Option<f64>| {
            let known: Vec<f64> = looks.iter().filter_map(|look| of(look)).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let each = |cell: &dyn Fn(usize, usize) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
            let row = |a| (0..tasks).map(|b| cell(a, b)).collect();
            (0..tasks).map(row).collect()
        };
        let ahead = each(&|a, b| mean(&|look| look.affinity[a][b]));
        Estimate {
            // A ratio of means: single looks have own affinities near zero.
            affinity: each(&|a, b| {
                let own = ahead[a][a].filter(|own| *own > 0.0)?;
                Some((ahead[a][b]? / own).clamp(-1.0, 1.0))
            }),
            agreement: each(&|a, b| mean(&|look| look.agreement[a][b])),
        }
    }

    fn mixed(&self) -> Vec<Vec<Option<f64>>> {
        let mix = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
            (Some(a), Some(b)) => Some((a + b) / 2.0),
            (one, other) => one.or(*other),
        };
        let rows = self.affinity.iter().zip(&self.agreement);
        rows.map(|(a, b)| a.iter().zip(b).map(mix).collect())
            .collect()
    }
}
