//! The directory of a zip archive whose entries are stored as they are.
//!
//! Only what `torch.save` writes is understood: stored entries, one disk, with or without the
//! zip64 records of large archives. Compressed or encrypted entries, duplicates, and entries that
//! overlap are refused. The archive is never unpacked: entries are regions of the mapped file.
//!
//! The checksums of entries are not compared: `torch.save` may be told to leave them out, and
//! reading all weights at opening would undo what mapping the file is for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::view::Region;
use crate::error::{Error, Place, Result};

/// More entries than any archive of weights has.
pub const MAX_ENTRIES: usize = 1 << 18;

const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const END64: u32 = 0x0606_4b50;
const END64_BYTES: usize = 56;
const LOCATOR64: u32 = 0x0706_4b50;
const LOCATOR64_BYTES: usize = 20;
const CENTRAL: u32 = 0x0201_4b50;
const CENTRAL_BYTES: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;
/// The longest comment that may follow the end record.
const MAX_COMMENT: usize = u16::MAX as usize;
/// Tag of the extra field that holds the 64-bit sizes.
const EXTRA64: u16 = 1;
/// Stands in a 32-bit field whose value is in the zip64 extra field.
const SEE_EXTRA: usize = u32::MAX as usize;
/// The bit of an entry's flags that says it is encrypted.
const ENCRYPTED: usize = 1;

/// Where each entry's bytes lie, by the entry's name.
pub(crate) fn entries<'a>(path: &'a Path, file: &'a [u8]) -> Result<BTreeMap<&'a str, Region>> {
    let archive = Archive { path, file };
    let directory = archive.directory()?;
    let mut entries = BTreeMap::new();
    let mut spans = Vec::new();
    let mut at = directory.start;
    let end = directory.start + directory.bytes;
    for _ in 0..directory.entries {
        let (name, header, region, next) = archive.entry(at, directory.start)?;
        spans.push((header, region.start + region.bytes, name));
        if next > end {
            return Err(archive.bad(at, "an entry within the directory", "a longer one"));
        }
        if entries.insert(name, region).is_some() {
            let found = format!("`{name}` for the second time");
            return Err(archive.bad(at, "entries of different names", found));
        }
        at = next;
    }
    if at != end {
        let found = format!("{} bytes after the last entry", end - at);
        return Err(archive.bad(at, "the end of the directory", found));
    }
    archive.check_apart(spans)?;
    Ok(entries)
}

/// The central directory, which is the archive's only authority.
struct Directory {
    start: usize,
    bytes: usize,
    entries: usize,
}

struct Archive<'a> {
    path: &'a Path,
    file: &'a [u8],
}

