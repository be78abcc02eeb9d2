//! The files of a split and how they are laid out: as the task says, or as their names do.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use super::limits::SNIFFED_BYTES;
use super::open::{layout_extension, open, refusal};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::recipe::{Format, SplitFiles, TaskSettings, TaskType};

/// A split, found.
pub struct Found {
    pub files: Vec<PathBuf>,
    pub format: Format,
    pub data: Option<PathBuf>,
}

/// The files that a task names for a split.
pub fn of_split(name: &str, task: &TaskSettings, split: Split) -> Result<SplitFiles> {
    let files = match split {
        Split::Train => &task.train,
        Split::Valid => &task.valid,
        Split::Test => &task.test,
    };
    files.clone().ok_or_else(|| {
        Error::told(format_args!(
            "task `{name}` has no files for its split `{}`",
            split.name()
        ))
    })
}

impl Found {
    pub fn of(
        name: &str,
        task: &TaskSettings,
        kind: TaskType,
        named: &SplitFiles,
    ) -> Result<Found> {
        let (files, own, data) = match named {
            SplitFiles::One(file) => (vec![file.clone()], None, None),
            SplitFiles::Many(files) => (files.clone(), None, None),
            SplitFiles::Laid(laid) => (laid.files.clone(), laid.format, laid.data.clone()),
        };
        let Some(first) = files.first() else {
            return Err(Error::told(format_args!(
                "task `{name}` names an empty list of files"
            )));
        };
        let format = match own.or(task.format) {
            Some(format) => format,
            None => guess(kind, &files, data.as_deref())?,
        };
        let data = data.or_else(|| beside(format, first));
        Ok(Found {
            files: files.clone(),
            format,
            data,
        })
    }
}

/// The file that a layout keeps beside its splits, where it is there.
fn beside(format: Format, file: &Path) -> Option<PathBuf> {
    let name = match format {
        Format::Bigclonebench => "data.jsonl",
        _ => return None,
    };
    let path = file.with_file_name(name);
    path.is_file().then_some(path)
}

fn guess(kind: TaskType, files: &[PathBuf], data: Option<&Path>) -> Result<Format> {
    let first = &files[0];
    let known = layout_extension(first).and_then(|extension| by_extension(&extension));
    match (known, kind) {
        (Some(format), _) => Ok(format),
        (None, TaskType::Pair) if data.is_some() => Ok(Format::Bigclonebench),
        (None, TaskType::Generate) if files.len() == 2 => Ok(Format::ParallelText),
        _ => {
            let told = refusal(first, "the name does not say how the file is laid out");
            Err(told.with_hint("give `format`: jsonl, json, csv, tsv, parquet, parallel_text, bigclonebench, poj104, cosqa or messages"))
        }
    }
}

fn by_extension(extension: &str) -> Option<Format> {
    Some(match extension {
        "jsonl" | "ndjson" => Format::Jsonl,
        "json" => Format::Json,
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "parquet" => Format::Parquet,
        _ => return None,
    })
}

/// The plain layout of one file of rows, where a task's layout leaves it open (`poj104`, `cosqa`,
/// `messages`, data files).
pub fn plain(path: &Path) -> Result<Format> {
    match layout_extension(path).and_then(|extension| by_extension(&extension)) {
        Some(Format::Json) | None => json_or_lines(path),
        Some(format) => Ok(format),
    }
}

/// JSON, or JSONL: many sets call lines of objects `.json`. One object on the first line and more
/// behind it are lines.
pub fn json_or_lines(path: &Path) -> Result<Format> {
    let opened = open(path)?;
    let mut start = Vec::new();
    // What cannot be read here is told when the rows are read.
    let _later = opened
        .input
        .take(SNIFFED_BYTES as u64)
        .read_to_end(&mut start);
    let mut lines = start
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default().trim_ascii();
    let whole = first.starts_with(b"{") && first.ends_with(b"}");
    let further = lines
        .next()
        .is_some_and(|line| line.trim_ascii().starts_with(b"{"));
    Ok(match whole && further {
        true => Format::Jsonl,
        false => Format::Json,
    })
}

/// Whether a file maps codes to numbers, as the pool of CodeXGLUE WebQuery does.
pub fn is_map(path: &Path) -> Result<bool> {
    let mut input = open(path)?.input;
    let mut start = Vec::new();
    for _ in 0..16 {
        let chunk = input.fill_buf().map_err(|error| Error::io(path, error))?;
        let length = chunk.len();
        start.extend_from_slice(chunk);
        input.consume(length);
        if start.iter().any(|byte| *byte == b':') || length == 0 {
            break;
        }
    }
    let text = start.trim_ascii_start();
    let Some(inside) = text.strip_prefix(b"{") else {
        return Ok(false);
    };
    // `{"code...": 17`: the value after the first key is a number.
    let inside = inside.trim_ascii_start();
    let Some(key) = inside.strip_prefix(b"\"") else {
        return Ok(false);
    };
    let mut escaped = false;
    let end = key.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    let rest = end.and_then(|end| key[end + 1..].trim_ascii_start().strip_prefix(b":"));
    Ok(match rest {
        Some(rest) => rest
            .trim_ascii_start()
            .first()
            .is_none_or(u8::is_ascii_digit),
        // A key of many kilobytes is code.
        None => true,
    })
}
