//! How tasks were learnt: small pictures, a row of them for each task with one for each belt, all of a
//! row on one scale. Each seed is a line of its own; nothing is smoothed or averaged.

use serde::Serialize;

use super::axis::{Scale, Tick};
use super::view::Places;
use crate::study::results::{Cell, Curve, TaskFacts};

/// Pixels.
const SIZE: (f64, f64) = (230.0, 140.0);
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 22.0;
const EDGE: f64 = 8.0;

/// One of the two kinds of curves.
#[derive(Serialize)]
pub struct Picture<'a> {
    title: &'static str,
    open: bool,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    base: &'a str,
    task: &'a TaskFacts,
    task_number: usize,
    panels: Vec<Panel<'a>>,
}

#[derive(Serialize)]
struct Panel<'a> {
    belt: &'a str,
    belt_number: usize,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    floor: f64,
    across: Vec<Tick>,
    up: Vec<Tick>,
    lines: Vec<Line>,
    says: String,
}

#[derive(Serialize)]
struct Line {
    /// `alone` or `together`.
    kind: &'static str,
    seed: u64,
    points: String,
    end: Option<(f64, f64)>,
}

type Points = fn(&Curve) -> &[(u64, f64)];

pub fn pictures<'a>(places: &Places<'a>) -> Vec<Picture<'a>> {
    let kinds: [(&'static str, bool, Points); 2] = [
        ("Measure on validation rows", true, |curve| &curve.valid),
        ("Training loss", false, |curve| &curve.train_loss),
    ];
    kinds
        .into_iter()
        .map(|(title, open, points)| Picture {
            title,
            open,
            rows: rows(places, points),
        })
        .filter(|picture| picture.rows.iter().any(|row| !row.panels.is_empty()))
        .collect()
}

/// Of every task; one that wrote no such points has no panels.
fn rows<'a>(places: &Places<'a>, points: Points) -> Vec<Row<'a>> {
    let study = &places.results.study;
    let mut rows = Vec::new();
    for base in &study.bases {
        for (task_number, task) in study.tasks.iter().enumerate() {
            let cells = places.results.cells.iter();
            let curves: Vec<(&Cell, &[(u64, f64)])> = cells
                .filter(|cell| cell.base == base.name)
                .filter(|cell| kind(places, cell).is_some())
                .filter_map(|cell| {
                    let outcome = cell.outcome.as_ref()?.tasks.get(&task.name)?;
                    Some((cell, points(&outcome.curve)))
                })
                .filter(|(_, points)| !points.is_empty())
                .collect();
            rows.push(Row {
                base: &base.name,
                task,
                task_number,
                panels: panels(places, task, &curves),
            });
        }
    }
    rows
}

fn panels<'a>(
    places: &Places<'a>,
    task: &TaskFacts,
    curves: &[(&Cell, &[(u64, f64)])],
) -> Vec<Panel<'a>> {
    let floor = SIZE.1 - BOTTOM;
    let all = || curves.iter().flat_map(|(_, points)| points.iter());
    let steps = all().map(|point| point.0 as f64).chain([0.0]);
    let across = Scale::linear(steps, LEFT, SIZE.0 - EDGE);
    let up = Scale::linear(all().map(|point| point.1), floor, EDGE);
    let belts = places.results.study.belts.iter().enumerate();
    belts
        .map(|(belt_number, belt)| {
            let own = curves.iter().filter(|(cell, _)| cell.belt == belt.name);
            Panel {
                belt: &belt.name,
                belt_number,
                width: SIZE.0,
                height: SIZE.1,
                left: LEFT,
                right: SIZE.0 - EDGE,
                floor,
                across: across.ticks(5),
                up: up.ticks(5),
                lines: own
                    .filter_map(|(cell, points)| {
                        let kind = kind(places, cell)?;
                        Some(line(kind, cell.seed, points, &across, &up))
                    })
                    .collect(),
                says: format!("{} by {}: one line for each seed", task.name, belt.name),
            }
        })
        .filter(|panel| !panel.lines.is_empty())
        .collect()
}

/// Only a task alone and all tasks together are drawn.
fn kind(places: &Places<'_>, cell: &Cell) -> Option<&'static str> {
    let trained = |arm: &String| arm != "prompted" && arm != "untrained";
    match cell.tasks.len() {
        _ if !cell.arms.iter().any(trained) => None,
        1 => Some("alone"),
        count if count == places.results.study.tasks.len() => Some("together"),
        _ => None,
    }
}

fn line(kind: &'static str, seed: u64, points: &[(u64, f64)], across: &Scale, up: &Scale) -> Line {
    let placed = points
        .iter()
        .map(|(step, value)| (across.at(*step as f64), up.at(*value)));
    let places: Vec<(f64, f64)> = placed.collect();
    let words: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
    Line {
        kind,
        seed,
        points: words.join(" "),
        end: places.last().copied(),
    }
}
