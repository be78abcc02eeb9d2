//! How alike two texts are, by the characters that must go or come.

use std::collections::HashMap;
use std::hash::Hash;

/// The Levenshtein ratio: `2 L / (a + b)`, with `L` the length of the longest common subsequence and
/// `a`, `b` the lengths in Unicode characters; the same as `1 - d / (a + b)` where `d` counts
/// insertions and deletions, a replacement being one of each. Two empty texts are equal: 1.
///
/// This is the `ratio` that completions are scored by in CodeXGLUE (there in hundreds and rounded).
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let both = a.len() + b.len();
    match both {
        0 => 1.0,
        _ => 2.0 * common(&a, &b) as f64 / both as f64,
    }
}

/// The length of the longest common subsequence.
pub fn common<T: Eq + Hash>(a: &[T], b: &[T]) -> usize {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    head + tail + inner(&a[..a.len() - tail], &b[..b.len() - tail])
}

/// Hyyrö's way: a column of the table is a row of bits, in which a zero is a step up; 64 cells at once.
fn inner<T: Eq + Hash>(a: &[T], b: &[T]) -> usize {
    let words = a.len().div_ceil(64);
    let mut places: HashMap<&T, Vec<u64>> = HashMap::new();
    for (at, character) in a.iter().enumerate() {
        let places = places.entry(character).or_insert_with(|| vec![0; words]);
        places[at / 64] |= 1 << (at % 64);
    }
    let mut column = vec![u64::MAX; words];
    for character in b {
        let Some(places) = places.get(character) else {
            continue;
        };
        let mut carry = false;
        for (cells, places) in column.iter_mut().zip(places) {
            let matched = *cells & places;
            let (sum, over) = cells.overflowing_add(matched);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            carry = over || over_again;
            *cells = sum | (*cells & !matched);
        }
    }
    // Beyond the end of `a` nothing ever matches, so a cell there is zero only by a carry: mask it.
    let steps = |(word, cells): (usize, &u64)| {
        let here = (a.len() - word * 64).min(64);
        let mask = u64::MAX >> (64 - here);
        (!cells & mask).count_ones() as usize
    };
    column.iter().enumerate().map(steps).sum()
}
