//! The header of a safetensors file, read strictly.
//!
//! The format's own crate is not used for this: its parser keeps the last of two entries of one
//! name, and its errors name neither file nor place. Both matter for weights: a duplicate is a
//! way to show one thing to a scanner and another to a loader. So the header is deserialised
//! here, by visitors that refuse duplicates and unknown fields, and the entries must then tile
//! the rest of the file exactly. It writes nothing; belts are written elsewhere.
//!
//! A file is: the header's length (u64, little-endian), the header (JSON, may end in spaces),
//! the numbers of all tensors, end to end.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};

use super::json;
use super::mapped::Views;
use super::view::{Dtype, Region, View};
use crate::error::{Error, Place, Result};

/// The format's own bound on a header.
pub const MAX_HEADER_BYTES: usize = 100_000_000;
/// More tensors than any base has, in one file.
pub const MAX_TENSORS: usize = 1 << 18;

/// Bytes of the header's length.
const PREFIX: usize = 8;
/// The one key of the header that is not a tensor.
const METADATA: &str = "__metadata__";

/// Finds the tensors of a safetensors file.
pub(crate) fn parse(path: &Path, file: &[u8]) -> Result<Views> {
    let (header, data) = split(path, file)?;
    let Header(entries) = serde_json::from_slice(header).map_err(|error| {
        let byte = PREFIX + json::byte_of(header, &error);
        let expected = "a header of tensors";
        Error::bad_file(path, Place::Byte(byte), expected, json::message(&error))
    })?;
    check_tiling(path, &entries, data.bytes)?;
    entries
        .into_iter()
        .map(|(key, entry)| {
            let view = view(entry, data)
                .map_err(|(expected, found)| bad(path, Place::Key(key.clone()), expected, found))?;
            Ok((key, view))
        })
        .collect()
}

fn bad(path: &Path, place: Place, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
    Error::bad_file(path, place, expected, found)
}

/// Header and data, by the length in front.
fn split<'a>(path: &Path, file: &'a [u8]) -> Result<(&'a [u8], Region)> {
    let Some((prefix, rest)) = file.split_first_chunk::<PREFIX>() else {
        let found = format!("{} bytes", file.len());
        return Err(bad(path, Place::Whole, "at least 8 bytes", found));
    };
    let length = u64::from_le_bytes(*prefix);
    let bound = rest.len().min(MAX_HEADER_BYTES);
    let Some(length) = usize::try_from(length).ok().filter(|&l| l <= bound) else {
        let expected = format!("a header of at most {bound} bytes");
        return Err(bad(path, Place::Byte(0), expected, length));
    };
    let (header, data) = rest.split_at(length);
    if header.first() != Some(&b'{') {
        let found = header
            .first()
            .map_or("nothing".to_owned(), |byte| format!("the byte {byte:#04x}"));
        return Err(bad(path, Place::Byte(PREFIX), "`{`", found));
    }
    let data = Region {
        start: PREFIX + length,
        bytes: data.len(),
    };
    Ok((header, data))
}

/// Every byte behind the header belongs to exactly one tensor.
fn check_tiling(path: &Path, entries: &BTreeMap<String, Entry>, held: usize) -> Result<()> {
    let mut order: Vec<(&String, (usize, usize))> = entries
        .iter()
        .map(|(key, entry)| (key, entry.data_offsets))
        .collect();
    order.sort_by_key(|&(_, offsets)| offsets);
    let mut at = 0;
    for (key, (begin, end)) in order {
        if begin != at || end < begin || end > held {
            let expected = format!("numbers from byte {at} on, within {held} bytes");
            let found = format!("{begin} to {end}");
            return Err(bad(path, Place::Key(key.clone()), expected, found));
        }
        at = end;
    }
    if at != held {
        let expected = format!("{at} bytes of numbers");
        return Err(bad(path, Place::Whole, expected, format!("{held} bytes")));
    }
    Ok(())
}

/// An entry's place in the file. Its offsets have been checked against the file.
fn view(entry: Entry, data: Region) -> std::result::Result<View, (&'static str, String)> {
    let Some(dtype) = Dtype::from_name(&entry.dtype) else {
        return Err(("a known kind of number", format!("`{}`", entry.dtype)));
    };
    let (begin, end) = entry.data_offsets;
    let region = Region {
        start: data.start + begin,
        bytes: end - begin,
    };
    View::filling(dtype, entry.shape, region).map_err(|found| ("offsets that fit the shape", found))
}

