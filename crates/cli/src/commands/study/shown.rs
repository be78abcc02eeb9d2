//! What a person sees of a study: the plan, cells, progress, and the tables in short.

use std::fmt::Write;

use skillbelt_train::study::Study;
use skillbelt_train::study::cell::Cell;
use skillbelt_train::study::folder::Standing;
use skillbelt_train::study::results::{CellState, Comparison, Foreseen, Interval, Results};
use skillbelt_train::study::work::{CellEnd, StudyWatch};
use skillbelt_train::watch::{Unwatched, Watch};

use crate::exit::{Failure, say};
use crate::progress;

/// The plan in two lines.
pub fn plan(study: &Study) -> String {
    let file = &study.plan.file;
    let names = |names: Vec<&str>| names.join(", ");
    let arms: Vec<&str> = study
        .plan
        .arms()
        .into_iter()
        .map(|arm| arm.name())
        .collect();
    let prompts = match file.prompts.is_empty() {
        true => String::new(),
        false => format!(
            "prompts {}; ",
            names(file.prompts.keys().map(String::as_str).collect())
        ),
    };
    format!(
        "{} cells: arms {}; belts {}; {prompts}bases {}; {} seeds; tasks {}\n\
         every task takes {} steps in every arm, with the same batches\n",
        study.cells.len(),
        names(arms),
        names(file.belts.keys().map(String::as_str).collect()),
        names(study.plan.bases().keys().map(String::as_str).collect()),
        file.seeds.len(),
        names(file.tasks.keys().map(String::as_str).collect()),
        study.plan.steps()
    )
}

/// Every cell with its state, or the recipe of one.
pub fn cells(study: &Study, index: Option<usize>) -> Result<String, Failure> {
    if let Some(cell) = index.and_then(|index| study.cells.get(index)) {
        return Ok(cell.recipe_text(&study.plan)?);
    }
    let mut text = String::new();
    for (number, cell) in study.cells.iter().enumerate() {
        let state = match study.folder.standing(&cell.key)? {
            Standing::Done(_) => "done".to_owned(),
            Standing::Waiting => "waiting".to_owned(),
            Standing::Running(who) => format!("running: {who}"),
            Standing::Failed(why, _) => format!("failed: {why}"),
            Standing::Damaged(why) => format!("damaged: {why}"),
        };
        let arms: Vec<&str> = cell.arms.iter().map(|arm| arm.name()).collect();
        let _infallible = writeln!(
            text,
            "{number} {} {} ({}): {state}",
            &cell.key[..12],
            cell.name(),
            arms.join(", ")
        );
    }
    Ok(text)
}

/// Tells of cells as they come and go.
pub struct Telling {
    pub quiet: bool,
    /// Show each run as `skillbelt train` does.
    pub bars: bool,
    /// How many cells others held when that was last told.
    pub told: usize,
}

impl StudyWatch for Telling {
    fn began(&mut self, cell: &Cell, place: usize, cells: usize) -> Box<dyn Watch> {
        if !self.quiet {
            say(format_args!(
                "cell {} of {cells}: {}",
                place + 1,
                cell.name()
            ));
        }
        match self.bars {
            true => progress::watcher(self.quiet),
            false => Box::new(Unwatched),
        }
    }

    fn ended(&mut self, cell: &Cell, end: &CellEnd) {
        let name = cell.name();
        match end {
            CellEnd::Failed { message, hint } => {
                say(format_args!("error: cell `{name}`: {message}"));
                if let Some(hint) = hint {
                    say(format_args!("hint: {hint}"));
                }
            }
            CellEnd::Lost => say(format_args!(
                "warning: cell `{name}` was taken over by another process, which heard nothing from this one"
            )),
            CellEnd::Done if !self.quiet && !self.bars => say(format_args!("done: {name}")),
            CellEnd::Done | CellEnd::Stopped => {}
        }
    }

