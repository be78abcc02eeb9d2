//! The advice as a whole: from run folders to the matrix, the factors, the groups, and what a person
//! must know before trusting them.

use serde::Serialize;

use super::factors::{Factors, factors};
use super::gather::Folder;
use super::predict::{Prediction, predict};
use crate::error::{Error, Result};
use crate::evaluate::Draws;

/// What `skillbelt advise` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    pub runs: usize,
    pub looks: usize,
    pub draws: u64,
    pub seed: u64,
    pub prediction: Prediction,
    pub factors: Vec<Factors>,
    /// Mean agreement of each pair of tasks by part of the belt.
    pub parts: Vec<PartAgreement>,
    /// Seconds of all looks, and their share of the runs that have ended.
    pub look_seconds: f64,
    pub look_share: Option<f64>,
    pub warnings: Vec<String>,
}

/// Agreement in one part of the belt, early and late.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartAgreement {
    pub layer: String,
    pub site: String,
    /// Pairs of tasks (0,1), (0,2), .., (1,2), ..: mean cosine over the first half of the looks of
    /// every run, and over the second.
    pub early: Vec<Option<f64>>,
    pub late: Vec<Option<f64>>,
}

/// Advises from the folders of one run, or of several that differ in their seed.
pub fn advise(folders: &[Folder], draws: &Draws) -> Result<Advice> {
    let Some(first) = folders.first() else {
        return Err(Error::told("no run was given"));
    };
    let names = names(first);
    if names.len() < 2 {
        return Err(Error::told(format_args!(
            "{}: the run has one task; advice is about several",
            first.path.display()
        )));
    }
    for folder in folders {
        compare(first, folder)?;
    }
    let runs: Vec<_> = folders.iter().map(|folder| folder.looks.clone()).collect();
    let prediction = predict(&names, &runs, draws)?;
    let seconds = |folder: &Folder| folder.looks.iter().map(|look| look.seconds).sum::<f64>();
    let ended: Vec<(f64, f64)> = folders
        .iter()
        .filter_map(|folder| Some((seconds(folder), folder.seconds?)))
        .collect();
    let whole: f64 = ended.iter().map(|(_, run)| run).sum();
    let looked: f64 = ended.iter().map(|(looks, _)| looks).sum();
    Ok(Advice {
        runs: folders.len(),
        looks: folders.iter().map(|folder| folder.looks.len()).sum(),
        draws: draws.count,
        seed: draws.seed,
        factors: factors(folders, &prediction),
        parts: parts(folders),
        look_seconds: folders.iter().map(seconds).sum(),
        look_share: (whole > 0.0).then(|| looked / whole),
        warnings: warnings(folders, &prediction),
        prediction,
    })
}

fn names(folder: &Folder) -> Vec<String> {
    folder
        .tasks
        .tasks
        .iter()
        .map(|task| task.name.clone())
        .collect()
}

/// Refuses runs that are not about the same thing.
fn compare(first: &Folder, other: &Folder) -> Result<()> {
    let (expected, found) = (names(first), names(other));
    if expected != found {
        return Err(Error::told(format_args!(
            "{} has the tasks {}, and {} has {}",
            first.path.display(),
            expected.join(", "),
            other.path.display(),
            found.join(", ")
        ))
        .with_hint("give runs of one recipe that differ in their seed"));
    }
    if other.looks.is_empty() {
        return Err(Error::told(format_args!(
            "{}: no look was made yet",
            other.path.display()
        )));
    }
    let places = |folder: &Folder| -> Vec<(String, String)> {
        let parts = folder.looks.iter().take(1).flat_map(|look| &look.parts);
        parts
            .map(|part| (part.layer.clone(), part.site.clone()))
            .collect()
    };
    let own = |folder: &Folder, count| folder.looks.iter().all(|look| look.parts.len() == count);
    if places(first) != places(other) || !own(other, places(first).len()) {
        return Err(Error::told(format_args!(
            "{} and {} have belts with other parts",
            first.path.display(),
            other.path.display()
        )));
    }
    Ok(())
}

fn parts(folders: &[Folder]) -> Vec<PartAgreement> {
    let Some(parts) = folders.first().and_then(|folder| folder.looks.first()) else {
        return Vec::new();
    };
    let half = |part: usize, pair: usize, late: bool| {
        let (mut sum, mut count) = (0.0, 0u64);
        for folder in folders {
            let (early, later) = folder.looks.split_at(folder.looks.len() / 2);
            for look in if late { later } else { early } {
                if let Some(cosine) = look.parts[part].cosines[pair] {
                    sum += cosine;
                    count += 1;
                }
            }
        }
        (count > 0).then(|| sum / count as f64)
    };
    let of = |(place, part): (usize, &super::line::Part)| {
        let pairs = 0..part.cosines.len();
        PartAgreement {
            layer: part.layer.clone(),
            site: part.site.clone(),
            early: pairs.clone().map(|pair| half(place, pair, false)).collect(),
            late: pairs.map(|pair| half(place, pair, true)).collect(),
        }
    };
    parts.parts.iter().enumerate().map(of).collect()
}

fn warnings(folders: &[Folder], prediction: &Prediction) -> Vec<String> {
    let mut told = Vec::new();
    if prediction.certainty.is_none() {
        told.push("too few looks to say how sure this is; at least 4 are needed".to_owned());
    }
    if folders.len() == 1 {
        told.push("one run: the spread is that of its looks, not of seeds".to_owned());
    }
    let mut seeds: Vec<u64> = folders.iter().map(|folder| folder.tasks.seed).collect();
    seeds.sort_unstable();
    if seeds.windows(2).any(|two| two[0] == two[1]) {
        told.push("two runs have the same seed: their agreement proves nothing".to_owned());
    }
    for facts in folders
        .iter()
        .take(1)
        .flat_map(|folder| &folder.tasks.tasks)
    {
        if !facts.held_is_valid {
            told.push(format!(
                "task {} has no validation rows: its losses were those of training rows",
                facts.name
            ));
        }
    }
    for (task, name) in prediction.matrix.tasks.iter().enumerate() {
        if prediction.affinity.cells[task].iter().all(Option::is_none) {
            told.push(format!(
                "a step on task {name} did not lower its own loss: only gradients speak for it"
            ));
        }
    }
    if !prediction.exhaustive {
        told.push(format!(
            "more than {} tasks: groups were merged greedily, not all were tried",
            super::EXHAUSTIVE_TASKS
        ));
    }
    told
}
