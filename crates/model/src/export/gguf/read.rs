//! Reading a GGUF file: its settings, and where its tensors lie.
//!
//! **Guarantee.** Whatever bytes the file holds, opening and reading end in a value or in a typed
//! error that names file and place. Nothing outside the file is read, and no memory is asked for
//! beyond a small multiple of what the file really holds: counts are believed only as far as the
//! bytes that would have to follow them are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::value::{LIST, Value};
use super::{ALIGNMENT, Kind, MAGIC, VERSION};
use crate::error::{Error, Place, Result};

/// Tensors of more dimensions do not exist in these files.
const MAX_RANK: u32 = 4;
/// Names of settings and tensors are no longer.
const MAX_NAME: usize = 1 << 16;
/// Fewest bytes of a setting and of a tensor's entry.
const MIN_SETTING: usize = 13;
const MIN_ENTRY: usize = 32;

/// Where a tensor lies.
#[derive(Debug, Clone)]
struct Extent {
    /// Rows first, as checkpoints give it.
    shape: Vec<usize>,
    kind: Kind,
    start: usize,
    bytes: usize,
}

/// A mapped file.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    map: Mmap,
    settings: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Extent>,
}

impl File {
    pub fn open(path: &Path) -> Result<File> {
        let file = crate::checkpoint::open_plain(path)?;
        // SAFETY: the map is only ever read, as bytes, for which every bit pattern is valid; a
        // program that shortens the file meanwhile ends this process, as with every mapped base.
        let map = unsafe { Mmap::map(file.file()) }.map_err(|source| {
            let text = format!("failed to map `{}`: {source}", path.display());
            Error::io(path, std::io::Error::new(source.kind(), text))
        })?;
        let (settings, tensors) = parse(path, &map)?;
        Ok(File {
            path: path.to_owned(),
            map,
            settings,
            tensors,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|extent| &extent.shape[..])
    }

    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.tensors.get(name).map(|extent| extent.kind)
    }

    pub fn setting(&self, key: &str) -> Option<&Value> {
        self.settings.get(key)
    }

    /// A setting that must be a text.
    pub fn text(&self, key: &str) -> Result<&str> {
        let found = self.setting(key).and_then(Value::text);
        found.ok_or_else(|| self.wrong(key, "a text"))
    }

    /// An error about a setting.
    pub fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = match self.setting(key) {
            None => "none".to_owned(),
            Some(value) => format!("another (of type {})", value.type_id()),
        };
        Error::bad_file(&self.path, Place::Key(key.to_owned()), expected, found)
    }

    /// A tensor's numbers, if it has the expected shape.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>> {
        let Some(extent) = self.tensors.get(name) else {
            return Err(Error::MissingTensor {
                path: self.path.clone(),
                key: name.to_owned(),
                expected: expected.to_vec(),
            });
        };
        if extent.shape != expected {
            return Err(Error::WrongShape {
                path: self.path.clone(),
                key: name.to_owned(),
                expected: expected.to_vec(),
                found: extent.shape.clone(),
            });
        }
        let bytes = &self.map[extent.start..extent.start + extent.bytes];
        Ok(extent.kind.decode(bytes))
    }
}

/// Walks through the head of a file.
struct Walk<'b> {
    path: &'b Path,
    bytes: &'b [u8],
    at: usize,
}

type Settings = BTreeMap<String, Value>;
type Tensors = BTreeMap<String, Extent>;

fn parse(path: &Path, bytes: &[u8]) -> Result<(Settings, Tensors)> {
    let mut walk = Walk { path, bytes, at: 0 };
    if walk.take(4)? != MAGIC {
        return Err(walk.bad(0, "`GGUF`", "other bytes"));
    }
    let version = walk.u32()?;
    if version != VERSION {
        return Err(walk.bad(4, "version 3", version));
    }
    let tensors = walk.count(MIN_ENTRY)?;
    let settings = walk.count(MIN_SETTING)?;
    let settings = walk.settings(settings)?;
    let tensors = walk.tensors(tensors, alignment(path, &settings)?)?;
    Ok((settings, tensors))
}

/// Where tensors may begin, if the file does not leave it at the usual.
fn alignment(path: &Path, settings: &Settings) -> Result<usize> {
    let key = "general.alignment";
    let Some(value) = settings.get(key) else {
        return Ok(ALIGNMENT);
    };
    let sound = |size: &u64| size.is_power_of_two() && *size <= 1 << 20;
    match value.count().filter(sound) {
        Some(size) => Ok(size as usize),
        None => {
            let place = Place::Key(key.to_owned());
            Err(Error::bad_file(
                path,
                place,
                "a power of two",
                "another value",
            ))
        }
    }
}

