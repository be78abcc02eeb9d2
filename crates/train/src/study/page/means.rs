//! Tables of measures: one for each base with a column for each task and a row for each belt and
//! arm, and one of all sets of tasks. A number that is missing is shown with what became of its
//! cells; seeds that are missing are told.

use serde::Serialize;

use super::axis::Scale;
use super::differences::{self, Mark};
use super::mention;
use super::view::{Dot, Places};
use crate::study::results::{BaseFacts, BeltFacts, Cell, Mean, TaskFacts};

/// Pixels of the strip of seeds.
const WIDTH: f64 = 120.0;
const EDGE: f64 = 6.0;

/// All tasks on one base.
#[derive(Serialize)]
pub struct Wide<'a> {
    base: &'a BaseFacts,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    belt: &'a BeltFacts,
    belt_number: usize,
    arm: &'a str,
    cells: Vec<Entry>,
}

/// A task's number in a line, or why there is none.
#[derive(Serialize)]
pub struct Entry {
    task_number: usize,
    shown: Option<Shown>,
    mark: Option<Mark>,
    lacking: Option<String>,
    /// What of the prompts could not be read, where the task was asked in words.
    unread: Option<String>,
}

/// A mean with all that must stand beside it.
#[derive(Serialize)]
pub struct Shown {
    value: f64,
    mean: String,
    interval: Option<String>,
    at: f64,
    low: Option<f64>,
    high: Option<f64>,
    seeds: Vec<Dot>,
}

/// A task in a set of tasks.
#[derive(Serialize)]
pub struct Row<'a> {
    task: &'a str,
    task_number: Option<usize>,
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    company: String,
    shown: Shown,
    few: Option<String>,
}

/// One table for each base that has a cell. Arms of pairs and of all but one have tables of their
/// own.
pub fn wide<'a>(places: &Places<'a>) -> Vec<Wide<'a>> {
    let study = &places.results.study;
    let bases = study.bases.iter().map(|base| Wide {
        base,
        lines: lines(places, base),
    });
    bases.filter(|wide| !wide.lines.is_empty()).collect()
}

fn lines<'a>(places: &Places<'a>, base: &'a BaseFacts) -> Vec<Line<'a>> {
    let study = &places.results.study;
    let mut lines = Vec::new();
    for (belt_number, belt) in study.belts.iter().enumerate() {
        let mut seen: Vec<Vec<&str>> = Vec::new();
        for arm in &study.arms {
            let cells = places.results.cells.iter();
            let cells: Vec<&Cell> = cells
                // What an endpoint answered, or somebody elsewhere, is of no base and stands with each.
                .filter(|cell| cell.base == base.name || cell.base.is_empty())
                .filter(|cell| cell.belt == belt.name && cell.arms.contains(arm))
                .collect();
            let keys = cells.iter().map(|cell| cell.key.as_str()).collect();
            let apart = ["pairs", "leave_one_out"].contains(&arm.as_str());
            if apart || cells.is_empty() || seen.contains(&keys) {
                continue;
            }
            let tasks = study.tasks.iter().enumerate();
            lines.push(Line {
                belt,
                belt_number,
                arm: mention::arm(arm, &belt.kind),
                cells: tasks
                    .map(|(number, task)| entry(places, number, task, arm, &cells))
                    .collect(),
            });
            seen.push(keys);
        }
    }
    lines
}

fn entry(
    places: &Places<'_>,
    task_number: usize,
    task: &TaskFacts,
    arm: &str,
    cells: &[&Cell],
) -> Entry {
    let of_task = cells.iter().filter(|cell| cell.tasks.contains(&task.name));
    let of_task: Vec<&Cell> = of_task.copied().collect();
    let lacking = match of_task.is_empty() {
        true => Some("not in the plan".to_owned()),
        false => Places::lacking(&of_task),
    };
    let (base, belt) = match cells.first() {
        Some(cell) => (&cell.base, &cell.belt),
        None => (&task.name, &task.name),
    };
    let tables = &places.results.tables;
    let mut means = tables.means.iter();
    let mean = means.find(|mean| {
        mean.task == task.name
            && (&mean.base, &mean.belt) == (base, belt)
            && mean.arms.iter().any(|it| it == arm)
    });
    let mut multi = tables.multi_minus_single.iter();
    let multi = multi.find(|it| {
        it.task == task.name && (&it.base, &it.a.belt) == (base, belt) && arm == "multi"
    });
    Entry {
        task_number,
        lacking: match mean {
            None => lacking.or_else(|| Some("no value".to_owned())),
            Some(_) => lacking,
        },
        shown: mean.map(|mean| shown(places, mean)),
        mark: multi.map(|it| differences::mark(it, task.rises)),
        unread: unread(&of_task),
    }
}

/// `3.2% not read`: the share of prompts without an answer, over the runs of a task.
fn unread(cells: &[&Cell]) -> Option<String> {
    let outcomes = cells.iter().filter_map(|cell| cell.outcome.as_ref());
    let asked = outcomes.filter_map(|outcome| outcome.asked.as_ref());
    let (failed, prompts) = asked.fold((0, 0), |(failed, prompts), asked| {
        let own: u64 = asked.failures.values().sum();
        (failed + own, prompts + asked.prompts)
    });
    (prompts > 0).then(|| format!("{:.1}% not read", 100.0 * failed as f64 / prompts as f64))
}

/// Every mean, in the order of the results.
pub fn rows<'a>(places: &Places<'a>) -> Vec<Row<'a>> {
    let all = places.results.study.tasks.len();
    let means = places.results.tables.means.iter();
    means
        .map(|mean| Row {
            task: &mean.task,
            task_number: places.task(&mean.task),
            base: &mean.base,
            belt: &mean.belt,
            belt_number: places.belt(&mean.belt),
            company: mention::company(&mean.task, &mean.tasks, all),
            shown: shown(places, mean),
            few: places.few(mean.seeds.len()),
        })
        .collect()
}

/// On the scale of its task, the same in all tables.
fn shown(places: &Places<'_>, mean: &Mean) -> Shown {
    let same = places.results.tables.means.iter();
    let same = same.filter(|other| other.task == mean.task);
    let values = same.flat_map(|other| {
        let ends = other.interval.iter().flat_map(|it| [it.low, it.high]);
        let seeds = other.seeds.iter().map(|seed| seed.value);
        ends.chain(seeds).chain([other.mean])
    });
    let scale = Scale::linear(values, EDGE, WIDTH - EDGE);
    Shown {
        value: mean.mean,
        mean: mention::measure(mean.mean),
        interval: mean.interval.as_ref().map(mention::interval),
        at: scale.at(mean.mean),
        low: mean.interval.map(|it| scale.at(it.low)),
        high: mean.interval.map(|it| scale.at(it.high)),
        seeds: places.dots(&mean.seeds, |value| scale.at(value)),
    }
}
