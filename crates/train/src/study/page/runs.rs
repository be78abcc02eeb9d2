//! What stands behind the numbers: each run with its state, recipe, machine and cost; and the sizes of
//! belts, over the runs of a belt and arm.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::mention;
use super::view::{self, Places};
use crate::study::results::{Asked, Cell, Cost};

/// A task, a split, and its measures as they are shown.
type Measures<'a> = (&'a str, &'a str, Vec<(&'a str, String)>);

#[derive(Serialize)]
pub struct Run<'a> {
    number: usize,
    cell: &'a Cell,
    state: &'static str,
    tasks: String,
    belt_number: Option<usize>,
    arms: Vec<&'a str>,
    facts: Vec<(&'static str, String)>,
    machine: Vec<(String, String)>,
    measures: Vec<Measures<'a>>,
}

/// Costs of the finished runs of one belt and arm: the least and the most of each.
#[derive(Serialize)]
pub struct Size<'a> {
    base: &'a str,
    belt: &'a str,
    belt_number: Option<usize>,
    arm: &'a str,
    runs: usize,
    columns: Vec<Span>,
}

#[derive(Serialize)]
struct Span {
    value: f64,
    shown: Option<String>,
}

pub fn runs<'a>(places: &Places<'a>) -> Vec<Run<'a>> {
    let cells = places.results.cells.iter().enumerate();
    cells
        .map(|(number, cell)| Run {
            number,
            cell,
            state: view::state(cell.state),
            tasks: places.numbers(&cell.tasks),
            belt_number: places.belt(&cell.belt),
            arms: cell
                .arms
                .iter()
                .map(|arm| mention::arm(arm, places.kind(&cell.belt)))
                .collect(),
            facts: facts(cell),
            machine: machine(cell),
            measures: measures(cell),
        })
        .collect()
}

fn facts(cell: &Cell) -> Vec<(&'static str, String)> {
    let Some(outcome) = &cell.outcome else {
        return Vec::new();
    };
    let cost = &outcome.cost;
    if let Some(asked) = &outcome.asked {
        return of_asking(asked, cost);
    }
    let mut facts = vec![
        ("Steps", cost.steps.to_string()),
        ("Shipped step", cost.shipped_step.to_string()),
        ("Tokens", cost.tokens.to_string()),
        ("Seconds", format!("{:.1}", cost.seconds)),
        ("Trained parameters", cost.trained_parameters.to_string()),
        ("Stored", mention::bytes(cost.stored_bytes as f64)),
    ];
    if let Some(kib) = cost.peak_memory_kib {
        facts.push(("Peak memory", mention::bytes(1024.0 * kib as f64)));
    }
    if let Some(joules) = cost.joules {
        facts.push(("Energy", format!("{}\u{a0}J", mention::short(joules))));
    }
    facts
}

fn of_asking(asked: &Asked, cost: &Cost) -> Vec<(&'static str, String)> {
    let shown = |name: &str| asked.model.get(name).and_then(Value::as_str);
    let model = match (shown("model"), shown("endpoint"), shown("base")) {
        (Some(model), Some(endpoint), _) => format!("{model} at {endpoint}"),
        (_, _, Some(base)) => format!("a base with weights {base}"),
        _ => asked.model.to_string(),
    };
    let reasons: Vec<String> = asked
        .failures
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let unread = match reasons.is_empty() {
        true => "none".to_owned(),
        false => format!("{:.1}%: {}", 100.0 * asked.failure_rate, reasons.join(", ")),
    };
    let mut facts = vec![
        ("Asked", model),
        ("Prompts", asked.prompts.to_string()),
        ("Without an answer", unread),
        ("Seconds", format!("{:.1}", cost.seconds)),
    ];
    for (name, count) in [
        ("Tokens read", asked.tokens_read),
        ("Tokens written", asked.tokens_written),
    ] {
        facts.extend(count.map(|count| (name, count.to_string())));
    }
    facts.extend(asked.cost.map(|cost| ("Price", mention::plain(cost, 1e-4))));
    facts
}

/// Its entries as they are; what is no table is one entry.
fn machine(cell: &Cell) -> Vec<(String, String)> {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match cell.outcome.as_ref().map(|outcome| &outcome.machine) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(key, value)| (key.replace('_', " "), shown(value)))
            .collect(),
        Some(other) => vec![("machine".to_owned(), shown(other))],
    }
}

/// By task and split.
fn measures(cell: &Cell) -> Vec<Measures<'_>> {
    let mut measures = Vec::new();
    for (task, outcome) in cell.outcome.iter().flat_map(|outcome| &outcome.tasks) {
        for (split, measured) in [("test", &outcome.test), ("valid", &outcome.valid)] {
            if let Some(measured) = measured {
                let values = measured.measures.iter().map(|(name, value)| {
                    let shown = value.map_or("none".to_owned(), mention::measure);
                    (name.as_str(), shown)
                });
                measures.push((task.as_str(), split, values.collect()));
            }
        }
    }
    measures
}

pub fn sizes<'a>(places: &Places<'a>) -> Vec<Size<'a>> {
    let mut groups: IndexMap<(&str, &str, &str), Vec<&Cost>> = IndexMap::new();
    for cell in &places.results.cells {
        if let (Some(outcome), Some(arm)) = (&cell.outcome, cell.arms.first())
            && arm != "prompted"
        {
            let key = (cell.base.as_str(), cell.belt.as_str(), arm.as_str());
            groups.entry(key).or_default().push(&outcome.cost);
        }
    }
    groups
        .into_iter()
        .map(|((base, belt, arm), costs)| Size {
            base,
            belt,
            belt_number: places.belt(belt),
            arm: mention::arm(arm, places.kind(belt)),
            runs: costs.len(),
            columns: columns(&costs),
        })
        .collect()
}

fn columns(costs: &[&Cost]) -> Vec<Span> {
    type Column = (fn(&Cost) -> Option<f64>, fn(f64) -> String);
    let columns: [Column; 6] = [
        (|cost| Some(cost.trained_parameters as f64), mention::short),
        (|cost| Some(cost.stored_bytes as f64), mention::bytes),
        (|cost| Some(cost.tokens as f64), mention::short),
        (|cost| Some(cost.seconds), mention::short),
        (
            |cost| cost.peak_memory_kib.map(|kib| 1024.0 * kib as f64),
            mention::bytes,
        ),
        (|cost| cost.joules, mention::short),
    ];
    columns
        .iter()
        .map(|(of, shown)| {
            let values = costs.iter().filter_map(|cost| of(cost));
            let ends = values.fold(None, |ends: Option<(f64, f64)>, value| match ends {
                None => Some((value, value)),
                Some((low, high)) => Some((low.min(value), high.max(value))),
            });
            Span {
                value: ends.map_or(-1.0, |ends| ends.1),
                shown: ends.map(|(low, high)| match (shown(low), shown(high)) {
                    (low, high) if low == high => low,
                    (low, high) => format!("{low} – {high}"),
                }),
            }
        })
        .collect()
}
