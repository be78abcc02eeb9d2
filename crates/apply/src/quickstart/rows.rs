//! Which tasks of a harvest can be learnt and asked, and the rows that are asked: test rows, and
//! validation rows of classes, by which a belt knows how sure it may be. Where there are
//! more rows than the effort allows they are drawn by their content, so the same rows give the same
//! ones whatever their number of splits, threads or calls.

use std::collections::BTreeSet;

use serde_json::Value;
use skillbelt_harvest::Task;
use skillbelt_train::data::Split;
use skillbelt_train::start::RowsOf;

use super::effort::Effort;
use super::error::{Error, Result};
use super::folder::Folder;

/// Fewer rows teach nothing, and fewer test rows tell nothing.
const FEWEST_TRAINED: usize = 8;
const FEWEST_ASKED: usize = 4;

/// A task that can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    pub task: Task,
    pub trained: usize,
    /// Validation rows that are asked, which need not be there.
    pub valid: usize,
    pub asked: usize,
}

/// A task that cannot, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub task: Task,
    pub why: String,
}

/// What a split holds.
#[derive(Default)]
struct Held {
    rows: Vec<String>,
    labels: BTreeSet<String>,
}

/// Looks through the harvest in `data/` and writes the rows that are asked to `asked/`.
pub fn ready(folder: &Folder, effort: &Effort) -> Result<(Vec<Ready>, Vec<Lacking>)> {
    let (mut ready, mut lacking) = (Vec::new(), Vec::new());
    let asked = folder.at("asked");
    fs_err::create_dir_all(&asked).map_err(|error| Error::io(&asked, error))?;
    for task in Task::ALL {
        let train = held(folder, task, "train")?;
        let valid = match is_classed(task) {
            true => drawn(held(folder, task, "valid")?, most(task, effort)),
            false => Held::default(),
        };
        let test = drawn(held(folder, task, "test")?, most(task, effort));
        if let Some(why) = too_little(task, &train, &test) {
            lacking.push(Lacking { task, why });
            continue;
        }
        for (split, held) in [("valid", &valid), ("test", &test)] {
            if !held.rows.is_empty() {
                let text: String = held.rows.iter().flat_map(|row| [row, "\n"]).collect();
                folder.write(&format!("asked/{task}.{split}.jsonl"), &text)?;
            }
        }
        ready.push(Ready {
            task,
            trained: train.rows.len(),
            valid: valid.rows.len(),
            asked: test.rows.len(),
        });
    }
    Ok((ready, lacking))
}

/// Leaves out tasks of whose rows the base can read too few, for their answers are longer than it may
/// write.
pub fn readable(ready: &mut Vec<Ready>, lacking: &mut Vec<Lacking>, read: &[RowsOf]) {
    ready.retain(|ready| {
        let used = |split: Split| {
            let of_split = read.iter().find(|rows| {
                rows.task() == ready.task.name() && rows.split() == split
            });
            of_split.map_or(0, |rows| rows.counts().1 as usize)
        };
        let (trained, asked) = (used(Split::Train), used(Split::Test));
        let enough = trained >= FEWEST_TRAINED && asked >= FEWEST_ASKED;
        if !enough {
            let why = format!(
                "the base can read {trained} of {} rows to learn from and {asked} of {} to be asked",
                ready.trained, ready.asked
            );
            let task = ready.task;
            lacking.push(Lacking { task, why });
        }
        enough
    });
}

/// Leaves out tasks whose answers are written, for a base that only reads.
pub fn without_writing(ready: &mut Vec<Ready>, lacking: &mut Vec<Lacking>) {
    ready.retain(|ready| {
        let task = ready.task;
        if is_written(task) {
            let why = "the base is an encoder, which writes no text".to_owned();
            lacking.push(Lacking { task, why });
        }
        !is_written(task)
    });
}

/// Whether a task's answers are written word by word.
pub fn is_written(task: Task) -> bool {
    matches!(task, Task::Summarize | Task::Generate)
}

