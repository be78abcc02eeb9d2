//! Reads rows of data sets, in the order of their files and in bounded memory.
//!
//! Every row of a file becomes one call: the row, or why it cannot be used and where it stands. What
//! is wrong with a whole file (it is missing, packed badly, ends too early) stops the reading with
//! an error; nothing is ever silently short. Draws, limits on rows and class balance are not made
//! here.

mod classes;
mod columns;
mod content;
mod defect;
mod delimited;
mod fields;
mod files;
mod json;
mod label;
pub mod limits;
mod lines;
mod object;
mod open;
mod pairs;
mod parallel;
mod pool;
pub(crate) mod strict;
mod texts;

use std::path::{Path, PathBuf};

use super::{Place, Rejection, Row, Split};
use crate::error::{Error, Result};
use crate::recipe::{Format, SplitFiles, TaskSettings, TaskType};
use content::Meaning;
use defect::Sound;
pub(crate) use fields::word_of;
use files::Found;
pub(crate) use object::Fields;
use pool::Pool;

/// Takes rows as they are read.
pub type Sink<'s> = dyn FnMut(std::result::Result<Row, Rejection>) -> Result<()> + 's;

/// Takes rows as their file writes them.
type Records<'s> = dyn FnMut(Place, Sound<Fields>) -> Result<()> + 's;

/// Whether rows must hold their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Required,
    /// New inputs, for which answers are wanted.
    Optional,
}

/// Hands over every row of a split with its answer: candidates first, then rows in the order of the
/// files. `name` is the task's, for messages; its preset is applied and its type set.
pub fn rows(name: &str, task: &TaskSettings, split: Split, sink: &mut Sink<'_>) -> Result<()> {
    let named = files::of_split(name, task, split)?;
    rows_of(name, task, &named, Answers::Required, sink)
}

/// The same of any files, `-` for JSON lines on the standard input; rows without answers are taken with [`Answers::Optional`].
pub fn rows_of(
    name: &str,
    task: &TaskSettings,
    named: &SplitFiles,
    answers: Answers,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let kind = kind(name, task)?;
    let found = Found::of(name, task, kind, named)?;
    let meaning = Meaning::of(task, kind, found.format, answers);
    let paths: Vec<&Path> = found.files.iter().map(PathBuf::as_path).collect();
    match found.format {
        Format::ParallelText => {
            suits(name, kind, TaskType::Generate, "parallel_text")?;
            let (source, target) = match paths.as_slice() {
                [source, target] => (*source, Some(*target)),
                [source] if answers == Answers::Optional => (*source, None),
                _ => {
                    return Err(Error::told(format_args!(
                        "task `{name}`: parallel text takes two files, source and target; found {}",
                        paths.len()
                    )));
                }
            };
            parallel::parallel(source, target, answers, sink)
        }
        Format::Bigclonebench => {
            suits(name, kind, TaskType::Pair, "bigclonebench")?;
            let data = found
                .data
                .as_deref()
                .ok_or_else(|| no_functions(name, paths[0]))?;
            pairs::pairs(&paths, data, files::plain(data)?, &meaning, sink)
        }
        format => {
            let mut laid = Vec::with_capacity(paths.len());
            for path in paths {
                laid.push((path, layout(path, format)?));
            }
            if format == Format::Poj104 && kind == TaskType::Pair {
                return classes::pairs(&laid, &meaning, sink);
            }
            plain_rows(&laid, found.data, &meaning, sink)
        }
    }
}

/// Rows of plain files, after the pool that they are ranked over.
fn plain_rows(
    laid: &[(&Path, Format)],
    data: Option<PathBuf>,
    meaning: &Meaning<'_>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let data = data.map_or_else(|| named_pool(laid, meaning), |data| Ok(Some(data)))?;
    let pool = match data {
        Some(data) if meaning.kind == TaskType::Retrieve => {
            let format = match files::is_map(&data)? {
                true => None,
                false => Some(files::plain(&data)?),
            };
            Pool::read(&data, format, meaning, sink)?
        }
        _ => Pool::default(),
    };
    for (path, format) in laid {
        records(path, *format, &mut |place, fields| {
            sink(meaning.row(place, fields, &pool)?)
        })?;
    }
    Ok(())
}

