//! Writing weights as a safetensors file (or, for others, as torch does), so that a reader sees the old file or the new one, whole.
//!
//! It knows numbers and names, and nothing of what they are for.
//!
//! **Guarantee.** The file is written beside its place, flushed to the disk, and renamed onto it;
//! then the folder is flushed. Killed at any moment, the place holds what it held before or all of
//! the new file. A failure removes what was half written.

mod streamed;
mod torch;

pub use streamed::streamed;
pub use torch::torch;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use half::{bf16, f16};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// A tensor to be written: its key, its shape, its numbers in f32.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'t> {
    pub key: &'t str,
    pub shape: &'t [usize],
    pub numbers: &'t [f32],
}

/// The kind of number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stored {
    #[default]
    F32,
    F16,
    Bf16,
}

impl Stored {
    fn dtype(self) -> &'static str {
        match self {
            Stored::F32 => "F32",
            Stored::F16 => "F16",
            Stored::Bf16 => "BF16",
        }
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Stored::F32 => 4,
            Stored::F16 | Stored::Bf16 => 2,
        }
    }

    fn write(self, number: f32, out: &mut dyn Write) -> std::io::Result<()> {
        match self {
            Stored::F32 => out.write_all(&number.to_le_bytes()),
            Stored::F16 => out.write_all(&f16::from_f32(number).to_le_bytes()),
            Stored::Bf16 => out.write_all(&bf16::from_f32(number).to_le_bytes()),
        }
    }
}

/// Writes the tensors in the order of their keys. `format: pt` stands in the metadata, as the
/// field's libraries expect; the same tensors give the same bytes.
pub fn safetensors(path: &Path, tensors: &[Tensor<'_>], stored: Stored) -> Result<()> {
    file(path, |out| safetensors_into(tensors, stored, out))
}

/// The same bytes, wherever they are to go.
pub fn safetensors_into(
    tensors: &[Tensor<'_>],
    stored: Stored,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let sorted: BTreeMap<&str, &Tensor<'_>> = tensors.iter().map(|t| (t.key, t)).collect();
    let header = header(sorted.values().map(|t| (t.key, t.shape)), stored);
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for tensor in sorted.values() {
        for number in tensor.numbers {
            stored.write(*number, out)?;
        }
    }
    Ok(())
}

/// The header, padded with spaces so that the numbers begin at a multiple of eight bytes.
fn header<'t>(tensors: impl Iterator<Item = (&'t str, &'t [usize])>, stored: Stored) -> Vec<u8> {
    let mut entries = Map::new();
    entries.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut start = 0;
    for (key, shape) in tensors {
        let end = start + shape.iter().product::<usize>() * stored.bytes();
        let entry = json!({"dtype": stored.dtype(), "shape": shape, "data_offsets": [start, end]});
        entries.insert(key.to_owned(), entry);
        start = end;
    }
    let mut text = Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    text
}

/// Writes any file under the guarantee of this module.
pub fn file(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".writing");
    let aside = path.with_file_name(name);
    let outcome = write_aside(&aside, content).and_then(|()| fs_err::rename(&aside, path));
    if let Err(source) = outcome {
        // Nothing half-written stays; that it could not be removed is not what went wrong.
        let _left = fs_err::remove_file(&aside);
        return Err(Error::io(path, source));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs_err::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| Error::io(folder, source))
}

fn write_aside(
    aside: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, fs_err::File::create(aside)?);
    content(&mut out)?;
    let file = out.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let (one, two) = ([1.5f32, -2.0, 3.25, 0.1, 1e-30, 7.0], [0.3f32]);
        let tensors = [
            Tensor {
                key: "z",
                shape: &[2, 3],
                numbers: &one,
            },
            Tensor {
                key: "a",
                shape: &[1],
                numbers: &two,
            },
        ];
        safetensors(&path, &tensors, Stored::F32).unwrap();
        let read = Checkpoint::open_file(&path).unwrap();
        assert_eq!(read.read_f32("z", &[2, 3]).unwrap(), one);
        assert_eq!(read.read_f32("a", &[1]).unwrap(), two);
        safetensors(&path, &tensors, Stored::Bf16).unwrap();
        let read = Checkpoint::open_file(&path).unwrap();
        assert_eq!(read.read_f32("z", &[2, 3]).unwrap()[..3], one[..3]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        file(&path, |out| out.write_all(b"old")).unwrap();
        let failed = file(&path, |out| {
            out.write_all(b"ne")?;
            Err(std::io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs_err::read(&path).unwrap(), b"old");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }
}