impl<'b> Walk<'b> {
    fn bad(&self, at: usize, expected: &str, found: impl std::fmt::Display) -> Error {
        Error::bad_file(self.path, Place::Byte(at), expected, found)
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let left = self.bytes.len() - self.at;
        if count > left {
            let expected = format!("{count} more bytes");
            return Err(self.bad(self.at, &expected, left));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A count of things of at least `bytes` bytes each, which must have room in the file.
    fn count(&mut self, bytes: usize) -> Result<usize> {
        let at = self.at;
        let count = u64::from_le_bytes(self.array()?);
        let room = (self.bytes.len() - self.at) / bytes;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => Err(self.bad(at, &format!("a count up to {room}"), count)),
        }
    }

    fn string(&mut self, limit: usize) -> Result<String> {
        let length = self.count(1)?;
        let at = self.at;
        if length > limit {
            return Err(self.bad(at, &format!("at most {limit} bytes of text"), length));
        }
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.bad(at, "UTF-8", "other bytes")),
        }
    }

    fn settings(&mut self, count: usize) -> Result<Settings> {
        let mut settings = Settings::new();
        for _ in 0..count {
            let at = self.at;
            let key = self.string(MAX_NAME)?;
            let kind = self.u32()?;
            let value = self.value(kind, true)?;
            if settings.insert(key, value).is_some() {
                return Err(self.bad(at, "each setting once", "one for the second time"));
            }
        }
        Ok(settings)
    }

    fn value(&mut self, kind: u32, lists: bool) -> Result<Value> {
        Ok(match kind {
            0 => Value::U8(u8::from_le_bytes(self.array()?)),
            1 => Value::I8(i8::from_le_bytes(self.array()?)),
            2 => Value::U16(u16::from_le_bytes(self.array()?)),
            3 => Value::I16(i16::from_le_bytes(self.array()?)),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(i32::from_le_bytes(self.array()?)),
            6 => Value::F32(f32::from_le_bytes(self.array()?)),
            7 => match self.array()? {
                [0u8] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => return Err(self.bad(self.at - 1, "0 or 1", other)),
            },
            8 => Value::Text(self.string(usize::MAX)?),
            LIST if lists => self.list()?,
            10 => Value::U64(u64::from_le_bytes(self.array()?)),
            11 => Value::I64(i64::from_le_bytes(self.array()?)),
            12 => Value::F64(f64::from_le_bytes(self.array()?)),
            other => return Err(self.bad(self.at, "a type of setting", other)),
        })
    }

    /// The list grows as its values are read: its count alone asks for no memory.
    fn list(&mut self) -> Result<Value> {
        let kind = self.u32()?;
        let count = self.count(1)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(self.value(kind, false)?);
        }
        Ok(Value::List(list))
    }

    fn tensors(&mut self, count: usize, alignment: usize) -> Result<Tensors> {
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(self.entry(alignment)?);
        }
        let data = self.at.next_multiple_of(alignment);
        let mut tensors = Tensors::new();
        for (at, name, mut extent) in entries {
            let end = data.checked_add(extent.start).and_then(|start| {
                extent.start = start;
                start.checked_add(extent.bytes)
            });
            if end.is_none_or(|end| end > self.bytes.len()) {
                let expected = format!("`{name}` inside the {} bytes", self.bytes.len());
                return Err(self.bad(at, &expected, "one that reaches beyond"));
            }
            if tensors.insert(name, extent).is_some() {
                return Err(self.bad(at, "each tensor once", "one for the second time"));
            }
        }
        Ok(tensors)
    }

    /// A tensor's entry; its start is counted from the first number of all.
    fn entry(&mut self, alignment: usize) -> Result<(usize, String, Extent)> {
        let at = self.at;
        let name = self.string(MAX_NAME)?;
        let rank = self.u32()?;
        if rank > MAX_RANK {
            return Err(self.bad(at, "at most 4 dimensions", rank));
        }
        let mut shape = Vec::new();
        for _ in 0..rank {
            let size = u64::from_le_bytes(self.array()?);
            let size = usize::try_from(size).map_err(|_| self.bad(at, "a size", size))?;
            shape.insert(0, size);
        }
        let id = self.u32()?;
        let Some(kind) = Kind::from_id(id) else {
            return Err(self.bad(
                at,
                "numbers in f32, f16, bf16 or q8_0",
                format!("kind {id}"),
            ));
        };
        let offset = u64::from_le_bytes(self.array()?);
        let start = usize::try_from(offset).map_err(|_| self.bad(at, "an offset", offset))?;
        if !start.is_multiple_of(alignment) {
            return Err(self.bad(at, &format!("an offset by {alignment}"), start));
        }
        let Some(bytes) = kind.bytes(&shape) else {
            return Err(self.bad(at, "a shape of its kind", format!("{shape:?}")));
        };
        let extent = Extent {
            shape,
            kind,
            start,
            bytes,
        };
        Ok((at, name, extent))
    }
}
