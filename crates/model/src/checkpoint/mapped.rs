//! One file of weights, mapped into memory, and the way from its numbers to f32.
//!
//! Reading a tensor costs its f32 copy and nothing that stays: the file's own pages are handed
//! back to the operating system as soon as they have been read, so that loading a base never
//! holds it twice. It parses nothing: it is given views that were checked by a parser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;

use super::view::{Dtype, View};
use crate::{Error, Result};

/// Tensors of one file by name; the order is that of the names.
pub(crate) type Views = BTreeMap<String, View>;

/// A mapped file with its tensors.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub path: PathBuf,
    map: Mmap,
    pub views: Views,
}

impl Mapped {
    /// Maps a file and lets `parse` find its tensors.
    pub fn open(path: &Path, parse: fn(&Path, &[u8]) -> Result<Views>) -> Result<Mapped> {
        let file = super::open_plain(path)?;
        let named = |source: std::io::Error| {
            let text = format!("failed to map `{}`: {source}", path.display());
            Error::io(path, std::io::Error::new(source.kind(), text))
        };
        // SAFETY: the map is only ever read, as bytes, for which every bit pattern is valid. A
        // program that shortens the file meanwhile would end this process with a bus error;
        // bases are published files that nobody writes to in place, and copying gigabytes to
        // be safe from that would double the memory of every load.
        let map = unsafe { Mmap::map(file.file()) }.map_err(named)?;
        let views = parse(path, &map)?;
        Ok(Mapped {
            path: path.to_owned(),
            map,
            views,
        })
    }

    /// The numbers as f32, in row-major order. The caller has checked that `view` is one of ours.
    pub fn read_f32(&self, key: &str, view: &View) -> Result<Vec<f32>> {
        let mut numbers = vec![0f32; view.count()];
        match view.dtype {
            Dtype::F32 => self.gather(view, &mut numbers, |bytes, out| {
                convert(bytes, out, f32::from_le_bytes);
            }),
            Dtype::F64 => self.gather(view, &mut numbers, |bytes, out| {
                convert(bytes, out, |b| f64::from_le_bytes(b) as f32);
            }),
            Dtype::F16 => self.gather(view, &mut numbers, convert_f16),
            // The upper half of an f32, not-a-numbers included.
            Dtype::Bf16 => self.gather(view, &mut numbers, |bytes, out| {
                convert(bytes, out, |b: [u8; 2]| {
                    f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)
                });
            }),
            found => {
                return Err(Error::WrongDtype {
                    path: self.path.clone(),
                    key: key.to_owned(),
                    expected: "F32, F16, BF16 or F64",
                    found,
                });
            }
        }
        self.release(view);
        Ok(numbers)
    }

    /// Calls `take` with the tensor's bytes as stored, in row-major order, in pieces.
    pub fn for_each_piece(&self, view: &View, mut take: impl FnMut(&[u8])) {
        let size = view.dtype.bytes();
        view.for_each_row(|start, step, len| {
            if step == 1 {
                take(&self.map[start..start + len * size]);
            } else {
                for number in 0..len {
                    let at = start + number * step * size;
                    take(&self.map[at..at + size]);
                }
            }
        });
        self.release(view);
    }

    /// Converts all of a view's rows with `convert`, which takes as many bytes as its output needs.
    fn gather(&self, view: &View, mut numbers: &mut [f32], convert: impl Fn(&[u8], &mut [f32])) {
        let size = view.dtype.bytes();
        view.for_each_row(|start, step, len| {
            let (row, rest) = std::mem::take(&mut numbers).split_at_mut(len);
            if step == 1 {
                convert(&self.map[start..start + len * size], row);
            } else {
                for (number, out) in row.chunks_mut(1).enumerate() {
                    let at = start + number * step * size;
                    convert(&self.map[at..at + size], out);
                }
            }
            numbers = rest;
        });
    }

    /// Gives the pages under a tensor back. They can still be read; the file is then asked again.
    pub fn release(&self, view: &View) {
        #[cfg(unix)]
        {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is read-only and backed by a file, so dropped pages come back with
            // the same bytes; no reference into the map outlives the calls in this file.
            let outcome =
                unsafe { (self.map).unchecked_advise_range(advice, view.start, view.reach()) };
            // Advice that is not taken costs memory, not correctness.
            drop(outcome);
        }
        #[cfg(not(unix))]
        let _ = view;
    }
}

/// Little-endian numbers of `N` bytes each, wherever they are aligned.
fn convert<const N: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    let (pieces, _) = bytes.as_chunks::<N>();
    for (piece, out) in pieces.iter().zip(out) {
        *out = number(*piece);
    }
}

/// Through a small aligned buffer, so that the whole-slice conversion (one instruction for eight
/// numbers where the processor has it) can be used.
fn convert_f16(bytes: &[u8], out: &mut [f32]) {
    const BUFFER: usize = 512;
    let mut buffer = [f16::ZERO; BUFFER];
    let (pieces, _) = bytes.as_chunks::<2>();
    for (pieces, out) in pieces.chunks(BUFFER).zip(out.chunks_mut(BUFFER)) {
        for (slot, piece) in buffer.iter_mut().zip(pieces) {
            *slot = f16::from_le_bytes(*piece);
        }
        buffer[..out.len()].convert_to_f32_slice(out);
    }
}
