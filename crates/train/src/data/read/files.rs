//! The files of a split and how they are laid out: as the task says, or as their names do.

use std::io::Read;
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

/// Whether a file is one object that maps codes to numbers, as the pool of CodeXGLUE WebQuery is: its
/// first key is no name of a field, but has spaces or signs in it.
pub fn is_map(path: &Path) -> Result<bool> {
    let rows = layout_extension(path).and_then(|extension| by_extension(&extension));
    if !matches!(rows, None | Some(Format::Json)) || json_or_lines(path)? == Format::Jsonl {
        return Ok(false);
    }
    let opened = open(path)?;
    let mut start = Vec::new();
    // What cannot be read here is told when the candidates are read.
    let _later = opened
        .input
        .take(SNIFFED_BYTES as u64)
        .read_to_end(&mut start);
    let object = start.trim_ascii_start().strip_prefix(b"{");
    let key = object.and_then(|inside| inside.trim_ascii_start().strip_prefix(b"\""));
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    Ok(key.is_some_and(|key| key.iter().find(|byte| !word(byte)) != Some(&b'"')))
}