/// One tensor, as the header describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// The whole header, without the metadata, whose form is checked and whose words mean nothing here.
struct Header(BTreeMap<String, Entry>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> std::result::Result<Header, D::Error> {
        from.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Header, A::Error> {
        let mut entries = BTreeMap::new();
        let mut metadata: Option<Metadata> = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == METADATA {
                if metadata.replace(map.next_value()?).is_some() {
                    return Err(twice::<A>(METADATA));
                }
                continue;
            }
            match entries.entry(key) {
                MapEntry::Vacant(place) => place.insert(map.next_value()?),
                MapEntry::Occupied(place) => return Err(twice::<A>(place.key())),
            };
            if entries.len() > MAX_TENSORS {
                let text = format!("more than {MAX_TENSORS} tensors");
                return Err(de::Error::custom(text));
            }
        }
        Ok(Header(entries))
    }
}

/// Words about the file: a flat object of strings.
struct Metadata;

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> std::result::Result<Metadata, D::Error> {
        from.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Metadata, A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        while let Some((key, _)) = map.next_entry::<String, String>()? {
            if let Some(key) = seen.replace(key) {
                return Err(twice::<A>(&key));
            }
        }
        Ok(Metadata)
    }
}

fn twice<'de, A: MapAccess<'de>>(key: &str) -> A::Error {
    de::Error::custom(format!("the key `{key}` for the second time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn refusal(header: &str, data: usize) -> String {
        let error = parse(Path::new("m.safetensors"), &file(header, data)).unwrap_err();
        assert!(matches!(error, Error::BadFile { .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_well_formed_header_gives_its_tensors() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            "a":{"dtype":"BF16","shape":[],"data_offsets":[8,10]},
            "z":{"dtype":"F32","shape":[0,3],"data_offsets":[10,10]}}  "#;
        let views = parse(Path::new("m"), &file(header, 10)).unwrap();
        assert_eq!(views.keys().collect::<Vec<_>>(), ["a", "b", "z"]);
        assert_eq!(views["a"].start, 8 + header.len() + 8);
        assert_eq!(views["z"].count(), 0);
    }

    #[test]
    fn a_key_that_appears_twice_is_refused_with_its_byte() {
        let one = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        let text = refusal(&format!("{{{one},{one}}}"), 4);
        assert!(text.contains("`a` for the second time"), "{text}");
        assert!(text.contains("m.safetensors: byte 64"), "{text}");
        refusal(r#"{"__metadata__":{"x":"1","x":"2"}}"#, 0);
        refusal(r#"{"__metadata__":{},"__metadata__":{}}"#, 0);
        refusal(
            r#"{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#,
            4,
        );
    }

    #[test]
    fn holes_overlaps_and_left_over_bytes_are_refused() {
        let two = |first: &str, second: &str| {
            format!(
                r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":{first}}},"b":{{"dtype":"F32","shape":[1],"data_offsets":{second}}}}}"#
            )
        };
        assert!(parse(Path::new("m"), &file(&two("[0,4]", "[4,8]"), 8)).is_ok());
        assert!(refusal(&two("[0,4]", "[8,12]"), 12).contains("`b`"));
        refusal(&two("[0,4]", "[0,4]"), 8);
        refusal(&two("[0,4]", "[2,6]"), 8);
        refusal(&two("[4,0]", "[4,8]"), 8);
        refusal(&two("[0,4]", "[4,8]"), 9);
        refusal(&two("[0,4]", "[4,8]"), 7);
    }

    #[test]
    fn sizes_that_overflow_or_do_not_fit_are_refused() {
        let with_shape = |shape: &str, dtype: &str| {
            format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,4]}}}}"#)
        };
        assert!(parse(Path::new("m"), &file(&with_shape("[1]", "F32"), 4)).is_ok());
        for (shape, dtype) in [
            ("[2]", "F32"),
            ("[1]", "F16"),
            ("[4294967296,4294967296,4]", "F32"),
            ("[18446744073709551615]", "F32"),
            ("[9223372036854775807,0]", "F64"),
            ("[1,1,1,1,1,1,1,1,1]", "F32"),
            ("[-1]", "F32"),
            ("[1]", "F99"),
            ("[1]", "F32\",\"more\":\""),
        ] {
            refusal(&with_shape(shape, dtype), 4);
        }
    }

    #[test]
    fn a_header_beyond_the_file_or_without_an_object_is_refused() {
        let path = Path::new("m");
        for bytes in [
            &b""[..],
            &[0; 8],
            &u64::MAX.to_le_bytes(),
            &[2, 0, 0, 0, 0, 0, 0, 0, b'{'],
            b"\x04\0\0\0\0\0\0\0 {} ",
            b"\x04\0\0\0\0\0\0\0{}{}",
            b"\x04\0\0\0\0\0\0\0{\"\xff\"",
        ] {
            assert!(parse(path, bytes).is_err(), "{bytes:?}");
        }
        assert!(parse(path, b"\x04\0\0\0\0\0\0\0{}  ").unwrap().is_empty());
    }
}
