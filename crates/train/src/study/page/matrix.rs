//! The pairwise matrix as heat maps, one for each base and belt: a row is the task that is measured, a
//! column its partner. Colour says how much and which way is good; the number, its interval and its
//! mark stand in the cell. All maps share one range of colour.

use serde::Serialize;

use super::differences::{self, Mark};
use super::mention;
use super::view::Places;
use crate::study::results::{Cell, Comparison};

/// Pixels.
const CELL: (f64, f64) = (116.0, 58.0);
const LEFT: f64 = 84.0;
const TOP: f64 = 30.0;
/// Letters of a name that fit beside the map, and above a column.
const LETTERS: (usize, usize) = (9, 14);
/// The strongest colour, in percent; text stays readable on it.
const STRONGEST: f64 = 56.0;

#[derive(Serialize)]
pub struct Matrices<'a> {
    most: String,
    maps: Vec<Map<'a>>,
}

#[derive(Serialize)]
struct Map<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: usize,
    width: f64,
    height: f64,
    rows: Vec<Label<'a>>,
    columns: Vec<Label<'a>>,
    squares: Vec<Square>,
    says: String,
}

#[derive(Serialize)]
struct Label<'a> {
    name: &'a str,
    clipped: String,
    number: usize,
    at: f64,
}

#[derive(Serialize)]
struct Square {
    tasks: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    /// `better`, `worse`, `alone`, `lacking`.
    tone: &'static str,
    percent: f64,
    number: String,
    below: String,
    mark: Option<Mark>,
}

/// One map for each base and belt with a cell in the arm `pairs`.
pub fn matrices<'a>(places: &Places<'a>) -> Matrices<'a> {
    let results = places.results;
    let sizes = results.tables.pairs.iter().map(|it| it.difference.abs());
    let most = sizes.filter(|size| size.is_finite()).fold(0.0, f64::max);
    let mut maps = Vec::new();
    for base in &results.study.bases {
        for (belt_number, belt) in results.study.belts.iter().enumerate() {
            let cells = results.cells.iter();
            let cells: Vec<&Cell> = cells
                .filter(|cell| cell.base == base.name && cell.belt == belt.name)
                .filter(|cell| cell.arms.iter().any(|arm| arm == "pairs"))
                .collect();
            let size = results.study.tasks.len() as f64;
            if cells.is_empty() {
                continue;
            }
            maps.push(Map {
                base: &base.name,
                belt: &belt.name,
                belt_number,
                width: LEFT + size * CELL.0,
                height: TOP + size * CELL.1,
                rows: labels(places, LETTERS.0, TOP + 0.5 * CELL.1, CELL.1),
                columns: labels(places, LETTERS.1, LEFT + 0.5 * CELL.0, CELL.0),
                squares: squares(places, &base.name, &belt.name, &cells, most),
                says: format!(
                    "Pairwise matrix of {} on {}: each task with one partner, minus alone. The table below holds the same numbers.",
                    belt.name, base.name
                ),
            });
        }
    }
    Matrices {
        most: mention::measure(most),
        maps,
    }
}

fn labels<'a>(places: &Places<'a>, letters: usize, first: f64, step: f64) -> Vec<Label<'a>> {
    let tasks = places.results.study.tasks.iter().enumerate();
    tasks
        .map(|(number, task)| Label {
            name: &task.name,
            clipped: mention::clipped(&task.name, letters),
            number,
            at: first + step * number as f64,
        })
        .collect()
}

fn squares(places: &Places<'_>, base: &str, belt: &str, cells: &[&Cell], most: f64) -> Vec<Square> {
    let tasks = &places.results.study.tasks;
    let mut squares = Vec::new();
    for (row, task) in tasks.iter().enumerate() {
        for (column, partner) in tasks.iter().enumerate() {
            let mut found = places.results.tables.pairs.iter();
            let found = found.find(|it| {
                it.task == task.name
                    && it.base == base
                    && it.a.belt == belt
                    && it.partner.as_ref() == Some(&partner.name)
            });
            let mut square = match found {
                _ if row == column => alone(places, base, belt, &task.name),
                Some(it) => difference(it, task.rises, most),
                None => lacking(cells, &task.name, &partner.name),
            };
            square.tasks = match row == column {
                true => row.to_string(),
                false => format!("{row} {column}"),
            };
            square.x = LEFT + CELL.0 * column as f64 + 1.0;
            square.y = TOP + CELL.1 * row as f64 + 1.0;
            squares.push(square);
        }
    }
    squares
}

fn plain(tone: &'static str, number: String, below: String) -> Square {
    Square {
        tasks: String::new(),
        x: 0.0,
        y: 0.0,
        width: CELL.0 - 2.0,
        height: CELL.1 - 2.0,
        tone,
        percent: 0.0,
        number,
        below,
        mark: None,
    }
}

fn difference(it: &Comparison, rises: bool, most: f64) -> Square {
    let better = (it.difference > 0.0) == rises;
    let share = it.difference.abs() / most.max(f64::MIN_POSITIVE);
    let below = it.interval.as_ref().map(mention::difference_interval);
    Square {
        percent: (STRONGEST * share).round().clamp(0.0, STRONGEST),
        mark: Some(differences::mark(it, rises)),
        ..plain(
            if better { "better" } else { "worse" },
            mention::difference(it.difference),
            below.unwrap_or_else(|| "no interval".to_owned()),
        )
    }
}

/// The diagonal: what is subtracted.
fn alone(places: &Places<'_>, base: &str, belt: &str, task: &str) -> Square {
    let mut means = places.results.tables.means.iter();
    let mean = means.find(|mean| {
        mean.task == task && mean.base == base && mean.belt == belt && mean.tasks.len() == 1
    });
    let shown = mean.map_or("–".to_owned(), |mean| mention::measure(mean.mean));
    plain("alone", shown, "alone".to_owned())
}

fn lacking(cells: &[&Cell], task: &str, partner: &str) -> Square {
    let both = cells.iter().filter(|cell| {
        [task, partner]
            .iter()
            .all(|name| cell.tasks.iter().any(|it| it == name))
    });
    let both: Vec<&Cell> = both.copied().collect();
    let why = match both.is_empty() {
        true => "not in the plan".to_owned(),
        false => Places::lacking(&both).unwrap_or_else(|| "no value".to_owned()),
    };
    plain("lacking", "–".to_owned(), why)
}