/// CoSQA's queries name their code by its number in a map that lies beside them.
fn named_pool(laid: &[(&Path, Format)], meaning: &Meaning<'_>) -> Result<Option<PathBuf>> {
    let Some((first, format)) = laid
        .first()
        .filter(|_| meaning.kind == TaskType::Retrieve && !meaning.by_class)
    else {
        return Ok(None);
    };
    // Nothing lies beside the standard input, which can be read only once.
    if first.as_os_str() == open::STDIN {
        return Ok(None);
    }
    let path = first.with_file_name("code_idx_map.txt");
    if !path.is_file() {
        return Ok(None);
    }
    let mut named = None;
    let looked = records(first, *format, &mut |_, fields| {
        let Ok(fields) = fields else { return Ok(()) };
        named = Some(meaning.names.value(&fields, "candidate_id").is_some());
        Err(Error::told("seen enough"))
    });
    match (named, looked) {
        (Some(true), _) => Ok(Some(path)),
        (Some(false), _) | (None, Ok(())) => Ok(None),
        (None, Err(error)) => Err(error),
    }
}

/// The layout of one file. Objects on lines are often called `.json`, so JSON is looked at.
fn layout(path: &Path, format: Format) -> Result<Format> {
    match format {
        // It cannot be looked at before it is read.
        _ if path.as_os_str() == open::STDIN => Ok(Format::Jsonl),
        Format::Json => files::json_or_lines(path),
        Format::Poj104 | Format::Cosqa | Format::Messages => files::plain(path),
        format => Ok(format),
    }
}

/// Rows of one file as it writes them. A file without any is refused.
fn records(path: &Path, format: Format, sink: &mut Records<'_>) -> Result<()> {
    let mut any = false;
    let counted: &mut Records<'_> = &mut |place, fields| {
        any = true;
        sink(place, fields)
    };
    match format {
        Format::Json => json::Cutter::open(path)?.rows(counted),
        Format::Csv => delimited::records(path, b',', counted),
        Format::Tsv => delimited::records(path, b'\t', counted),
        Format::Parquet => columns::records(path, counted),
        _ => object_lines(path, counted),
    }?;
    match any {
        true => Ok(()),
        false => Err(open::no_rows(path)),
    }
}

fn object_lines(path: &Path, sink: &mut Records<'_>) -> Result<()> {
    let mut lines = lines::Lines::open(path)?;
    while let Some(line) = lines.next()? {
        let fields = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => object::object(line),
            Err(defect) => Err(defect),
        };
        sink(lines.place(), fields)?;
    }
    Ok(())
}

/// The blake3 of every file of a split, as it lies on the disk, and its bytes: what makes two runs
/// comparable.
pub fn file_hashes(
    name: &str,
    task: &TaskSettings,
    split: Split,
) -> Result<Vec<(PathBuf, String, u64)>> {
    let named = files::of_split(name, task, split)?;
    let kind = kind(name, task)?;
    let found = Found::of(name, task, kind, &named)?;
    let mut data = found.data;
    if data.is_none() && !matches!(found.format, Format::ParallelText | Format::Bigclonebench) {
        let meaning = Meaning::of(task, kind, found.format, Answers::Required);
        let first = &found.files[0];
        data = named_pool(&[(first, layout(first, found.format)?)], &meaning)?;
    }
    found
        .files
        .iter()
        .chain(&data)
        .map(|path| open::hash(path))
        .collect()
}

fn kind(name: &str, task: &TaskSettings) -> Result<TaskType> {
    task.kind.ok_or_else(|| {
        Error::told(format_args!("task `{name}` has no type"))
            .with_hint("give `type`: classify, pair, retrieve or generate; or a `preset`")
    })
}

fn suits(name: &str, kind: TaskType, needed: TaskType, format: &str) -> Result<()> {
    match kind == needed {
        true => Ok(()),
        false => Err(Error::told(format_args!(
            "task `{name}`: files of format `{format}` are for tasks of type {needed:?}, not {kind:?}"
        ))),
    }
}

fn no_functions(name: &str, pairs: &Path) -> Error {
    Error::told(format_args!(
        "task `{name}`: {} names functions by number, and no file of functions is given",
        pairs.display()
    ))
    .with_hint("give `data: data.jsonl` beside `files`")
}
