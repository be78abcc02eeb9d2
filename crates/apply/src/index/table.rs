//! Vectors in memory, a byte for each number, and the nearest of them.
//!
//! It knows no texts and no files: a vector has the number of its text. Every vector is looked at;
//! nothing is approximated but the numbers themselves, whose rounding moves no ranking that was
//! measured (docs/search.md).

use rayon::prelude::*;

/// A vector of length one as it is kept: whole numbers of up to seven bits, and what they are times.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounded {
    pub scale: f32,
    pub numbers: Vec<i8>,
}

impl Rounded {
    /// Of a vector of any length. Zeros, and what is not a number, have no direction.
    pub fn of(vector: &[f32]) -> Option<Rounded> {
        let largest = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        if largest <= 0.0 || vector.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let scale = largest / 127.0;
        let numbers = vector.iter().map(|x| (x / scale).round() as i8).collect();
        Some(Rounded { scale, numbers })
    }

    pub fn vector(&self) -> Vec<f32> {
        let number = |x: &i8| f32::from(*x) * self.scale;
        self.numbers.iter().map(number).collect()
    }
}

/// A query in whole numbers of up to eleven bits: sums of products of up to 8,192 numbers fit.
struct Asked {
    scale: f32,
    numbers: Vec<i16>,
}

/// The widest vector whose products can be summed.
pub const WIDEST: usize = 8192;
const ASKED_LARGEST: f32 = 2047.0;

impl Asked {
    fn of(vector: &[f32]) -> Asked {
        let largest = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let scale = largest.max(f32::MIN_POSITIVE) / ASKED_LARGEST;
        Asked {
            scale,
            numbers: vector.iter().map(|x| (x / scale).round() as i16).collect(),
        }
    }
}

/// Vectors of one encoder, `[texts x C]`.
#[derive(Debug, Default)]
pub struct Table {
    width: usize,
    /// Ascending.
    texts: Vec<i64>,
    scales: Vec<f32>,
    numbers: Vec<i8>,
}

impl Table {
    pub fn new(width: usize) -> Table {
        Table {
            width,
            ..Table::default()
        }
    }

    /// One more, of a text with a higher number than all before it. Of another width, or out of order,
    /// it is refused.
    pub fn push(&mut self, text: i64, scale: f32, numbers: &[u8]) -> bool {
        let last = self.texts.last().is_none_or(|last| *last < text);
        if numbers.len() != self.width || !last {
            return false;
        }
        self.texts.push(text);
        self.scales.push(scale);
        self.numbers.extend(numbers.iter().map(|byte| *byte as i8));
        true
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The place of a text's vector.
    pub fn place(&self, text: i64) -> Option<usize> {
        self.texts.binary_search(&text).ok()
    }

    /// The product of the query with every vector, in the order of the texts' numbers. The same on any
    /// number of threads: each is a sum of whole numbers.
    pub fn products(&self, query: &[f32]) -> Vec<f32> {
        if self.width == 0 || query.len() != self.width {
            return vec![0.0; self.texts.len()];
        }
        let asked = Asked::of(query);
        let rows = self.numbers.par_chunks_exact(self.width).with_min_len(1024);
        rows.zip(&self.scales)
            .map(|(row, scale)| product(&asked.numbers, row) as f32 * (asked.scale * scale))
            .collect()
    }
}

/// In lanes of sixteen, which the compiler turns into the machine's own.
fn product(asked: &[i16], row: &[i8]) -> i32 {
    let mut lanes = [0i32; 16];
    let (asked_parts, asked_rest) = asked.as_chunks::<16>();
    let (row_parts, row_rest) = row.as_chunks::<16>();
    for (a, b) in asked_parts.iter().zip(row_parts) {
        for lane in 0..16 {
            lanes[lane] += i32::from(a[lane]) * i32::from(b[lane]);
        }
    }
    let rest = asked_rest.iter().zip(row_rest);
    let rest: i32 = rest.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
    lanes.iter().sum::<i32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(vectors: &[Vec<f32>]) -> Table {
        let mut table = Table::new(vectors[0].len());
        for (text, vector) in (0..).zip(vectors) {
            let kept = Rounded::of(vector).unwrap();
            let bytes: Vec<u8> = kept.numbers.iter().map(|x| *x as u8).collect();
            assert!(table.push(text, kept.scale, &bytes));
        }
        table
    }

    fn unit(seed: u64, width: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut vector: Vec<f32> = (0..width)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % 2001) as f32 / 1000.0 - 1.0
            })
            .collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }

    #[test]
    fn products_are_cosines_to_the_third_place_at_every_width() {
        for width in [1, 15, 16, 17, 384, 771] {
            let vectors: Vec<Vec<f32>> = (1..40).map(|seed| unit(seed, width)).collect();
            let query = unit(77, width);
            let found = table(&vectors).products(&query);
            for (vector, found) in vectors.iter().zip(found) {
                let expected: f32 = vector.iter().zip(&query).map(|(a, b)| a * b).sum();
                assert!(
                    (expected - found).abs() < 5e-3,
                    "{width}: {expected} {found}"
                );
            }
        }
    }

    #[test]
    fn the_largest_sum_fits() {
        let most = vec![1.0; WIDEST];
        let found = table(std::slice::from_ref(&most)).products(&most);
        assert!((found[0] / WIDEST as f32 - 1.0).abs() < 1e-4, "{found:?}");
        // Control: one bit more would not.
        let sum = i64::from(4095) * 127 * WIDEST as i64;
        assert!(sum > i64::from(i32::MAX));
    }

    #[test]
    fn another_width_and_a_text_out_of_order_are_refused() {
        let mut table = Table::new(2);
        assert!(table.push(5, 1.0, &[1, 2]));
        assert!(!table.push(6, 1.0, &[1]));
        assert!(!table.push(5, 1.0, &[1, 2]));
        assert_eq!(table.place(5), Some(0));
        assert_eq!(table.products(&[1.0, 0.0, 0.0]), [0.0]);
    }

    proptest! {
        #[test]
        fn rounding_keeps_every_number_within_half_a_step(
            vector in proptest::collection::vec(-3.0f32..3.0, 1..50)
        ) {
            if let Some(kept) = Rounded::of(&vector) {
                for (kept_x, x) in kept.vector().iter().zip(&vector) {
                    prop_assert!((kept_x - x).abs() <= kept.scale * 0.5001);
                }
            }
            let zeros = vec![0.0; vector.len()];
            prop_assert_eq!(Rounded::of(&zeros), None);
        }
    }
}
