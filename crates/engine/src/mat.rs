//! A matrix of f32 in row-major order, almost always tokens by width, whose memory returns to a pool.
//!
//! It has no views, no strides and no broadcasting: an operation that needs a part takes columns or rows.

use std::collections::{BTreeMap, VecDeque};
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
    /// The oldest first, each with the moment at which it was given back.
    buffers: BTreeMap<usize, VecDeque<(u64, Vec<f32>)>>,
    total: usize,
    given: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    buffers: BTreeMap::new(),
    total: 0,
    given: 0,
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
        let newest = list.pop_back();
        if list.is_empty() {
            self.buffers.remove(&capacity);
        }
        let mut buffer = newest.unwrap_or_default().1;
        self.total -= buffer.capacity();
        buffer.resize(len, 0.0);
        buffer
    }

    /// Keeps a buffer for later, unless it is small. A full pool lets go of what has lain there
    /// longest: sizes that are no longer asked for must not keep those out that are.
    fn give(&mut self, buffer: Vec<f32>) {
        let capacity = buffer.capacity();
        if !(POOL_SMALLEST..=POOL_LARGEST_TOTAL).contains(&capacity) {
            return;
        }
        while self.total + capacity > POOL_LARGEST_TOTAL && self.let_go() {}
        self.total += capacity;
        self.given += 1;
        let list = self.buffers.entry(capacity).or_default();
        list.push_back((self.given, buffer));
    }

    /// Frees the buffer that was given back first; false if there is none.
    fn let_go(&mut self) -> bool {
        let oldest = self
            .buffers
            .iter()
            .filter_map(|(capacity, list)| Some((list.front()?.0, *capacity)))
            .min();
        let Some((_, capacity)) = oldest else {
            return false;
        };
        if let Some(list) = self.buffers.get_mut(&capacity) {
            list.pop_front();
            if list.is_empty() {
                self.buffers.remove(&capacity);
            }
        }
        self.total -= capacity;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_lets_go_of_what_was_given_back_first() {
        let mut pool = Pool::default();
        let quarter = POOL_LARGEST_TOTAL / 4;
        for size in [quarter, quarter + 1, quarter - 1, quarter - 2] {
            pool.give(Vec::with_capacity(size));
        }
        pool.give(Vec::with_capacity(POOL_SMALLEST));
        let held: Vec<usize> = pool.buffers.keys().copied().collect();
        assert_eq!(held, [POOL_SMALLEST, quarter - 2, quarter - 1, quarter + 1]);
        assert_eq!(pool.total, POOL_SMALLEST + 3 * quarter - 2);
        assert_eq!(pool.take(POOL_SMALLEST).len(), POOL_SMALLEST);
        assert_eq!(pool.total, 3 * quarter - 2);
    }
}
