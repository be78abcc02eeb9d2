//! The adviser on trial: for each base and belt what it foresaw against what was trained, as a picture
//! and in words; the five factors as a table. Judging stands elsewhere: here are only drawings.

use serde::Serialize;

use super::axis::{Scale, Tick};
use super::mention;
use super::view::Places;
use crate::advise::{Factors, Over};
use crate::study::results::{Foreseen, ForeseenPair, Trial};

/// Pixels: of the whole picture, and where its axes stand.
const SIZE: (f64, f64) = (340.0, 290.0);
const LEFT: f64 = 56.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 52.0;
const EDGE: f64 = 10.0;

#[derive(Serialize)]
pub struct Adviser<'a> {
    trials: Vec<OnTrial<'a>>,
    factors: Vec<Line<'a>>,
    pairs: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct OnTrial<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    picture: Option<Picture>,
    facts: Vec<(&'static str, String)>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Picture {
    width: f64,
    height: f64,
    left: f64,
    floor: f64,
    top: f64,
    across: Vec<Tick>,
    up: Vec<Tick>,
    zero: (f64, f64),
    points: Vec<Point>,
    says: String,
}

#[derive(Serialize)]
struct Point {
    tasks: String,
    x: f64,
    y: f64,
    low: Option<f64>,
    high: Option<f64>,
    says: String,
}

/// The five factors of a task.
#[derive(Serialize)]
struct Line<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    task: &'a str,
    task_number: Option<usize>,
    numbers: Vec<Number>,
    rows: u64,
}

#[derive(Serialize)]
struct Number {
    value: Option<f64>,
    shown: String,
    note: Option<&'static str>,
}

/// A pair, in the table behind the pictures.
#[derive(Serialize)]
struct Row<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    task: &'a str,
    partner: &'a str,
    tasks: String,
    foreseen: Number,
    interval: Option<String>,
    affinity: Number,
    agreement: Number,
    measured: Number,
}

/// What the page says of the adviser; nothing where no cell was looked at.
pub fn adviser<'a>(places: &Places<'a>) -> Adviser<'a> {
    let all = &places.results.tables.foreseen;
    let factors = all.iter().flat_map(|it| {
        let of = |factors| line(places, it, factors);
        it.factors.iter().map(of).collect::<Vec<_>>()
    });
    let pairs = all.iter().flat_map(|it| {
        let of = |pair| row(places, it, pair);
        it.pairs.iter().map(of).collect::<Vec<_>>()
    });
    Adviser {
        trials: all.iter().map(|it| on_trial(places, it)).collect(),
        factors: factors.collect(),
        pairs: pairs.collect(),
    }
}

