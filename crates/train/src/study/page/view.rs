//! What the page says, as plain values for the template: sections in reading order, each made by its
//! own file. Names of tasks and belts are referred to by number where the script filters by them, so
//! that no name has to be safe.

use indexmap::IndexMap;
use serde::Serialize;

use super::{adviser, curves, differences, front, matrix, means, runs};
use crate::study::results::{Cell, CellState, Results, SeedValue, TaskFacts};

#[derive(Serialize)]
pub struct View<'a> {
    results: &'a Results,
    several_bases: bool,
    inside: String,
    standing: Vec<Standing>,
    differences: Vec<differences::Table<'a>>,
    means: Vec<means::Wide<'a>>,
    sets: Vec<means::Row<'a>>,
    matrices: matrix::Matrices<'a>,
    groupings: Vec<front::Row<'a>>,
    fronts: Vec<front::Front<'a>>,
    adviser: adviser::Adviser<'a>,
    curves: Vec<curves::Picture<'a>>,
    sizes: Vec<runs::Size<'a>>,
    runs: Vec<runs::Run<'a>>,
}

/// How many cells are in a state.
#[derive(Serialize)]
struct Standing {
    word: &'static str,
    count: u64,
    percent: f64,
}

/// Where things stand in the results: what every part of the page asks.
pub struct Places<'a> {
    pub results: &'a Results,
    runs: IndexMap<&'a str, usize>,
}

/// A seed's own value and the run behind it.
#[derive(Serialize, Clone)]
pub struct Dot {
    pub seed: u64,
    pub at: f64,
    pub value: String,
    /// The number of the run on this page, where it has one.
    pub run: Option<usize>,
}

impl<'a> Places<'a> {
    pub fn task(&self, name: &str) -> Option<usize> {
        let mut tasks = self.results.study.tasks.iter();
        tasks.position(|task| task.name == name)
    }

    pub fn facts(&self, name: &str) -> Option<&'a TaskFacts> {
        let mut tasks = self.results.study.tasks.iter();
        tasks.find(|task| task.name == name)
    }

    pub fn rises(&self, name: &str) -> bool {
        self.facts(name).is_none_or(|task| task.rises)
    }

    pub fn belt(&self, name: &str) -> Option<usize> {
        let mut belts = self.results.study.belts.iter();
        belts.position(|belt| belt.name == name)
    }

    /// The kind of a belt.
    pub fn kind(&self, name: &str) -> &'a str {
        let mut belts = self.results.study.belts.iter();
        let belt = belts.find(|belt| belt.name == name);
        belt.map_or("", |belt| &belt.kind)
    }

    pub fn run(&self, key: &str) -> Option<usize> {
        self.runs.get(key).copied()
    }

    /// `0 2`: the numbers of tasks, for the filter.
    pub fn numbers(&self, tasks: &[String]) -> String {
        let numbers = tasks.iter().filter_map(|task| self.task(task));
        let words: Vec<String> = numbers.map(|number| number.to_string()).collect();
        words.join(" ")
    }

    /// `1 of 3 seeds`, where not all seeds of the study are in a number.
    pub fn few(&self, seeds: usize) -> Option<String> {
        let all = self.results.study.seeds.len();
        (seeds < all).then(|| format!("{seeds} of {all} seeds"))
    }

    pub fn dots(&self, seeds: &[SeedValue], at: impl Fn(f64) -> f64) -> Vec<Dot> {
        let dot = |seed: &SeedValue| Dot {
            seed: seed.seed,
            at: at(seed.value),
            value: super::mention::measure(seed.value),
            run: self.run(&seed.cell),
        };
        seeds.iter().map(dot).collect()
    }

    /// What became of these cells that gave no number: `1 of 3 failed, 2 of 3 waiting`. Nothing if all are done.
    pub fn lacking(cells: &[&Cell]) -> Option<String> {
        let words: Vec<String> = STATES
            .iter()
            .filter(|(state, _)| *state != CellState::Done)
            .filter_map(|(state, word)| {
                let count = cells.iter().filter(|cell| cell.state == *state).count();
                (count > 0).then(|| format!("{count} of {} {word}", cells.len()))
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

const STATES: [(CellState, &str); 5] = [
    (CellState::Done, "done"),
    (CellState::Running, "running"),
    (CellState::Waiting, "waiting"),
    (CellState::Failed, "failed"),
    (CellState::Damaged, "damaged"),
];

/// The word for a state.
pub fn state(state: CellState) -> &'static str {
    let known = STATES.iter().find(|(known, _)| *known == state);
    known.map_or("unknown", |(_, word)| word)
}

pub fn view(results: &Results) -> View<'_> {
    let cells = results.cells.iter().enumerate();
    let places = Places {
        results,
        runs: cells.map(|(at, cell)| (cell.key.as_str(), at)).collect(),
    };
    View {
        results,
        several_bases: results.study.bases.len() > 1,
        inside: format!("{:.0}%", 100.0 * results.study.bootstrap.inside),
        standing: standing(results),
        differences: differences::tables(&places),
        means: means::wide(&places),
        sets: means::rows(&places),
        matrices: matrix::matrices(&places),
        groupings: front::rows(&places),
        fronts: front::fronts(&places),
        adviser: adviser::adviser(&places),
        curves: curves::pictures(&places),
        sizes: runs::sizes(&places),
        runs: runs::runs(&places),
    }
}

fn standing(results: &Results) -> Vec<Standing> {
    let count = |state| {
        let cells = results.cells.iter();
        cells.filter(|cell| cell.state == state).count() as u64
    };
    let all = results.cells.len().max(1) as f64;
    STATES
        .iter()
        .map(|(state, word)| Standing {
            word,
            count: count(*state),
            percent: (1000.0 * count(*state) as f64 / all).round() / 10.0,
        })
        .filter(|standing| standing.count > 0)
        .collect()
}
