//! Kinds of numbers, and where in a file a tensor's numbers lie.
//!
//! A [`View`] exists only if all its numbers lie inside its region of the file: whoever holds one
//! may read without further checks. It computes nothing and owns no bytes.

use std::fmt;

/// Tensors of more dimensions than this are refused: no weight has them.
pub const MAX_RANK: usize = 8;

/// Kind of number as stored in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    F8E4M3,
    F8E5M2,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Dtype {
    /// Every kind, for the search by name.
    const ALL: [Dtype; 15] = [
        Dtype::F64,
        Dtype::F32,
        Dtype::F16,
        Dtype::Bf16,
        Dtype::F8E4M3,
        Dtype::F8E5M2,
        Dtype::I64,
        Dtype::I32,
        Dtype::I16,
        Dtype::I8,
        Dtype::U64,
        Dtype::U32,
        Dtype::U16,
        Dtype::U8,
        Dtype::Bool,
    ];

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
            Dtype::F32 | Dtype::I32 | Dtype::U32 => 4,
            Dtype::F16 | Dtype::Bf16 | Dtype::I16 | Dtype::U16 => 2,
            Dtype::F8E4M3 | Dtype::F8E5M2 | Dtype::I8 | Dtype::U8 | Dtype::Bool => 1,
        }
    }

    /// The name that safetensors headers use.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F64 => "F64",
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::Bf16 => "BF16",
            Dtype::F8E4M3 => "F8_E4M3",
            Dtype::F8E5M2 => "F8_E5M2",
            Dtype::I64 => "I64",
            Dtype::I32 => "I32",
            Dtype::I16 => "I16",
            Dtype::I8 => "I8",
            Dtype::U64 => "U64",
            Dtype::U32 => "U32",
            Dtype::U16 => "U16",
            Dtype::U8 => "U8",
            Dtype::Bool => "BOOL",
        }
    }

    /// The kind of that name in a safetensors header.
    pub fn from_name(name: &str) -> Option<Dtype> {
        Dtype::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes of a file that belong to one storage of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    /// First byte, counted from the start of the file.
    pub start: usize,
    pub bytes: usize,
}

/// A tensor in a file: its kind, its shape, and the way through its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Byte of the first number, from the start of the file.
    pub start: usize,
    /// Numbers to step over per dimension; `None` where the numbers lie row after row.
    pub strides: Option<Vec<usize>>,
}

impl View {
    /// A tensor whose numbers fill `region` exactly, row after row.
    pub fn filling(dtype: Dtype, shape: Vec<usize>, region: Region) -> Result<View, String> {
        let bytes = count(&shape)?
            .checked_mul(dtype.bytes())
            .ok_or("a size beyond any memory")?;
        if bytes != region.bytes {
            return Err(format!(
                "{bytes} bytes for shape {shape:?} of {dtype}, in a place of {} bytes",
                region.bytes
            ));
        }
        Ok(View {
            dtype,
            shape,
            start: region.start,
            strides: None,
        })
    }

    /// A tensor that walks through a storage by strides, from its `offset`-th number on.
    ///
    /// It may not have more numbers than its storage: a view that repeats numbers is no weight,
    /// and a few bytes could then ask for any amount of memory.
    pub fn strided(
        dtype: Dtype,
        shape: Vec<usize>,
        strides: Vec<usize>,
        offset: usize,
        region: Region,
    ) -> Result<View, String> {
        if strides.len() != shape.len() {
            return Err(format!("{} strides for shape {shape:?}", strides.len()));
        }
        let count = count(&shape)?;
        let held = region.bytes / dtype.bytes();
        let last = last_number(&shape, &strides, offset).ok_or("an offset beyond any memory")?;
        if count > held || (count > 0 && last >= held) || offset > held {
            return Err(format!(
                "shape {shape:?} with strides {strides:?} from number {offset} on, in a storage of {held} numbers"
            ));
        }
        let row_major = is_row_major(&shape, &strides) || count == 0;
        Ok(View {
            dtype,
            shape,
            start: region.start + offset * dtype.bytes(),
            strides: (!row_major).then_some(strides),
        })
    }

