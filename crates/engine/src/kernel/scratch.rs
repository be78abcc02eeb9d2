//! Short-lived buffers for the inside of a kernel, one list for each thread: they cost neither a
//! lock nor a fresh page. Results that outlive a kernel are matrices and have a pool of their own.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// At most so many buffers are kept for a thread.
const BUFFERS: usize = 16;
/// Larger buffers are not kept.
const LARGEST: usize = 1 << 20;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Numbers left over from earlier use; the buffer returns to the thread that drops it.
pub(crate) struct Scratch(Vec<f32>);

impl Scratch {
    /// So many numbers, every one of which is about to be written.
    pub(crate) fn stale(len: usize) -> Scratch {
        let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        buffer.resize(len, 0.0);
        Scratch(buffer)
    }

    /// So many zeros.
    pub(crate) fn zeros(len: usize) -> Scratch {
        let mut scratch = Scratch::stale(len);
        scratch.fill(0.0);
        scratch
    }

    /// Rows of `width` numbers laid one after another.
    pub(crate) fn gather<'a>(
        width: usize,
        rows: impl ExactSizeIterator<Item = &'a [f32]>,
    ) -> Scratch {
        let mut all = Scratch::stale(rows.len() * width);
        for (to, from) in all.chunks_exact_mut(width).zip(rows) {
            to.copy_from_slice(from);
        }
        all
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() == 0 || buffer.capacity() > LARGEST {
            return;
        }
        // A thread that is ending has no list any more, and needs none.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < BUFFERS {
                free.push(buffer);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_asked_for_whatever_was_there_before() {
        for len in [5, 0, 1000, 3] {
            let mut scratch = Scratch::stale(len);
            assert_eq!(scratch.len(), len);
            scratch.fill(7.0);
        }
        assert_eq!(Scratch::zeros(4)[..], [0.0; 4]);
        let rows = [[1.0, 2.0], [3.0, 4.0]];
        let gathered = Scratch::gather(2, rows.iter().map(|row| &row[..]));
        assert_eq!(gathered[..], [1.0, 2.0, 3.0, 4.0]);
    }
}
