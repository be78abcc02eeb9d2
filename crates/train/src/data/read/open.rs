//! Opens a file of rows: plain, gzip or zstd, and tells what is wrong with it as a whole.
//!
//! It knows bytes, not rows. The name says how a file is packed, and its first bytes must agree.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use super::limits::ZSTD_WINDOW;
use crate::error::{Error, Result};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// What the name says.
    pub fn named(path: &Path) -> Packing {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz" | "gzip") => Packing::Gzip,
            Some("zst" | "zstd") => Packing::Zstd,
            _ => Packing::Plain,
        }
    }

    /// What the first bytes say.
    fn found(start: &[u8]) -> Packing {
        match start {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
            _ => Packing::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Packing::Plain => "plain",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}

/// The extension that tells the layout: `jsonl` of `train.jsonl.gz`.
pub fn layout_extension(path: &Path) -> Option<String> {
    let name = match Packing::named(path) {
        Packing::Plain => path.to_owned(),
        _ => path.with_extension(""),
    };
    let extension = name.extension()?.to_str()?;
    Some(extension.to_ascii_lowercase())
}

/// Bytes of a file, unpacked, without a byte order mark.
pub struct Opened {
    pub input: Box<dyn BufRead>,
    pub packing: Packing,
    /// Bytes that were taken away before the first one.
    pub skipped: u64,
}

/// A fact about a whole file.
pub fn refusal(path: &Path, fact: impl std::fmt::Display) -> Error {
    Error::told(format_args!("{}: {fact}", path.display()))
}

/// Opens for random reading; every reason why not has its hint.
pub fn open_file(path: &Path) -> Result<std::fs::File> {
    let told = |error: &io::Error| refusal(path, error_words(error));
    let file = fs_err::File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        io::ErrorKind::PermissionDenied => {
            told(&error).with_hint("the file may not be read by this user")
        }
        _ => told(&error),
    })?;
    let facts = file.metadata().map_err(|error| told(&error))?;
    if facts.is_dir() {
        return Err(refusal(path, "a folder, not a file").with_hint(inside(path)));
    }
    Ok(file.into_parts().0)
}

fn error_words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission to read it",
        io::ErrorKind::IsADirectory => "a folder, not a file",
        _ => "it cannot be opened",
    }
}

/// What is written for the standard input.
pub const STDIN: &str = "-";

/// Opens for reading from the start; `-` is the standard input.
pub fn open(path: &Path) -> Result<Opened> {
    let mut file: Box<dyn Read> = match path.as_os_str() == STDIN {
        true => Box::new(io::stdin()),
        false => Box::new(open_file(path)?),
    };
    let start = first_bytes(&mut file).map_err(|error| Error::io(path, error))?;
    if start.is_empty() {
        return Err(no_rows(path));
    }
    let (packing, found) = (Packing::named(path), Packing::found(&start));
    if packing != found {
        let fact = format!(
            "named like a {} file, but it is {}",
            packing.name(),
            found.name()
        );
        return Err(refusal(path, fact)
            .with_hint("give it the ending of what it is: .gz, .zst, or neither"));
    }
    let whole = Cursor::new(start).chain(file);
    let mut plain: Box<dyn Read> = match packing {
        Packing::Plain => Box::new(whole),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(whole))),
        Packing::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::new(whole).map_err(|error| Error::io(path, error))?;
            decoder
                .window_log_max(ZSTD_WINDOW)
                .map_err(|error| Error::io(path, error))?;
            Box::new(decoder)
        }
    };
    let mut start = first_bytes(&mut plain).map_err(|error| damaged(path, packing, 0, error))?;
    let skipped = refuse_wide(path, &start)?;
    start.drain(..skipped);
    Ok(Opened {
        input: Box::new(BufReader::with_capacity(
            1 << 16,
            Cursor::new(start).chain(plain),
        )),
        packing,
        skipped: skipped as u64,
    })
}

fn first_bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut start)?;
    Ok(start)
}

/// Texts in sixteen bits are refused; of a UTF-8 mark, how long it is.
fn refuse_wide(path: &Path, start: &[u8]) -> Result<usize> {
    let order = match start {
        [0xef, 0xbb, 0xbf, ..] => return Ok(3),
        [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0x7f, 0] => "LE",
        [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0x7f] => "BE",
        _ => return Ok(0),
    };
    let hint = format!(
        "convert it: iconv -f UTF-16{order} -t UTF-8 < {} > converted",
        path.display()
    );
    Err(refusal(path, "written in UTF-16; expected UTF-8").with_hint(hint))
}

/// A file that ends early or does not unpack: everything before was read, nothing after can be.
pub fn damaged(path: &Path, packing: Packing, after: u64, error: impl std::fmt::Display) -> Error {
    let fact = match packing {
        Packing::Plain => format!("reading failed after row {after}: {error}"),
        _ => format!(
            "the {} data is cut short or damaged after row {after}: {error}",
            packing.name()
        ),
    };
    refusal(path, fact)
        .with_hint("the rows before are good, but the file is not whole: copy or make it again")
}

/// A file with nothing in it.
pub fn no_rows(path: &Path) -> Error {
    refusal(path, "no rows").with_hint("there is nothing in it; was it written to the end?")
}

/// A name that does not exist, with the nearest one that does.
fn missing(path: &Path) -> Error {
    let error = refusal(path, "no such file");
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else {
        return error;
    };
    if !folder.is_dir() {
        return error.with_hint(format_args!(
            "there is no folder {} either",
            folder.display()
        ));
    }
    let near = names(folder)
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&name, wanted), name))
        .min();
    match near {
        Some((distance, name)) if distance <= 2 + wanted.len() / 4 => error.with_hint(
            format_args!("did you mean {}?", path.with_file_name(name).display()),
        ),
        _ => error,
    }
}

/// Files that a person may have meant by a folder.
fn inside(folder: &Path) -> String {
    let files: Vec<String> = names(folder)
        .into_iter()
        .filter(|name| folder.join(name).is_file())
        .take(5)
        .collect();
    match files.is_empty() {
        true => "name a file; the folder holds none".to_owned(),
        false => format!("name a file in it, such as {}", files.join(", ")),
    }
}

/// What a folder holds, sorted; nothing of one that cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The blake3 of a file's bytes as they lie on the disk, and how many they are.
pub fn hash(path: &Path) -> Result<(PathBuf, String, u64)> {
    let file = open_file(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut input = BufReader::with_capacity(1 << 20, file);
    let bytes = io::copy(&mut input, &mut hasher).map_err(|error| Error::io(path, error))?;
    Ok((
        path.to_owned(),
        hasher.finalize().to_hex().to_string(),
        bytes,
    ))
}
