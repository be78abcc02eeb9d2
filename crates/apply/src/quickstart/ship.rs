//! What a quick start hands over: the belt for all tasks, copied out of the study, and a function of
//! the test rows to try it on. It trains nothing and changes nothing in the study.

use std::path::{Path, PathBuf};

use serde_json::Value;
use skillbelt_train::disk::{Disk, entries};
use skillbelt_train::study::Study;
use skillbelt_train::study::plan::Arm;

use super::error::{Error, Result};
use super::folder::Folder;

/// What a search is long enough for and a command line is not too long for.
const WORDS: std::ops::RangeInclusive<usize> = 4..=9;

/// Something to look for, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub words: String,
    /// The folder of sources that holds it.
    pub within: PathBuf,
}

/// Copies the belt of all tasks of the first seed to `belt/`, whole or not at all.
pub fn belt(study: &Study, folder: &Folder) -> Result<PathBuf> {
    let seed = study.plan.file.seeds.first();
    let shared = study
        .cells
        .iter()
        .find(|cell| cell.arms.contains(&Arm::Multi) && Some(&cell.seed) == seed);
    let shared = shared.ok_or_else(|| Error::told("the plan has no belt for all tasks"))?;
    let from = study.folder.cell(&shared.key).join("belt");
    let place = folder.at("belt");
    folder
        .disk()
        .publish(&place, |aside| copy(folder.disk(), &from, aside))?;
    Ok(place)
}

fn copy(disk: &Disk, from: &Path, to: &Path) -> skillbelt_train::Result<()> {
    let io = skillbelt_train::Error::io;
    for entry in entries(from)? {
        let Some(name) = entry.file_name() else {
            continue;
        };
        let place = to.join(name);
        if entry.is_dir() {
            fs_err::create_dir_all(&place).map_err(|error| io(&place, error))?;
            copy(disk, &entry, &place)?;
        } else {
            let bytes = fs_err::read(&entry).map_err(|error| io(&entry, error))?;
            disk.replace(&place, &bytes)?;
        }
    }
    Ok(())
}

/// The first test row of `search` whose words can stand in a command line as they are.
pub fn example(folder: &Folder, paths: &[PathBuf]) -> Result<Option<Example>> {
    let path = folder.at("asked/search.test.jsonl");
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs_err::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let rows = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut found = rows.filter_map(|row: Value| of_row(&row, paths));
    Ok(found.next())
}

fn of_row(row: &Value, paths: &[PathBuf]) -> Option<Example> {
    let words = row["query"].as_str()?.trim().trim_end_matches('.');
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " -,_".contains(letter);
    if !WORDS.contains(&words.split_whitespace().count()) || !words.chars().all(plain) {
        return None;
    }
    let within = match paths {
        [one] => one.clone(),
        several => {
            let project = row["path"].as_str()?.split('/').next()?;
            let is = |path: &&PathBuf| path.file_name().is_some_and(|name| name == project);
            several.iter().find(is)?.clone()
        }
    };
    Some(Example {
        words: words.to_owned(),
        within,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_example_can_stand_in_a_command_line_and_names_the_folder_that_holds_it() {
        let paths = [PathBuf::from("/r/alpha-1.0"), PathBuf::from("/r/beta-2.0")];
        let row = |query: &str| json!({"query": query, "path": "beta-2.0/src/lib.rs"});
        let found = of_row(&row("Reads the rows of a file."), &paths).unwrap();
        assert_eq!(found.words, "Reads the rows of a file");
        assert_eq!(found.within, paths[1]);
        assert_eq!(of_row(&row("Reads `rows` of $HOME"), &paths), None);
        assert_eq!(of_row(&row("too short"), &paths), None);
        let one = &paths[..1];
        assert_eq!(
            of_row(&row("Reads the rows of a file"), one)
                .unwrap()
                .within,
            paths[0]
        );
    }
}