fn on_trial<'a>(places: &Places<'a>, it: &'a Foreseen) -> OnTrial<'a> {
    let mut facts = Vec::new();
    if let Some(trial) = &it.trial {
        facts.push(("Rank correlation", correlation(trial)));
    }
    facts.push(("Proposed belts", groups(&it.groups)));
    facts.push((
        "Sure of them",
        match it.certainty {
            Some(share) => format!("the same in {:.0}% of the draws", 100.0 * share),
            None => "cannot be said: too few looks".to_owned(),
        },
    ));
    if let Some(trial) = &it.trial {
        facts.extend(regrets(trial));
    }
    let share = it.look_share.map_or(String::new(), |share| {
        format!(", {:.1}% of the time", 100.0 * share)
    });
    let runs = match it.seeds.len() {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    facts.push(("Made of", format!("{} looks in {runs}{share}", it.looks)));
    OnTrial {
        base: &it.base,
        belt: &it.belt,
        belt_number: places.belt(&it.belt),
        picture: it.trial.as_ref().map(|_| picture(places, it)),
        facts,
        warnings: &it.warnings,
    }
}

fn correlation(trial: &Trial) -> String {
    let Some(value) = trial.correlation else {
        return format!(
            "none: one side of the {} pairs is all the same",
            trial.pairs
        );
    };
    let interval = trial
        .interval
        .as_ref()
        .map_or("no interval".to_owned(), mention::difference_interval);
    let p = trial.p_of_tasks.or(trial.p).map_or(String::new(), |p| {
        format!(", p {} by permuting tasks", mention::p(p))
    });
    format!(
        "{} ({interval}) over {} pairs{p}",
        mention::difference(value),
        trial.pairs
    )
}

fn regrets(trial: &Trial) -> Vec<(&'static str, String)> {
    let by_pairs = &trial.by_pairs;
    let mut facts = vec![(
        "Regret by the pairs",
        match by_pairs.regret > 0.0 {
            false => "none: no grouping gains more".to_owned(),
            true => format!(
                "{}: it gains {}, the best ({}) {}",
                mention::measure(by_pairs.regret),
                mention::difference(by_pairs.proposed_gain),
                groups(&by_pairs.best),
                mention::difference(by_pairs.best_gain)
            ),
        },
    )];
    let by_groups = match &trial.by_groups {
        None => "these belts were not all trained".to_owned(),
        Some(it) => {
            let interval = it
                .interval
                .as_ref()
                .map_or("no interval".to_owned(), mention::difference_interval);
            format!(
                "{} ({interval}): place {} of {}, the best being {}",
                mention::measure(it.regret),
                it.place,
                it.groupings,
                groups(&it.best)
            )
        }
    };
    facts.push(("Regret as trained", by_groups));
    facts
}

fn picture(places: &Places<'_>, it: &Foreseen) -> Picture {
    let both = || {
        it.pairs
            .iter()
            .filter_map(|pair| Some((pair, pair.foreseen?, pair.measured?)))
    };
    let across = both().flat_map(|(pair, foreseen, _)| {
        let ends = pair.interval.iter().flat_map(|it| [it.low, it.high]);
        ends.chain([foreseen]).collect::<Vec<_>>()
    });
    let across = Scale::linear(across.chain([0.0]), LEFT + EDGE, SIZE.0 - EDGE);
    let floor = SIZE.1 - BOTTOM;
    let up = both().map(|(_, _, measured)| measured);
    let up = Scale::linear(up.chain([0.0]), floor, TOP);
    let points = both().map(|(pair, foreseen, measured)| Point {
        tasks: places.numbers(&[pair.task.clone(), pair.partner.clone()]),
        x: across.at(foreseen),
        y: up.at(measured),
        low: pair.interval.map(|it| across.at(it.low)),
        high: pair.interval.map(|it| across.at(it.high)),
        says: format!(
            "{} with {}: foreseen {}, trained {}",
            pair.task,
            pair.partner,
            mention::difference(foreseen),
            mention::difference(measured)
        ),
    });
    Picture {
        width: SIZE.0,
        height: SIZE.1,
        left: LEFT,
        floor,
        top: TOP,
        points: points.collect(),
        zero: (across.at(0.0), up.at(0.0)),
        across: across.ticks(6),
        up: up.ticks(5),
        says: format!(
            "Scatter of {} on {}: the gain of each task with each partner, foreseen against trained. The table of pairs holds the same numbers.",
            it.belt, it.base
        ),
    }
}

/// `defect + clone | search`
fn groups(groups: &[Vec<String>]) -> String {
    let groups: Vec<String> = groups.iter().map(|group| group.join(" + ")).collect();
    groups.join(" | ")
}

fn number(value: Option<f64>, shown: fn(f64) -> String) -> Number {
    Number {
        value,
        shown: value.map_or("–".to_owned(), shown),
        note: None,
    }
}

fn share(value: f64) -> String {
    mention::plain(value, 0.01)
}

fn line<'a>(places: &Places<'a>, it: &'a Foreseen, factors: &'a Factors) -> Line<'a> {
    let stability = Number {
        note: factors
            .stability
            .and_then(|stability| match stability.over {
                Over::Seeds => None,
                Over::Evaluations => Some("of one run"),
                Over::Tests => Some("by test rows"),
            }),
        ..number(factors.stability.map(|it| it.value), share)
    };
    Line {
        base: &it.base,
        belt: &it.belt,
        belt_number: places.belt(&it.belt),
        task: &factors.task,
        task_number: places.task(&factors.task),
        numbers: vec![
            stability,
            number(factors.architecture, share),
            number(factors.complementarity, mention::difference),
            number(factors.asymmetry, mention::difference),
            number(factors.data_quality, share),
        ],
        rows: factors.rows,
    }
}

fn row<'a>(places: &Places<'a>, it: &'a Foreseen, pair: &'a ForeseenPair) -> Row<'a> {
    Row {
        base: &it.base,
        belt: &it.belt,
        belt_number: places.belt(&it.belt),
        task: &pair.task,
        partner: &pair.partner,
        tasks: places.numbers(&[pair.task.clone(), pair.partner.clone()]),
        foreseen: number(pair.foreseen, mention::difference),
        interval: pair.interval.as_ref().map(mention::difference_interval),
        affinity: number(pair.affinity, mention::difference),
        agreement: number(pair.agreement, mention::difference),
        measured: number(pair.measured, mention::difference),
    }
}
