//! The recipe that trains on a harvest as it is: a task for each that has rows to learn from and rows
//! to be asked.

use crate::plan::{Plan, Task};
use crate::report::Told;
use crate::split::Split;
use crate::write::file_name;

/// The recipe as YAML, or nothing if no task can be trained.
pub fn recipe(plan: &Plan, told: &[Told]) -> Option<String> {
    let ready: Vec<&Told> = told.iter().filter(|task| task.trainable()).collect();
    if ready.is_empty() {
        return None;
    }
    let mut text = String::from(
        "# skillbelt train recipe.yaml\n# One belt for every task of this harvest; summary.txt says how it was made.\n\n",
    );
    text.push_str(&format!(
        "base: {}\nbelt: lora\ntasks:\n",
        quoted(&plan.base)
    ));
    for task in ready {
        text.push_str(&of_task(task));
    }
    text.push_str(
        "training:\n  # Small tasks are drawn more often than their size alone would have it.\n",
    );
    text.push_str("  mixing: temperature\n  mixing_temperature: 2\n");
    text.push_str(&format!("  seed: {}\n", plan.seed.0));
    text.push_str("evaluation:\n  policy: worst_regret\noutput: run\n");
    Some(text)
}

fn of_task(told: &Told) -> String {
    let mut text = format!("  {}:\n    preset: {}\n", told.task, told.task.preset());
    for split in Split::ALL {
        if told.rows.of(split) > 0 {
            text.push_str(&format!(
                "    {}: {}\n",
                split.name(),
                file_name(told.task, split)
            ));
        }
    }
    match told.task {
        Task::Clone => text.push_str("    encoding: separate\n    max_length: 256\n"),
        Task::DefectMutated | Task::DefectHistory => {
            text.push_str("    max_length: 256\n    metric: auc\n")
        }
        Task::Generate => text.push_str("    max_length: 128\n    max_target_length: 256\n"),
        Task::Summarize => text.push_str("    max_target_length: 96\n"),
        Task::Search | Task::Flaky => {}
    }
    text
}

/// A word of YAML that is a text whatever it looks like.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    match text.chars().all(plain) && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}
