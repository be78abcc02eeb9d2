//! `pytorch_model.bin` in both of its forms: the zip archive of torch 1.6 and later, and the row
//! of pickles that came before.
//!
//! Only tensors in a dictionary by name are read, at the top or under `state_dict`. No code of a
//! file is ever run; see [`pickle`](super::pickle) for what is understood at all.

use std::collections::BTreeMap;
use std::path::Path;

use super::heap::{Handle, Heap, Storage, Value};
use super::mapped::Views;
use super::pickle;
use super::view::{Region, View};
use super::zip;
use crate::error::{Error, Place, Result};

/// A checkpoint's tensors may share storages (tied embeddings, repeated layers); together they
/// may span this many times the file, or a small file could keep a reader busy for ever.
pub const MAX_SHARING: usize = 64;

/// First bytes of an archive.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// The number with which the legacy form begins, as an instruction of the pickle machine.
const LEGACY_MAGIC: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// Bytes of the instruction in front of it, which names the pickle protocol.
const PROTOCOL_BYTES: usize = 2;
/// The version of the legacy form, which never changed.
const LEGACY_VERSION: i64 = 1001;
/// The dictionary in which training checkpoints nest their weights.
const NESTED: &str = "state_dict";

/// Finds the tensors of a pickled file.
pub(crate) fn parse(path: &Path, file: &[u8]) -> Result<Views> {
    if file.starts_with(ZIP_MAGIC) {
        return parse_zip(path, file);
    }
    if file.first() == Some(&0x80)
        && file
            .get(PROTOCOL_BYTES..)
            .is_some_and(|rest| rest.starts_with(LEGACY_MAGIC))
    {
        return parse_legacy(path, file, PROTOCOL_BYTES + LEGACY_MAGIC.len());
    }
    Err(Error::bad_file(
        path,
        Place::Byte(0),
        "a zip archive or a legacy file of torch",
        "neither's first bytes",
    ))
}

/// `<name>/data.pkl` describes the tensors, `<name>/data/<key>` are the storages.
fn parse_zip(path: &Path, file: &[u8]) -> Result<Views> {
    let entries = zip::entries(path, file)?;
    let bad = |key: &str, expected: &str, found: String| {
        Error::bad_file(path, Place::Key(key.to_owned()), expected, found)
    };
    let mut pickles = entries.iter().filter_map(|(name, region)| {
        let folder = name.strip_suffix("/data.pkl")?;
        (!folder.contains('/')).then_some((folder, *region))
    });
    let (Some((folder, pickle)), None) = (pickles.next(), pickles.next()) else {
        return Err(bad(
            "data.pkl",
            "one such entry in the archive",
            "none or several".to_owned(),
        ));
    };
    let order_name = format!("{folder}/byteorder");
    if let Some(region) = entries.get(&order_name[..]) {
        let order = &file[region.start..region.start + region.bytes];
        if order != b"little" {
            let found = String::from_utf8_lossy(&order[..order.len().min(16)]).into_owned();
            return Err(bad(&order_name, "`little`", found));
        }
    }
    let end = pickle.start + pickle.bytes;
    let (heap, top, _) = pickle::run(path, &file[..end], pickle.start)?;
    let tensors = Tensors { path, heap, top };
    tensors.views(file.len(), |storage| {
        let name = format!("{folder}/data/{}", storage.key);
        let region = entries.get(&name[..]).copied();
        let region =
            region.ok_or_else(|| bad(&name, "an entry in the archive", "none".to_owned()))?;
        let expected = storage.count.checked_mul(storage.dtype.bytes());
        if expected != Some(region.bytes) {
            let found = format!("{} numbers of {}", storage.count, storage.dtype);
            return Err(bad(
                &name,
                &format!("what fills {} bytes", region.bytes),
                found,
            ));
        }
        Ok(region)
    })
}

/// After the magic number: version, machine, the tensors' description, the storages' keys, and
/// then each storage as its count and its numbers.
fn parse_legacy(path: &Path, file: &[u8], start: usize) -> Result<Views> {
    let at = check_legacy_machine(path, file, start)?;
    let (heap, top, at) = pickle::run(path, file, at)?;
    let tensors = Tensors { path, heap, top };
    let (keys, listing, at) = pickle::run(path, file, at)?;
    let Value::List(listing) = keys.get(listing) else {
        return Err(Error::bad_file(
            path,
            Place::Byte(at),
            "a list of storages",
            "another value",
        ));
    };
    let described = tensors.storages()?;
    let mut regions = BTreeMap::new();
    let mut at = at;
    for &key in listing {
        let Value::Text(key) = *keys.get(key) else {
            return Err(Error::bad_file(
                path,
                Place::Byte(at),
                "keys of storages",
                "another value",
            ));
        };
        let place = || Place::Key(format!("storage {key}"));
        let Some(storage) = described.get(key) else {
            return Err(Error::bad_file(
                path,
                place(),
                "a storage in use",
                "an unknown one",
            ));
        };
        let region = legacy_region(path, file, at, storage)?;
        at = region.start + region.bytes;
        if regions.insert(key, region).is_some() {
            return Err(Error::bad_file(path, place(), "each storage once", "two"));
        }
    }
    if at != file.len() {
        let found = format!("{} further bytes", file.len() - at);
        return Err(Error::bad_file(
            path,
            Place::Byte(at),
            "the end of the file",
            found,
        ));
    }
    tensors.views(file.len(), |storage| {
        regions.get(storage.key).copied().ok_or_else(|| {
            let place = Place::Key(format!("storage {}", storage.key));
            Error::bad_file(path, place, "its numbers in the file", "none")
        })
    })
}