impl<'a> Archive<'a> {
    fn bad(&self, byte: usize, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::bad_file(self.path, Place::Byte(byte), expected, found)
    }

    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        self.file
            .get(at..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| self.bad(at, format!("{N} more bytes"), "the end of the file"))
    }

    fn u16(&self, at: usize) -> Result<usize> {
        Ok(usize::from(u16::from_le_bytes(self.bytes(at)?)))
    }

    fn u32(&self, at: usize) -> Result<usize> {
        let number = u32::from_le_bytes(self.bytes(at)?);
        usize::try_from(number).map_err(|_| self.bad(at, "a size that fits memory", number))
    }

    fn u64(&self, at: usize) -> Result<usize> {
        let number = u64::from_le_bytes(self.bytes(at)?);
        usize::try_from(number).map_err(|_| self.bad(at, "a size that fits memory", number))
    }

    fn signature(&self, at: usize, expected: u32, what: &str) -> Result<()> {
        let found = u32::from_le_bytes(self.bytes(at)?);
        if found == expected {
            return Ok(());
        }
        Err(self.bad(
            at,
            format!("{what} ({expected:#010x})"),
            format!("{found:#010x}"),
        ))
    }

    /// Finds the end record from behind, and the zip64 one before it if there is one.
    fn directory(&self) -> Result<Directory> {
        let end = self.end_record()?;
        if self.u16(end + 4)? != 0 || self.u16(end + 6)? != 0 {
            return Err(self.bad(end + 4, "an archive in one part", "several parts"));
        }
        let mut limit = end;
        let mut directory = Directory {
            entries: self.u16(end + 10)?,
            bytes: self.u32(end + 12)?,
            start: self.u32(end + 16)?,
        };
        let locator = end.checked_sub(LOCATOR64_BYTES);
        if let Some(locator) = locator.filter(|&at| self.signature(at, LOCATOR64, "").is_ok()) {
            limit = self.u64(locator + 8)?;
            if limit
                .checked_add(END64_BYTES)
                .is_none_or(|end| end > locator)
            {
                return Err(self.bad(locator + 8, "a place before this one", limit));
            }
            self.signature(limit, END64, "a zip64 end record")?;
            directory = Directory {
                entries: self.u64(limit + 32)?,
                bytes: self.u64(limit + 40)?,
                start: self.u64(limit + 48)?,
            };
        }
        let stop = directory.start.checked_add(directory.bytes);
        if stop.is_none_or(|stop| stop > limit) {
            let found = format!("{} bytes from {}", directory.bytes, directory.start);
            return Err(self.bad(end, format!("a directory before byte {limit}"), found));
        }
        if directory.entries > MAX_ENTRIES.min(directory.bytes / CENTRAL_BYTES) {
            let expected = format!("entries that fit {} bytes", directory.bytes);
            return Err(self.bad(end, expected, directory.entries));
        }
        Ok(directory)
    }

    /// The end record: its signature, with a comment that reaches exactly to the end of the file.
    fn end_record(&self) -> Result<usize> {
        let length = self.file.len();
        let first = length.saturating_sub(END_BYTES + MAX_COMMENT);
        let tail = &self.file[first..];
        let mut records = tail.windows(END_BYTES).enumerate().rev();
        let found = records.find(|(at, record)| {
            let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
            record.starts_with(&END.to_le_bytes()) && at + END_BYTES + comment == tail.len()
        });
        found.map(|(at, _)| first + at).ok_or_else(|| {
            let expected = "the end record of a zip archive";
            self.bad(length, expected, "the end of the file")
        })
    }

    /// One entry of the directory: its name, its header's place, its bytes, and the next entry.
    fn entry(&self, at: usize, data_end: usize) -> Result<(&'a str, usize, Region, usize)> {
        self.signature(at, CENTRAL, "an entry of the directory")?;
        let (flags, method) = (self.u16(at + 8)?, self.u16(at + 10)?);
        let name_end = at + CENTRAL_BYTES + self.u16(at + 28)?;
        let extra_end = name_end + self.u16(at + 30)?;
        let next = extra_end + self.u16(at + 32)?;
        let name = self.name(at + CENTRAL_BYTES, name_end)?;
        if flags & ENCRYPTED != 0 {
            return Err(self.bad(at + 8, "an entry in the clear", "an encrypted one"));
        }
        if method != 0 {
            let found = format!("`{name}` compressed by method {method}");
            return Err(self.bad(at + 10, "an entry stored as it is", found));
        }
        let [bytes, packed, header] = self.sizes(at, name_end, extra_end)?;
        if bytes != packed {
            let found = format!("{packed} stored for {bytes}");
            return Err(self.bad(at + 20, "as many bytes stored as held", found));
        }
        let start = self.data_start(header, name)?;
        if start.checked_add(bytes).is_none_or(|end| end > data_end) {
            let expected = format!("`{name}` before the directory at byte {data_end}");
            return Err(self.bad(at + 42, expected, format!("{bytes} bytes from {start}")));
        }
        Ok((name, header, Region { start, bytes }, next))
    }

    fn name(&self, start: usize, end: usize) -> Result<&'a str> {
        let bytes = self.file.get(start..end);
        bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or_else(|| self.bad(start, "a name in UTF-8", "other bytes"))
    }

    /// Size, stored size and header's place: 32 bits each, or 64 in the extra field, which holds
    /// only those of the three that the small fields could not.
    fn sizes(&self, at: usize, extra: usize, extra_end: usize) -> Result<[usize; 3]> {
        let mut sizes = [self.u32(at + 24)?, self.u32(at + 20)?, self.u32(at + 42)?];
        if !sizes.contains(&SEE_EXTRA) {
            return Ok(sizes);
        }
        let mut field = extra;
        while field < extra_end {
            let (tag, length) = (self.u16(field)?, self.u16(field + 2)?);
            let (mut value, end) = (field + 4, field + 4 + length);
            if tag == usize::from(EXTRA64) {
                for size in sizes.iter_mut().filter(|size| **size == SEE_EXTRA) {
                    if value + 8 > end.min(extra_end) {
                        return Err(self.bad(field, "all 64-bit sizes", "a shorter field"));
                    }
                    *size = self.u64(value)?;
                    value += 8;
                }
                return Ok(sizes);
            }
            field = end;
        }
        Err(self.bad(at, "a field of 64-bit sizes", "none"))
    }

    /// Where an entry's bytes begin: behind its local header, which repeats the name.
    fn data_start(&self, header: usize, name: &str) -> Result<usize> {
        if header > self.file.len() {
            return Err(self.bad(self.file.len(), "a header within the file", header));
        }
        self.signature(header, LOCAL, "an entry's header")?;
        let name_end = header + LOCAL_BYTES + self.u16(header + 26)?;
        if self.name(header + LOCAL_BYTES, name_end)? != name {
            return Err(self.bad(header, format!("the header of `{name}`"), "another's"));
        }
        Ok(name_end + self.u16(header + 28)?)
    }

    /// Two entries over the same bytes would be two truths about one place. A span is the place
    /// of an entry's header and the end of its bytes.
    fn check_apart(&self, mut spans: Vec<(usize, usize, &str)>) -> Result<()> {
        spans.sort_unstable();
        for pair in spans.windows(2) {
            let ((_, end, first), (start, _, second)) = (pair[0], pair[1]);
            if end > start {
                let found = format!("`{first}` over `{second}`");
                return Err(self.bad(start, "entries that lie apart", found));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry after another, then the directory; `flags` and `method` of all entries as given.
    fn archive(names: &[&str], flags: u16, method: u16, large: bool) -> Vec<u8> {
        let (mut file, mut directory) = (Vec::new(), Vec::new());
        for name in names {
            let header = file.len();
            file.extend(LOCAL.to_le_bytes());
            file.extend([0; 22]);
            file.extend((name.len() as u16).to_le_bytes());
            file.extend(3u16.to_le_bytes());
            file.extend(name.as_bytes());
            file.extend([9; 3]);
            file.extend(b"data");
            directory.extend(CENTRAL.to_le_bytes());
            directory.extend([0; 4]);
            directory.extend(flags.to_le_bytes());
            directory.extend(method.to_le_bytes());
            directory.extend([0; 8]);
            directory.extend(4u32.to_le_bytes());
            directory.extend(if large { u32::MAX } else { 4 }.to_le_bytes());
            directory.extend((name.len() as u16).to_le_bytes());
            directory.extend(if large { 20u16 } else { 0 }.to_le_bytes());
            directory.extend([0; 10]);
            directory.extend(if large { u32::MAX } else { header as u32 }.to_le_bytes());
            directory.extend(name.as_bytes());
            if large {
                directory.extend([1, 0, 16, 0]);
                directory.extend(4u64.to_le_bytes());
                directory.extend((header as u64).to_le_bytes());
            }
        }
        let start = file.len();
        file.extend(&directory);
        if large {
            let end = file.len() as u64;
            file.extend(END64.to_le_bytes());
            file.extend([0; 28]);
            for field in [names.len(), directory.len(), start] {
                file.extend((field as u64).to_le_bytes());
            }
            file.extend(LOCATOR64.to_le_bytes());
            file.extend([0; 4]);
            file.extend(end.to_le_bytes());
            file.extend([0; 4]);
        }
        let small = |field: usize| if large { u32::MAX } else { field as u32 };
        file.extend(END.to_le_bytes());
        file.extend([0; 6]);
        file.extend((small(names.len()) as u16).to_le_bytes());
        file.extend(small(directory.len()).to_le_bytes());
        file.extend(small(start).to_le_bytes());
        file.extend([0; 2]);
        file
    }

    fn refusal(file: &[u8]) -> String {
        entries(Path::new("m.bin"), file).unwrap_err().to_string()
    }

    #[test]
    fn stored_entries_are_found_with_small_and_with_large_sizes() {
        for large in [false, true] {
            let file = archive(&["a/data.pkl", "a/data/0"], 0, 0, large);
            let entries = entries(Path::new("m"), &file).unwrap();
            assert_eq!(entries.len(), 2);
            for region in entries.values() {
                assert_eq!(&file[region.start..region.start + region.bytes], b"data");
            }
        }
    }

    #[test]
    fn compressed_encrypted_and_repeated_entries_are_refused() {
        assert!(refusal(&archive(&["a"], 0, 8, false)).contains("`a` compressed by method 8"));
        assert!(refusal(&archive(&["a"], 1, 0, false)).contains("encrypted"));
        assert!(refusal(&archive(&["a", "a"], 0, 0, false)).contains("second time"));
    }

    #[test]
    fn entries_over_one_another_are_refused() {
        let mut file = archive(&["a", "b"], 0, 0, false);
        // The first entry's sizes, in the directory: long enough to reach into the second.
        let directory = 2 * (LOCAL_BYTES + 1 + 3 + 4);
        for field in [20, 24] {
            file[directory + field] = 9;
        }
        assert!(
            refusal(&file).contains("`a` over `b`"),
            "{}",
            refusal(&file)
        );
    }

    #[test]
    fn an_archive_cut_anywhere_is_refused() {
        let file = archive(&["a/data.pkl", "a/data/0"], 0, 0, true);
        for length in 0..file.len() {
            refusal(&file[..length]);
        }
    }
}
