//! Fresh memory for large buffers: taken from the system in large pages, and given back to it whole.
//!
//! It keeps nothing for later; that is the pool's business. Where the system knows no such wishes,
//! it is plain memory.

/// Buffers of so many bytes stand apart from the allocator's heap, where what is freed between two
/// that live could not be given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const APART: libc::c_int = 1 << 20;

/// The size and alignment of a large page.
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 2 << 20;

/// So many zeros.
pub(crate) fn fresh(len: usize) -> Vec<f32> {
    stand_apart();
    let buffer = vec![0.0f32; len];
    #[cfg(target_os = "linux")]
    wish_for_large_pages(&buffer);
    buffer
}

/// Fixes the size from which buffers stand apart; left alone, it rises with every one that is freed.
fn stand_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: it changes where the allocator takes memory from, and nothing else.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, APART);
        });
    }
}

/// Only what lies wholly within the buffer, so that no more memory is used than without.
#[cfg(target_os = "linux")]
fn wish_for_large_pages(buffer: &[f32]) {
    let start = buffer.as_ptr() as usize;
    let from = start.next_multiple_of(LARGE_PAGE);
    let to = (start + size_of_val(buffer)) / LARGE_PAGE * LARGE_PAGE;
    if from < to {
        // SAFETY: a wish about pages of this buffer alone, which leaves their contents as they are.
        unsafe {
            libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_buffers_of_every_size_are_zeros() {
        for len in [0, 1, 4096, 300_000, 1_500_000] {
            let mut buffer = fresh(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|number| *number == 0.0));
            buffer.fill(1.0);
        }
    }
}