/// The version, and the machine that wrote the file, whose bytes must have our order.
fn check_legacy_machine(path: &Path, file: &[u8], at: usize) -> Result<usize> {
    let (heap, version, next) = pickle::run(path, file, at)?;
    if *heap.get(version) != Value::Int(LEGACY_VERSION) {
        let expected = format!("version {LEGACY_VERSION}");
        return Err(Error::bad_file(path, Place::Byte(at), expected, "another"));
    }
    let (heap, machine, end) = pickle::run(path, file, next)?;
    let little = match heap.get(machine) {
        Value::Dict(pairs) => pairs.iter().any(|&(key, value)| {
            *heap.get(key) == Value::Text("little_endian") && *heap.get(value) == Value::Bool(true)
        }),
        _ => false,
    };
    if !little {
        let expected = "numbers written in little-endian order";
        return Err(Error::bad_file(
            path,
            Place::Byte(next),
            expected,
            "another order",
        ));
    }
    Ok(end)
}

/// One storage: a count, which must be the described one, and that many numbers.
fn legacy_region(path: &Path, file: &[u8], at: usize, storage: &Storage<'_>) -> Result<Region> {
    let bad =
        |expected: String, found: String| Error::bad_file(path, Place::Byte(at), expected, found);
    let rest = file.get(at..).unwrap_or_default();
    let Some((count, data)) = rest.split_first_chunk::<8>() else {
        return Err(bad(
            "a storage's size".to_owned(),
            "the end of the file".to_owned(),
        ));
    };
    let count = u64::from_le_bytes(*count);
    if count != storage.count as u64 {
        let expected = format!("{} numbers in storage {}", storage.count, storage.key);
        return Err(bad(expected, count.to_string()));
    }
    let bytes = storage.count.checked_mul(storage.dtype.bytes());
    match bytes.filter(|&bytes| bytes <= data.len()) {
        Some(bytes) => Ok(Region {
            start: at + 8,
            bytes,
        }),
        None => {
            let expected = format!("{count} numbers of {}", storage.dtype);
            Err(bad(expected, format!("{} bytes", data.len())))
        }
    }
}

/// The values of a description, not yet joined with their numbers.
struct Tensors<'a> {
    path: &'a Path,
    heap: Heap<'a>,
    top: Handle,
}

impl<'a> Tensors<'a> {
    fn bad(&self, key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
        Error::bad_file(self.path, Place::Key(key.to_owned()), expected, found)
    }

    fn pairs(&self, dict: Handle) -> Option<&[(Handle, Handle)]> {
        match self.heap.get(dict) {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The dictionary of tensors: the nested one where there is one, else the top.
    fn dictionary(&self) -> Result<&[(Handle, Handle)]> {
        let Some(top) = self.pairs(self.top) else {
            let expected = "a dictionary of tensors";
            return Err(Error::bad_file(
                self.path,
                Place::Whole,
                expected,
                "another value",
            ));
        };
        let mut nested = top.iter().filter_map(|&(key, value)| {
            (*self.heap.get(key) == Value::Text(NESTED)).then(|| self.pairs(value))?
        });
        match (nested.next(), nested.next()) {
            (None, _) => Ok(top),
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(self.bad(NESTED, "one such entry", "two")),
        }
    }

    /// Every tensor with its name, each name once.
    fn named(&self) -> Result<BTreeMap<&'a str, &super::rebuild::Tensor<'a>>> {
        let mut tensors = BTreeMap::new();
        for &(key, value) in self.dictionary()? {
            let Value::Text(name) = *self.heap.get(key) else {
                let expected = "names as keys";
                return Err(Error::bad_file(
                    self.path,
                    Place::Whole,
                    expected,
                    "another value",
                ));
            };
            let Value::Tensor(tensor) = self.heap.get(value) else {
                return Err(self.bad(name, "a tensor", "another value"));
            };
            if tensors.insert(name, &**tensor).is_some() {
                return Err(self.bad(name, "each name once", "two"));
            }
        }
        Ok(tensors)
    }

    /// Every storage by its key, those of nothing but an optimiser's state included. Tensors that
    /// share a storage must agree on it.
    fn storages(&self) -> Result<BTreeMap<&'a str, Storage<'a>>> {
        let mut storages = BTreeMap::new();
        for storage in self.heap.storages() {
            if *storages.entry(storage.key).or_insert(storage) != storage {
                let key = format!("storage {}", storage.key);
                return Err(self.bad(&key, "one description per storage", "two"));
            }
        }
        Ok(storages)
    }

    /// Joins every tensor with its numbers, which `region` finds.
    fn views(
        &self,
        file_bytes: usize,
        region: impl Fn(&Storage<'a>) -> Result<Region>,
    ) -> Result<Views> {
        self.storages()?;
        let mut total = 0usize;
        let mut views = Views::new();
        for (name, tensor) in self.named()? {
            let region = region(&tensor.storage)?;
            let view = View::strided(
                tensor.storage.dtype,
                tensor.shape.clone(),
                tensor.strides.clone(),
                tensor.offset,
                region,
            )
            .map_err(|found| self.bad(name, "a tensor within its storage", found))?;
            total = total.saturating_add(view.count() * view.dtype.bytes());
            if total / MAX_SHARING > file_bytes {
                let expected = format!("tensors that span at most {MAX_SHARING} times the file");
                return Err(self.bad(name, &expected, "more"));
            }
            views.insert(name.to_owned(), view);
        }
        Ok(views)
    }
}
