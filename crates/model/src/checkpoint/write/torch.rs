//! Weights as `torch.save` writes a dictionary of tensors, for programs that open nothing else.
//!
//! It writes no code: the pickle names torch's own constructor of tensors and a kind of storage, and
//! beyond that holds names, shapes and places. Torch's reader takes it with `weights_only`. It is
//! never what this program itself prefers to read.

use std::collections::BTreeMap;
use std::io::{Error, Result as IoResult, Write};
use std::path::Path;

use super::{Tensor, file};
use crate::error::Result;

/// Numbers begin at a multiple of this, so that they can be read in place.
const ALIGNED: usize = 64;
/// Signature, fixed fields, and the first four bytes of the padding field.
const HEADER_BYTES: usize = 30 + 4;
/// The first day that a zip file can name; the same weights give the same bytes.
const DATE: u16 = 0x21;

/// Writes tensors in f32, in the order of their keys, under the guarantee of this module's parent.
pub fn torch(path: &Path, tensors: &[Tensor<'_>]) -> Result<()> {
    let sorted: BTreeMap<&str, &Tensor<'_>> = tensors.iter().map(|t| (t.key, t)).collect();
    file(path, |out| {
        let mut zip = Zip::new(out);
        zip.entry("data.pkl", &described(&sorted)?)?;
        zip.entry("byteorder", b"little")?;
        for (place, tensor) in sorted.values().enumerate() {
            let bytes = tensor
                .numbers
                .iter()
                .flat_map(|number| number.to_le_bytes());
            zip.entry(&format!("data/{place}"), &bytes.collect::<Vec<u8>>())?;
        }
        zip.entry("version", b"3\n")?;
        zip.finish()
    })
}

/// The pickle of a dictionary from keys to tensors, each over a storage of its own.
fn described(tensors: &BTreeMap<&str, &Tensor<'_>>) -> IoResult<Vec<u8>> {
    let mut out = b"\x80\x02}(".to_vec();
    for (place, (key, tensor)) in tensors.iter().enumerate() {
        text(&mut out, key)?;
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage")?;
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &place.to_string())?;
        text(&mut out, "cpu")?;
        whole(&mut out, tensor.numbers.len())?;
        out.extend(b"tQ");
        whole(&mut out, 0)?;
        tuple(&mut out, tensor.shape)?;
        tuple(&mut out, &strides(tensor.shape))?;
        // Asks for no gradient, and has no hooks.
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    Ok(out)
}

fn text(out: &mut Vec<u8>, text: &str) -> IoResult<()> {
    out.push(b'X');
    out.extend(size(text.len())?.to_le_bytes());
    out.extend(text.as_bytes());
    Ok(())
}

fn whole(out: &mut Vec<u8>, number: usize) -> IoResult<()> {
    let number = i32::try_from(number).map_err(|_| too_large())?;
    out.push(b'J');
    out.extend(number.to_le_bytes());
    Ok(())
}

fn tuple(out: &mut Vec<u8>, numbers: &[usize]) -> IoResult<()> {
    out.push(b'(');
    for number in numbers {
        whole(out, *number)?;
    }
    out.push(b't');
    Ok(())
}

/// How far apart neighbours are in each dimension, the last one densest.
fn strides(shape: &[usize]) -> Vec<usize> {
    let after = |place: usize| shape[place + 1..].iter().product();
    (0..shape.len()).map(after).collect()
}

fn size(bytes: usize) -> IoResult<u32> {
    u32::try_from(bytes).map_err(|_| too_large())
}

fn too_large() -> Error {
    Error::other("more than this form of file can hold (4 GiB)")
}

/// A zip file of stored entries in one folder.
struct Zip<'o> {
    out: &'o mut dyn Write,
    written: usize,
    entries: u16,
    directory: Vec<u8>,
}

impl<'o> Zip<'o> {
    fn new(out: &'o mut dyn Write) -> Zip<'o> {
        Zip {
            out,
            written: 0,
            entries: 0,
            directory: Vec::new(),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> IoResult<()> {
        self.written += bytes.len();
        self.out.write_all(bytes)
    }

    fn entry(&mut self, name: &str, bytes: &[u8]) -> IoResult<()> {
        let name = format!("archive/{name}");
        let start = size(self.written)?;
        // Version 2.0, no flags, stored as it is, at midnight.
        let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0];
        about.extend(DATE.to_le_bytes());
        about.extend(checksum(bytes).to_le_bytes());
        about.extend([size(bytes.len())?.to_le_bytes(); 2].concat());
        about.extend((name.len() as u16).to_le_bytes());
        let padding = (self.written + HEADER_BYTES + name.len()).wrapping_neg() % ALIGNED;
        self.put(&[b"PK\x03\x04", &*about].concat())?;
        self.put(&(padding as u16 + 4).to_le_bytes())?;
        self.put(name.as_bytes())?;
        self.put(&[b"FB", &(padding as u16).to_le_bytes()[..]].concat())?;
        self.put(&vec![0; padding])?;
        self.put(bytes)?;
        self.entries = self.entries.checked_add(1).ok_or_else(too_large)?;
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(about);
        // No extra field, no comment, first disk, no attributes.
        self.directory.extend([0; 12]);
        self.directory.extend(start.to_le_bytes());
        self.directory.extend(name.as_bytes());
        Ok(())
    }

    fn finish(mut self) -> IoResult<()> {
        let (start, directory) = (size(self.written)?, std::mem::take(&mut self.directory));
        self.put(&directory)?;
        self.put(b"PK\x05\x06\0\0\0\0")?;
        self.put(&[self.entries.to_le_bytes(); 2].concat())?;
        self.put(&size(directory.len())?.to_le_bytes())?;
        self.put(&start.to_le_bytes())?;
        self.put(&[0; 2])
    }
}

/// CRC-32 as zip files have it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut sum: u32, byte| {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;

    #[test]
    fn what_is_written_is_read_back_to_the_bit_and_is_the_same_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let (six, one, none) = ([1.5f32, -2.0, 3.25, 0.1, 1e-30, 7.0], [0.3f32], []);
        let tensor = |key, shape, numbers| Tensor {
            key,
            shape,
            numbers,
        };
        let tensors = [
            tensor("z.weight", &[2, 3][..], &six[..]),
            tensor("a", &[1], &one),
            tensor("cube", &[1, 3, 2], &six),
            tensor("scalar", &[], &one),
            tensor("empty", &[0, 4], &none),
        ];
        torch(&path, &tensors).unwrap();
        let read = Checkpoint::open_file(&path).unwrap();
        assert_eq!(read.keys().count(), tensors.len());
        for tensor in &tensors {
            assert_eq!(read.shape(tensor.key).unwrap(), tensor.shape);
            assert_eq!(
                read.read_f32(tensor.key, tensor.shape).unwrap(),
                tensor.numbers
            );
        }
        let first = fs_err::read(&path).unwrap();
        torch(&path, &tensors).unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), first);
    }

    #[test]
    fn checksums_are_those_of_zip_files() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), 0);
    }
}
