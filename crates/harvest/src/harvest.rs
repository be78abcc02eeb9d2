//! The whole way from paths to a folder of data sets, in the order in which it is gone.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::history::{History, read as read_history};
use crate::plan::{Plan, SplitBy, Task};
use crate::recipe::recipe;
use crate::report::{Report, Rows, Told};
use crate::rows::{Made, make};
use crate::split::Split;
use crate::stock::{copied, set_apart, sifted, stocked};
use crate::walk::{Walk, walk};
use crate::write::{SUMMARY, Writing, allowed, settle};

/// Harvests what the plan says, tells of each stage as it begins, and writes the folder.
///
/// The rows are the same for the same files and plan, whatever the number of threads.
pub fn harvest(plan: &Plan, tell: &dyn Fn(&str)) -> Result<Report> {
    if settle(&plan.out)? > 0 {
        tell("what a killed harvest left is taken away");
    }
    allowed(&plan.out, plan.force)?;
    let mut report = Report::of(plan);
    tell("looking for files");
    let found = walk(&plan.paths, &plan.languages)?;
    tell(&format!("{} source files: parsing", found.files.len()));
    let mut files = sifted(&found, &mut report);
    if !found.repositories.is_empty() {
        tell(&format!(
            "{} repositories: reading history",
            found.repositories.len()
        ));
    }
    let histories = histories(&found, plan, &mut report);
    let mut stock = stocked(&found, &mut files, &histories, plan, &mut report)?;
    report.folders = found.folders.clone();
    tell(&format!(
        "{} functions: looking for near duplicates",
        stock.items.len()
    ));
    set_apart(&mut stock, plan, &mut report)?;
    stock.copied = copied(&stock, &found, &histories, &mut report.copies);
    if stock.items.is_empty() && stock.fixed.is_empty() && stock.observed.is_empty() {
        return Err(nothing(&report));
    }
    let writing = Writing::begin(&plan.out, plan.force)?;
    for task in &plan.tasks {
        tell(&format!("{task}: making rows"));
        let made = make(*task, &stock, plan);
        for split in Split::ALL {
            writing.rows(*task, split, &made.rows)?;
        }
        report.tasks.push(told(*task, made));
    }
    if let Some(recipe) = recipe(plan, &report.tasks) {
        writing.text("recipe.yaml", &recipe)?;
    }
    let json = serde_json::to_string_pretty(&report).map_err(Error::told)?;
    writing.text(SUMMARY, &(json + "\n"))?;
    writing.text("summary.txt", &report.to_string())?;
    writing.publish()?;
    Ok(report)
}

fn nothing(report: &Report) -> Error {
    let reasons = report
        .files
        .left_out
        .iter()
        .chain(&report.functions.left_out);
    let mut reasons: Vec<(u64, &str)> = reasons
        .map(|(reason, left)| (left.count, *reason))
        .collect();
    reasons.sort_unstable_by(|one, other| other.cmp(one));
    let shown: Vec<String> = reasons
        .iter()
        .take(4)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    let why = if shown.is_empty() {
        "no file was found".to_owned()
    } else {
        shown.join("; ")
    };
    Error::told(format_args!(
        "nothing to harvest: {} files, {} functions ({why})",
        report.files.all, report.functions.all
    ))
    .with_hint("give folders of source code in C, C++, C#, Go, Java, JavaScript, Python, Rust or TypeScript")
}

fn histories(found: &Walk, plan: &Plan, report: &mut Report) -> Vec<History> {
    let asked = plan.tasks.contains(&Task::Clone)
        || plan.tasks.contains(&Task::DefectHistory)
        || plan.split == SplitBy::Time;
    let plan = Plan {
        commits: if asked { plan.commits } else { 0 },
        ..plan.clone()
    };
    let mut all = Vec::new();
    for repository in &found.repositories {
        let mut history = read_history(repository, &plan);
        report.commits.add(std::mem::take(&mut history.commits));
        report.warnings.append(&mut history.warnings);
        all.push(history);
    }
    all
}

/// Counts the rows of a task.
fn told(task: Task, made: Made) -> Told {
    let mut rows = Rows::default();
    let (mut labels, mut how) = (BTreeMap::new(), BTreeMap::new());
    for row in &made.rows {
        match row.split {
            Split::Train => rows.train += 1,
            Split::Valid => rows.valid += 1,
            Split::Test => rows.test += 1,
        }
        if let Some(label) = row.fields.get("label") {
            *labels.entry(label.to_string()).or_default() += 1;
        }
        if let Some(serde_json::Value::String(words)) = row.fields.get("how") {
            *how.entry(words.clone()).or_default() += 1;
        }
    }
    Told {
        task,
        rows,
        labels,
        made: how,
        census: made.census,
    }
}
