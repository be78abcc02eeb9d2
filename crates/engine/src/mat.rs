//! A matrix of f32 in row-major order, almost always tokens by width, whose memory returns to a pool.
//!
//! It has no views, no strides and no broadcasting: an operation that needs a part takes columns or rows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `[rows x cols]` numbers, laid out row after row.
#[derive(Debug, PartialEq)]
pub struct Mat {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl Mat {
    /// All zeros.
    pub fn zeros(rows: usize, cols: usize) -> Mat {
        let mut mat = Mat::stale(rows, cols);
        mat.data.fill(0.0);
        mat
    }

    /// Numbers left over from earlier use: for results whose every element is about to be written.
    pub fn stale(rows: usize, cols: usize) -> Mat {
        Mat {
            rows,
            cols,
            data: pool().take(rows * cols),
        }
    }

    /// Takes numbers that are already laid out row after row.
    ///
    /// Rows times columns must be the length; anything else is a mistake of the caller's code.
    pub fn from_vec(rows: usize, cols: usize, data: Vec<f32>) -> Mat {
        assert_eq!(rows * cols, data.len(), "a {rows} x {cols} matrix");
        Mat { rows, cols, data }
    }

    /// One row.
    pub fn row_vector(data: Vec<f32>) -> Mat {
        Mat::from_vec(1, data.len(), data)
    }

    /// One number.
    pub fn scalar(value: f32) -> Mat {
        Mat::from_vec(1, 1, vec![value])
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub fn data(&self) -> &[f32] {
        &self.data
    }

    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.cols..(row + 1) * self.cols]
    }

    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.cols..(row + 1) * self.cols]
    }

    /// Shape in the form used by messages: `[3 x 4]`.
    pub fn shape_text(&self) -> String {
        format!("[{} x {}]", self.rows, self.cols)
    }

    /// Adds another matrix of the same shape, element by element.
    pub fn add_assign(&mut self, other: &Mat) {
        debug_assert_eq!(self.shape(), other.shape());
        crate::kernel::elementwise::add_assign(&mut self.data, &other.data);
    }

    /// Multiplies every element.
    pub fn scale(&mut self, factor: f32) {
        crate::kernel::elementwise::scale(&mut self.data, factor);
    }

    /// The numbers, out of the pool's reach.
    pub fn into_vec(mut self) -> Vec<f32> {
        std::mem::take(&mut self.data)
    }
}

impl Clone for Mat {
    fn clone(&self) -> Mat {
        let mut copy = Mat::stale(self.rows, self.cols);
        copy.data.copy_from_slice(&self.data);
        copy
    }
}

impl Drop for Mat {
    fn drop(&mut self) {
        pool().give(std::mem::take(&mut self.data));
    }
}

/// Buffers below this many numbers are not worth keeping.
const POOL_SMALLEST: usize = 4096;
/// The pool keeps at most this many numbers (256 MiB).
const POOL_LARGEST_TOTAL: usize = 64 << 20;

/// Buffers that were given back, by capacity. Fresh pages cost more than the arithmetic done in
/// them, and training asks for the same sizes in every step.
#[derive(Default)]
struct Pool {
    buffers: BTreeMap<usize, Vec<Vec<f32>>>,
    total: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    buffers: BTreeMap::new(),
    total: 0,
});

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A buffer of exactly `len` numbers, with whatever was in it.
    fn take(&mut self, len: usize) -> Vec<f32> {
        // A buffer up to a quarter too large serves; a larger one would waste what it holds.
        let fitting = self
            .buffers
            .range(len..=len + len / 4)
            .next()
            .map(|(capacity, _)| *capacity);
        let Some(capacity) = fitting.filter(|_| len >= POOL_SMALLEST) else {
            return vec![0.0; len];
        };
        let Some(list) = self.buffers.get_mut(&capacity) else {
            return vec![0.0; len];
        };
        let buffer = list.pop();
        if list.is_empty() {
            self.buffers.remove(&capacity);
        }
        let mut buffer = buffer.unwrap_or_default();
        self.total -= buffer.capacity();
        buffer.resize(len, 0.0);
        buffer
    }

    /// Keeps a buffer for later, unless it is small or the pool is full.
    fn give(&mut self, buffer: Vec<f32>) {
        let capacity = buffer.capacity();
        if capacity < POOL_SMALLEST || self.total + capacity > POOL_LARGEST_TOTAL {
            return;
        }
        self.total += capacity;
        self.buffers.entry(capacity).or_default().push(buffer);
    }
}