    /// How many numbers. The constructors have shown that this does not overflow.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes from the first number to the end of the last, gaps included.
    pub fn reach(&self) -> usize {
        if self.count() == 0 {
            return 0;
        }
        let last = match &self.strides {
            None => self.count() - 1,
            Some(strides) => last_number(&self.shape, strides, 0).unwrap_or(0),
        };
        (last + 1) * self.dtype.bytes()
    }

    /// Calls `row` with the first byte and the step in numbers of every innermost row, in order.
    pub fn for_each_row(&self, mut row: impl FnMut(usize, usize, usize)) {
        let count = self.count();
        let Some(strides) = &self.strides else {
            return row(self.start, 1, count);
        };
        let Some((&inner, outer)) = self.shape.split_last() else {
            return row(self.start, 1, count);
        };
        let step = strides[outer.len()];
        let mut index = vec![0usize; outer.len()];
        for _ in 0..count / inner {
            let skip: usize = index
                .iter()
                .zip(strides)
                .map(|(i, stride)| i * stride)
                .sum();
            row(self.start + skip * self.dtype.bytes(), step, inner);
            for place in (0..outer.len()).rev() {
                index[place] += 1;
                if index[place] < outer[place] {
                    break;
                }
                index[place] = 0;
            }
        }
    }
}

/// Numbers in a tensor of this shape; no product on the way may overflow, even if a zero follows.
fn count(shape: &[usize]) -> Result<usize, String> {
    if shape.len() > MAX_RANK {
        return Err(format!("{} dimensions, above {MAX_RANK}", shape.len()));
    }
    shape
        .iter()
        .try_fold(1usize, |total, &size| total.checked_mul(size))
        .ok_or_else(|| format!("shape {shape:?}, a size beyond any memory"))
}

/// Place of the last number that a strided walk touches.
fn last_number(shape: &[usize], strides: &[usize], offset: usize) -> Option<usize> {
    shape
        .iter()
        .zip(strides)
        .try_fold(offset, |at, (&size, &stride)| {
            at.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        })
}

/// A dimension of one has no step, so its stride says nothing.
fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected = expected.saturating_mul(size);
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Region = Region {
        start: 100,
        bytes: 24,
    };

    #[test]
    fn a_view_past_its_storage_is_refused() {
        assert!(View::strided(Dtype::F32, vec![2, 3], vec![3, 1], 0, REGION).is_ok());
        assert!(View::strided(Dtype::F32, vec![2, 3], vec![3, 1], 1, REGION).is_err());
        assert!(View::strided(Dtype::F32, vec![2, 3], vec![4, 1], 0, REGION).is_err());
        assert!(View::strided(Dtype::F32, vec![usize::MAX, 3], vec![0, 0], 0, REGION).is_err());
        assert!(View::strided(Dtype::F32, vec![2], vec![usize::MAX], 2, REGION).is_err());
    }

    #[test]
    fn a_view_that_repeats_numbers_is_refused() {
        assert!(View::strided(Dtype::F32, vec![7], vec![0], 0, REGION).is_err());
    }

    #[test]
    fn a_transposed_view_walks_its_rows_by_columns() {
        let view = View::strided(Dtype::F32, vec![3, 2], vec![1, 3], 0, REGION).unwrap();
        let mut rows = Vec::new();
        view.for_each_row(|byte, step, len| rows.push((byte, step, len)));
        assert_eq!(rows, [(100, 3, 2), (104, 3, 2), (108, 3, 2)]);
        assert_eq!(view.reach(), 24);
    }

    #[test]
    fn strides_of_dimensions_of_one_do_not_matter() {
        let view = View::strided(Dtype::F32, vec![1, 6], vec![77, 1], 0, REGION);
        // A stride that is never stepped cannot leave the storage.
        assert_eq!(view.unwrap().strides, None);
    }
}