/// Whether a task's answers are classes.
fn is_classed(task: Task) -> bool {
    !is_written(task) && task != Task::Search
}

fn most(task: Task, effort: &Effort) -> usize {
    match is_written(task) {
        true => effort.written,
        false => effort.asked,
    }
}

fn held(folder: &Folder, task: Task, split: &str) -> Result<Held> {
    let path = folder.at(&format!("data/{task}.{split}.jsonl"));
    if !path.is_file() {
        return Ok(Held::default());
    }
    let text = fs_err::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    Ok(Held::of(text.lines().map(str::to_owned).collect()))
}

impl Held {
    fn of(rows: Vec<String>) -> Held {
        let label = |row: &String| {
            let row: Value = serde_json::from_str(row).ok()?;
            Some(row.get("label")?.to_string())
        };
        Held {
            labels: rows.iter().filter_map(label).collect(),
            rows,
        }
    }
}

/// The rows with the smallest hashes, in the order in which they stood.
fn drawn(held: Held, most: usize) -> Held {
    if held.rows.len() <= most {
        return held;
    }
    let hash = |row: &String| *blake3::hash(row.as_bytes()).as_bytes();
    let mut hashes: Vec<_> = held.rows.iter().map(hash).collect();
    hashes.sort_unstable();
    let last = hashes[most - 1];
    let rows = held.rows.into_iter().filter(|row| hash(row) <= last);
    Held::of(rows.take(most).collect())
}

fn too_little(task: Task, train: &Held, test: &Held) -> Option<String> {
    if train.rows.is_empty() && task == Task::Flaky {
        return Some("no test runs are given (--junit DIR)".into());
    }
    if train.rows.is_empty() && task == Task::DefectHistory {
        return Some("no history with bug-fixing commits".into());
    }
    if train.rows.len() < FEWEST_TRAINED || test.rows.len() < FEWEST_ASKED {
        return Some(format!(
            "{} rows to learn from and {} to be asked; at least {FEWEST_TRAINED} and {FEWEST_ASKED} are needed",
            train.rows.len(),
            test.rows.len()
        ));
    }
    for (split, held) in [("training", train), ("test", test)] {
        if is_classed(task) && held.labels.len() < 2 {
            return Some(format!("all {split} rows have the same label"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, labels: usize) -> Held {
        let row = |at| format!("{{\"id\":\"{at}\",\"label\":{}}}", at % labels);
        Held::of((0..count).map(row).collect())
    }

    #[test]
    fn rows_are_drawn_by_content_and_keep_their_order_and_their_labels() {
        let all = rows(200, 2).rows;
        let some = drawn(rows(200, 2), 50);
        assert_eq!(some.rows.len(), 50);
        assert_eq!(some.labels.len(), 2);
        let mut rest = all.iter();
        assert!(some.rows.iter().all(|row| rest.any(|other| other == row)));
        // A row more elsewhere changes at most one.
        let mut longer = rows(200, 2);
        longer.rows.push("{\"id\":\"new\",\"label\":0}".into());
        let again = drawn(longer, 50);
        let same = again.rows.iter().filter(|row| some.rows.contains(row));
        assert!(same.count() >= 49);
        assert_eq!(drawn(rows(20, 2), 50).rows.len(), 20);
    }

    #[test]
    fn what_cannot_be_had_is_told_with_its_reason() {
        let why = |task, train: &Held, test: &Held| too_little(task, train, test);
        assert_eq!(why(Task::Clone, &rows(8, 2), &rows(4, 2)), None);
        assert_eq!(why(Task::Search, &rows(8, 1), &rows(4, 1)), None);
        let one = why(Task::Clone, &rows(8, 2), &rows(4, 1)).unwrap();
        assert!(one.contains("test rows have the same label"));
        let few = why(Task::Generate, &rows(8, 1), &rows(3, 1)).unwrap();
        assert!(few.contains("8 rows to learn from and 3"));
        let none = Held::default();
        assert!(why(Task::Flaky, &none, &none).unwrap().contains("--junit"));
    }
}