    fn waiting(&mut self, cells: usize) {
        if !self.quiet && self.bars && self.told != cells {
            self.told = cells;
            say(format_args!(
                "waiting for {cells} cells that others work on"
            ));
        }
    }
}

/// The tables in short.
pub fn results(results: &Results) -> String {
    let state = &results.state;
    let mut text = format!("{} of {} cells are done", state.done, state.cells);
    for (count, word) in [
        (state.running, "under way"),
        (state.waiting, "not begun or stopped"),
        (state.failed, "failed"),
        (state.damaged, "damaged"),
    ] {
        if count > 0 {
            let _infallible = write!(text, ", {count} {word}");
        }
    }
    text.push('\n');
    for cell in &results.cells {
        if matches!(cell.state, CellState::Failed | CellState::Damaged) {
            let why = cell.message.as_deref().unwrap_or_default();
            let _infallible = writeln!(text, "  {}: {why}", cell.name);
        }
    }
    for warning in &results.warnings {
        let _infallible = writeln!(text, "warning: {warning}");
    }
    let tables = &results.tables;
    for (title, rows) in [
        (
            "all tasks together minus each alone",
            &tables.multi_minus_single,
        ),
        ("belt minus full fine-tuning", &tables.belt_minus_full),
        ("with a partner minus alone", &tables.pairs),
        ("belt minus no training", &tables.belt_minus_prompted),
        (
            "on the base minus on random weights of its shape",
            &tables.pretrained_minus_random,
        ),
    ] {
        if !rows.is_empty() {
            let _infallible = writeln!(text, "\n{title}");
            rows.iter().for_each(|row| comparison(&mut text, row));
        }
    }
    for it in &tables.foreseen {
        foreseen(&mut text, it);
    }
    text
}

/// The adviser on trial, in a line for each base and belt.
fn foreseen(text: &mut String, it: &Foreseen) {
    let groups = |groups: &[Vec<String>]| {
        let groups: Vec<String> = groups.iter().map(|group| group.join(" + ")).collect();
        groups.join(" | ")
    };
    let (base, belt) = (&it.base, &it.belt);
    let proposed = groups(&it.groups);
    let _infallible = write!(text, "\nforeseen for {base} {belt}: {proposed}");
    let Some(trial) = &it.trial else {
        text.push_str("; no pairs were trained to set it against\n");
        return;
    };
    if let (Some(correlation), Some(Interval { low, high })) = (trial.correlation, &trial.interval)
    {
        let _infallible = write!(
            text,
            "; rank correlation with {} trained pairs {correlation:+.2}, {low:+.2} .. {high:+.2}",
            trial.pairs
        );
    }
    if let Some(by_groups) = &trial.by_groups {
        let _infallible = write!(
            text,
            "; regret {:.4}, place {} of {}",
            by_groups.regret, by_groups.place, by_groups.groupings
        );
    }
    text.push('\n');
}

fn comparison(text: &mut String, row: &Comparison) {
    let partner = row.partner.as_ref();
    let partner = partner.map_or(String::new(), |partner| format!(" with {partner}"));
    let sure = match (&row.interval, row.p_holm) {
        (Some(Interval { low, high }), Some(p)) => {
            format!("{low:+.4} .. {high:+.4}, p (Holm) {p:.4}")
        }
        _ => "no interval".to_owned(),
    };
    // Only prompts go by names of their own: the title says of all others what they are.
    let against = match row.b.arms.iter().any(|arm| arm == "prompted") {
        true => format!(" against {}", row.b.belt),
        false => String::new(),
    };
    let seeds = match row.seeds.len() {
        1 => "1 seed".to_owned(),
        count => format!("{count} seeds"),
    };
    let _infallible = writeln!(
        text,
        "  {} {} {}{partner}{against} ({} tasks): {:+.4}, {sure}, {seeds}",
        row.base,
        row.a.belt,
        row.task,
        row.a.tasks.len(),
        row.difference
    );
}
