//! The five factors by which tasks are said to help each other or not, each as a number with a
//! definition (`docs/adviser.md`). They describe; the prediction is made without them.

use serde::{Deserialize, Serialize};

use super::gather::Folder;
use super::predict::Prediction;

/// Of one task. A number that could not be had is nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factors {
    pub task: String,
    pub rows: u64,
    pub tokens: u64,
    /// Of the rows whose texts come again, the share that most of their equals contradict.
    pub noise_repeated: Option<f64>,
    /// Share of test rows that the belt contradicts with confidence; the mean over runs.
    pub noise_confident: Option<f64>,
    pub stability: Option<Stability>,
    /// How evenly the task pulls at the parts of the belt: 1 for all alike, 1/parts for one only.
    pub architecture: Option<f64>,
    /// What a step on the others does for the task, over what its own does: the mean of its row.
    pub complementarity: Option<f64>,
    /// What the task gives less what it takes: the mean of its column less that of its row.
    pub asymmetry: Option<f64>,
    /// One less the label noise: the confident estimate, or that of repeated rows.
    pub data_quality: Option<f64>,
}

/// One less the spread over what training gained, at least zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stability {
    pub value: f64,
    pub over: Over,
}

/// What the spread is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The best evaluations of runs with different seeds.
    Seeds,
    /// The later half of one run's evaluations: what a single run can say.
    Evaluations,
    /// The test measures of runs with different seeds, over what training gained on the test rows:
    /// what a study without validation rows can say.
    Tests,
}

impl Stability {
    /// One less the deviation of the values of several seeds over what was gained; nothing where
    /// nothing was.
    pub fn of_tests(values: &[f64], gained: f64) -> Option<Stability> {
        let spread = deviation(values).filter(|_| gained > 0.0)?;
        Some(Stability {
            value: (1.0 - spread / gained).max(0.0),
            over: Over::Tests,
        })
    }
}

/// The factors of every task.
pub(super) fn factors(folders: &[Folder], prediction: &Prediction) -> Vec<Factors> {
    let Some(first) = folders.first() else {
        return Vec::new();
    };
    let of = |(task, facts): (usize, &super::line::TaskFacts)| {
        let row = others(
            prediction,
            |other| prediction.affinity.at(task, other),
            task,
        );
        let column = others(
            prediction,
            |other| prediction.affinity.at(other, task),
            task,
        );
        let share = |(all, part): (u64, u64)| (all > 0).then(|| part as f64 / all as f64);
        let repeated = facts.repeated.zip(facts.contradicted).and_then(share);
        let confident = mean(folders.iter().filter_map(|one| one.contradicted[task]));
        Factors {
            task: facts.name.clone(),
            rows: facts.rows,
            tokens: facts.tokens,
            noise_repeated: repeated,
            noise_confident: confident,
            stability: stability(folders, task),
            architecture: evenness(folders, task),
            complementarity: row,
            asymmetry: column.zip(row).map(|(gives, takes)| gives - takes),
            data_quality: confident.or(repeated).map(|noise| 1.0 - noise),
        }
    };
    first.tasks.tasks.iter().enumerate().map(of).collect()
}

fn others(
    prediction: &Prediction,
    cell: impl Fn(usize) -> Option<f64>,
    task: usize,
) -> Option<f64> {
    let others = (0..prediction.matrix.tasks.len()).filter(|other| *other != task);
    mean(others.filter_map(cell))
}

/// Participation of the parts in the square of the gradient, `(sum e)^2 / (parts * sum e^2)`, over
/// the mean energies of all looks.
fn evenness(folders: &[Folder], task: usize) -> Option<f64> {
    let looks = || folders.iter().flat_map(|folder| &folder.looks);
    let parts = looks().map(|look| look.parts.len()).min()?;
    let energy = |part: usize| mean(looks().filter_map(|look| look.parts[part].energy[task]));
    let energies: Vec<f64> = (0..parts).map(energy).collect::<Option<_>>()?;
    let (sum, squares) = energies
        .iter()
        .fold((0.0, 0.0), |(sum, squares), e| (sum + e, squares + e * e));
    let even = sum * sum / (parts as f64 * squares);
    even.is_finite().then_some(even)
}

fn stability(folders: &[Folder], task: usize) -> Option<Stability> {
    let curves: Vec<Vec<f64>> = folders
        .iter()
        .map(|folder| {
            folder
                .evaluations
                .iter()
                .filter_map(|good| good[task])
                .collect()
        })
        .filter(|curve: &Vec<f64>| curve.len() > 1)
        .collect();
    let best = |curve: &Vec<f64>| curve.iter().copied().fold(f64::MIN, f64::max);
    let gained = mean(curves.iter().map(|curve| best(curve) - curve[0]))?;
    let (spread, over) = match curves.as_slice() {
        [curve] => (deviation(&curve[curve.len() / 2..])?, Over::Evaluations),
        curves => {
            let bests: Vec<f64> = curves.iter().map(best).collect();
            (deviation(&bests)?, Over::Seeds)
        }
    };
    // A task that training did not move has no scale to be stable on.
    let value = (gained > 0.0).then(|| (1.0 - spread / gained).max(0.0))?;
    Some(Stability { value, over })
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0u64), |(sum, count), x| (sum + x, count + 1));
    (count > 0).then(|| sum / count as f64)
}

fn deviation(numbers: &[f64]) -> Option<f64> {
    let middle = mean(numbers.iter().copied())?;
    let squares: f64 = numbers.iter().map(|x| (x - middle).powi(2)).sum();
    (numbers.len() > 1).then(|| (squares / (numbers.len() - 1) as f64).sqrt())
}
