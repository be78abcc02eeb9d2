//! A matrix of f32 in row-major order, almost always tokens by width, whose memory returns to a pool.
//!
//! It has no views, no strides and no broadcasting: an operation that needs a part takes columns or rows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pages;

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
        if data.capacity() >= POOL_SMALLEST {
            pool().hold(data.capacity());
        }
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
        let data = std::mem::take(&mut self.data);
        pool().release(data.capacity());
        data
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
        if self.data.capacity() >= POOL_SMALLEST {
            pool().give(std::mem::take(&mut self.data));
        }
    }
}

/// Buffers below this many numbers are not worth keeping.
const POOL_SMALLEST: usize = 4096;

/// Buffers that were given back, by capacity. Fresh pages cost more than the arithmetic done in
/// them, and training asks for the same sizes in every step.
///
/// What lies here and what matrices hold is together never more than what matrices alone once held:
/// the pool raises no peak, and batches of ever other sizes do not make it grow.
#[derive(Default)]
struct Pool {
    /// The oldest first, each with the moment at which it was given back.
    buffers: BTreeMap<usize, VecDeque<(u64, Vec<f32>)>>,
    /// Numbers in these buffers.
    total: usize,
    /// Numbers held by matrices.
    live: usize,
    /// The most that was ever held by matrices.
    most: usize,
    given: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    buffers: BTreeMap::new(),
    total: 0,
    live: 0,
    most: 0,
    given: 0,
});

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A buffer of exactly `len` numbers, with whatever was in it.
    fn take(&mut self, len: usize) -> Vec<f32> {
        if len < POOL_SMALLEST {
            return vec![0.0; len];
        }
        if let Some(mut buffer) = self.fitting(len) {
            self.hold(buffer.capacity());
            buffer.resize(len, 0.0);
            return buffer;
        }
        self.hold(len);
        pages::fresh(len)
    }

    /// The newest buffer of a capacity near `len`. One up to a quarter too large serves; a larger
    /// one would waste what it holds.
    fn fitting(&mut self, len: usize) -> Option<Vec<f32>> {
        let (capacity, list) = self.buffers.range_mut(len..=len + len / 4).next()?;
        let capacity = *capacity;
        let (_, buffer) = list.pop_back()?;
        if list.is_empty() {
            self.buffers.remove(&capacity);
        }
        self.total -= capacity;
        Some(buffer)
    }

    /// Counts a buffer as a matrix's, which may leave less room for those that wait.
    fn hold(&mut self, capacity: usize) {
        if capacity >= POOL_SMALLEST {
            self.live += capacity;
            self.most = self.most.max(self.live);
            self.make_room();
        }
    }

    /// Counts a buffer as no matrix's any more.
    fn release(&mut self, capacity: usize) {
        if capacity >= POOL_SMALLEST {
            self.live -= capacity;
        }
    }

    /// Keeps a matrix's buffer for later, unless it is small.
    fn give(&mut self, buffer: Vec<f32>) {
        let capacity = buffer.capacity();
        if capacity < POOL_SMALLEST {
            return;
        }
        self.release(capacity);
        self.total += capacity;
        self.given += 1;
        let list = self.buffers.entry(capacity).or_default();
        list.push_back((self.given, buffer));
        self.make_room();
    }

    /// Lets go of what has lain here longest: sizes that are no longer asked for must not keep
    /// those out that are.
    fn make_room(&mut self) {
        while self.live + self.total > self.most && self.let_go() {}
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
        const SIZE: usize = 4 * POOL_SMALLEST;
        let mut pool = Pool::default();
        let sizes = [SIZE, 2 * SIZE, 3 * SIZE];
        let buffers = sizes.map(|size| pool.take(size));
        assert_eq!((pool.live, pool.most), (6 * SIZE, 6 * SIZE));
        for buffer in buffers {
            pool.give(buffer);
        }
        assert_eq!((pool.live, pool.total), (0, 6 * SIZE));
        // Nothing near this size is there; the first of the others goes.
        let other = pool.take(SIZE / 2);
        assert_eq!(other.len(), SIZE / 2);
        let held: Vec<usize> = pool.buffers.keys().copied().collect();
        assert_eq!(held, [2 * SIZE, 3 * SIZE]);
        assert_eq!((pool.live, pool.total), (SIZE / 2, 5 * SIZE));
        assert_eq!(pool.take(2 * SIZE - 5).len(), 2 * SIZE - 5);
        assert_eq!((pool.live, pool.total), (5 * SIZE / 2, 3 * SIZE));
    }

    #[test]
    fn sizes_that_never_come_again_do_not_make_the_pool_grow() {
        let mut pool = Pool::default();
        for step in 1..200usize {
            let size = POOL_SMALLEST + step * 7919 % 1013 * 64;
            let pair = [pool.take(size), pool.take(2 * size)];
            assert!(pool.live + pool.total <= pool.most);
            pair.into_iter().for_each(|buffer| pool.give(buffer));
            assert!(pool.live + pool.total <= pool.most);
        }
        assert!(pool.most < 4 * (POOL_SMALLEST + 1013 * 64));
        assert_eq!(pool.live, 0);
    }
}
