//! Tables of one way against another: each difference with its interval, its p after Holm and the
//! seeds' own differences, on one scale for the whole table. A difference without an interval says
//! so. It judges by direction and p alone, and never by the size of a difference.

use serde::Serialize;

use super::axis::{Scale, Tick};
use super::mention;
use super::view::{Dot, Places};
use crate::study::results::{Comparison, Tables};

/// Pixels of the picture in a row.
pub const WIDTH: f64 = 220.0;
const EDGE: f64 = 8.0;
/// From where a difference counts as one, after Holm.
const SURE: f64 = 0.05;
const VERY_SURE: f64 = 0.01;

/// Comparisons of one kind.
#[derive(Serialize)]
pub struct Table<'a> {
    pub id: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    pub partner: &'static str,
    /// Whether rows differ in whom their task was trained with.
    pub companies: bool,
    pub better: usize,
    pub worse: usize,
    pub unclear: usize,
    pub zero: f64,
    pub ticks: Vec<Tick>,
    pub rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
pub struct Row<'a> {
    pub task: &'a str,
    pub task_number: Option<usize>,
    pub base: &'a str,
    pub belt: &'a str,
    pub belt_number: Option<usize>,
    pub partner: Option<&'a str>,
    pub company: String,
    pub against: String,
    pub value: f64,
    pub difference: String,
    pub interval: Option<String>,
    pub p: Option<f64>,
    pub p_shown: Option<String>,
    pub mark: Mark,
    pub at: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub seeds: Vec<Pair>,
    pub few: Option<String>,
}

/// A seed's two values.
#[derive(Serialize)]
pub struct Pair {
    pub dot: Dot,
    pub a: String,
    pub b: String,
    pub b_run: Option<usize>,
}

/// What a difference is worth.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// `better`, `worse`, `unclear`.
    pub word: &'static str,
    pub sign: &'static str,
}

type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    fn(&Tables) -> &Vec<Comparison>,
);

const KINDS: [Kind; 7] = [
    (
        "multi-single",
        "All tasks together, minus each alone",
        "What sharing one belt gave or cost a task. Same belt, same rows, same seeds.",
        "",
        |tables| &tables.multi_minus_single,
    ),
    (
        "belt-full",
        "A belt, minus full fine-tuning",
        "What is given up, or gained, by training a belt and not the whole base; full fine-tuning of the task alone.",
        "",
        |tables| &tables.belt_minus_full,
    ),
    (
        "pairs",
        "With one partner, minus alone",
        "The numbers of the matrix, one row for each of its cells.",
        "Partner",
        |tables| &tables.pairs,
    ),
    (
        "leave-one-out",
        "All tasks, minus all but one",
        "What the task that was left out gives to the others.",
        "Left out",
        |tables| &tables.leave_one_out,
    ),
    (
        "untrained",
        "Trained, minus before the first step",
        "What training did at all.",
        "",
        |tables| &tables.trained_minus_untrained,
    ),
    (
        "prompted",
        "A belt, minus no training",
        "The same test rows, answered by prompting a model, or with words alone.",
        "",
        |tables| &tables.belt_minus_prompted,
    ),
    (
        "random",
        "On the base, minus on random weights of its shape",
        "What the pretraining of the base is worth.",
        "",
        |tables| &tables.pretrained_minus_random,
    ),
];

/// The tables that have rows.
pub fn tables<'a>(places: &Places<'a>) -> Vec<Table<'a>> {
    KINDS
        .iter()
        .map(|(id, title, says, partner, of)| {
            let rows = of(&places.results.tables);
            let scale = scale(rows);
            let rows: Vec<Row<'_>> = rows.iter().map(|it| row(places, it, &scale)).collect();
            let count = |word| rows.iter().filter(|row| row.mark.word == word).count();
            Table {
                id,
                title,
                says,
                partner,
                companies: rows.iter().any(|row| row.company != rows[0].company),
                better: count("better"),
                worse: count("worse"),
                unclear: count("unclear"),
                zero: scale.at(0.0),
                ticks: scale.ticks(5),
                rows,
            }
        })
        .filter(|table| !table.rows.is_empty())
        .collect()
}

/// Zero is always in it.
fn scale(rows: &[Comparison]) -> Scale {
    let values = rows.iter().flat_map(|row| {
        let seeds = row.seeds.iter().map(|seed| seed.a - seed.b);
        let ends = row.interval.iter().flat_map(|it| [it.low, it.high]);
        seeds.chain(ends).chain([row.difference])
    });
    Scale::linear(values.chain([0.0]), EDGE, WIDTH - EDGE)
}

fn row<'a>(places: &Places<'a>, it: &'a Comparison, scale: &Scale) -> Row<'a> {
    let all = places.results.study.tasks.len();
    let pairs = it.seeds.iter().map(|seed| Pair {
        dot: Dot {
            seed: seed.seed,
            at: scale.at(seed.a - seed.b),
            value: mention::difference(seed.a - seed.b),
            run: places.run(&seed.a_cell),
        },
        a: mention::measure(seed.a),
        b: mention::measure(seed.b),
        b_run: places.run(&seed.b_cell),
    });
    Row {
        task: &it.task,
        task_number: places.task(&it.task),
        base: &it.base,
        belt: &it.a.belt,
        belt_number: places.belt(&it.a.belt),
        partner: it.partner.as_deref(),
        company: mention::company(&it.task, &it.a.tasks, all),
        against: against(it, all),
        value: it.difference,
        difference: mention::difference(it.difference),
        interval: it.interval.as_ref().map(mention::difference_interval),
        p: it.p_holm,
        p_shown: it.p_holm.map(mention::p),
        mark: mark(it, places.rises(&it.task)),
        at: scale.at(it.difference),
        low: it.interval.map(|it| scale.at(it.low)),
        high: it.interval.map(|it| scale.at(it.high)),
        seeds: pairs.collect(),
        few: places.few(it.seeds.len()),
    }
}

/// What is subtracted.
fn against(it: &Comparison, all: usize) -> String {
    let base = it.b.base.as_ref().map(|base| format!(" of {base}"));
    let belt = format!("{}{}", it.b.belt, base.unwrap_or_default());
    match it.b.arms.iter().any(|arm| arm == "prompted") {
        true => belt,
        false => format!("{belt} {}", mention::company(&it.task, &it.b.tasks, all)),
    }
}

/// A difference is one if it stands after Holm; which way is good, the measure says.
pub fn mark(it: &Comparison, rises: bool) -> Mark {
    let p = it.p_holm.filter(|_| it.interval.is_some()).unwrap_or(1.0);
    if p.is_nan() || p >= SURE || it.difference == 0.0 {
        return Mark {
            word: "unclear",
            sign: "",
        };
    }
    let better = (it.difference > 0.0) == rises;
    let (word, signs) = match better {
        true => ("better", ["▲", "▲▲"]),
        false => ("worse", ["▼", "▼▼"]),
    };
    Mark {
        word,
        sign: signs[usize::from(p < VERY_SURE)],
    }
}
