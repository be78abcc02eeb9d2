//! Cost against quality: ways to serve all tasks, by what they cost to train and to keep and by the
//! mean over tasks; as pictures, one for each base and kind of cost, and as a table.

use serde::Serialize;

use super::axis::{Scale, Tick};
use super::mention;
use super::view::Places;
use crate::study::results::{Cost, Grouping};

/// Pixels: of the whole picture, and where its axes stand.
const SIZE: (f64, f64) = (340.0, 250.0);
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 36.0;
const EDGE: f64 = 10.0;

#[derive(Serialize)]
pub struct Front<'a> {
    base: &'a str,
    cost: &'static str,
    width: f64,
    height: f64,
    left: f64,
    floor: f64,
    across: Vec<Tick>,
    up: Vec<Tick>,
    points: Vec<Point>,
    says: String,
}

#[derive(Serialize)]
struct Point {
    belt_number: Option<usize>,
    /// Which drawing stands for the belt.
    shape: usize,
    /// `alone`, `together`, `mixed`.
    kind: &'static str,
    x: f64,
    y: f64,
    low: Option<f64>,
    high: Option<f64>,
    says: String,
}

/// A way to serve all tasks, in the table.
#[derive(Serialize)]
pub struct Row<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    kind: &'static str,
    groups: String,
    value: f64,
    mean: String,
    interval: Option<String>,
    regret_value: f64,
    regret: String,
    regret_interval: Option<String>,
    seeds: usize,
    cost: &'a Cost,
    seconds: String,
    stored: String,
    trained: String,
}

/// Name, what is read from a cost, and how it is written.
type Price = (&'static str, fn(&Cost) -> f64);

const PRICES: [Price; 3] = [
    ("Seconds to train", |cost| cost.seconds),
    ("Bytes stored", |cost| cost.stored_bytes as f64),
    ("Parameters trained", |cost| cost.trained_parameters as f64),
];

/// How many drawings there are; belts beyond them begin anew.
const SHAPES: usize = 6;

pub fn fronts<'a>(places: &Places<'a>) -> Vec<Front<'a>> {
    let mut fronts = Vec::new();
    for base in &places.results.study.bases {
        let all = places.results.tables.groupings.iter();
        let all: Vec<&Grouping> = all.filter(|it| it.base == base.name).collect();
        if all.is_empty() {
            continue;
        }
        for price in PRICES {
            fronts.push(front(places, &base.name, price, &all));
        }
    }
    fronts
}

fn front<'a>(
    places: &Places<'a>,
    base: &'a str,
    (name, cost): Price,
    all: &[&Grouping],
) -> Front<'a> {
    let costs = all.iter().map(|it| cost(&it.cost));
    let across = Scale::log(costs, LEFT + EDGE, SIZE.0 - EDGE);
    let values = all.iter().flat_map(|it| {
        let ends = it.interval.iter().flat_map(|it| [it.low, it.high]);
        ends.chain([it.mean])
    });
    let floor = SIZE.1 - BOTTOM;
    let up = Scale::linear(values, floor, EDGE);
    // What is looked for is drawn last, over the rest.
    let mut ordered: Vec<&&Grouping> = all.iter().collect();
    ordered.sort_by_key(|it| kind(it) != "mixed");
    let points = ordered.into_iter().map(|it| {
        let belt = places.belt(&it.belt);
        Point {
            belt_number: belt,
            shape: belt.unwrap_or(0) % SHAPES,
            kind: kind(it),
            x: across.at(cost(&it.cost)),
            y: up.at(it.mean),
            low: it.interval.map(|it| up.at(it.low)),
            high: it.interval.map(|it| up.at(it.high)),
            says: format!(
                "{}, {}: {} at {}",
                it.belt,
                groups(it),
                mention::measure(it.mean),
                mention::short(cost(&it.cost))
            ),
        }
    });
    Front {
        base,
        cost: name,
        width: SIZE.0,
        height: SIZE.1,
        left: LEFT,
        floor,
        points: points.collect(),
        across: across.ticks(4),
        up: up.ticks(5),
        says: format!(
            "Scatter on {base}: mean over tasks against {}. The table of groupings holds the same numbers.",
            name.to_lowercase()
        ),
    }
}

pub fn rows<'a>(places: &Places<'a>) -> Vec<Row<'a>> {
    let groupings = places.results.tables.groupings.iter();
    groupings
        .map(|it| Row {
            base: &it.base,
            belt: &it.belt,
            belt_number: places.belt(&it.belt),
            kind: kind(it),
            groups: groups(it),
            value: it.mean,
            mean: mention::measure(it.mean),
            interval: it.interval.as_ref().map(mention::interval),
            regret_value: it.regret,
            regret: mention::measure(it.regret),
            regret_interval: it
                .regret_interval
                .as_ref()
                .map(mention::difference_interval),
            seeds: it.seeds.len(),
            cost: &it.cost,
            seconds: mention::short(it.cost.seconds),
            stored: mention::bytes(it.cost.stored_bytes as f64),
            trained: mention::short(it.cost.trained_parameters as f64),
        })
        .collect()
}

fn kind(it: &Grouping) -> &'static str {
    match it.groups.as_slice() {
        groups if groups.iter().all(|group| group.len() == 1) => "alone",
        [_] => "together",
        _ => "mixed",
    }
}

/// `defect + clone | search`
fn groups(it: &Grouping) -> String {
    let groups: Vec<String> = it.groups.iter().map(|group| group.join(" + ")).collect();
    groups.join(" | ")
}
