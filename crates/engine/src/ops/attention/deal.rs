//! Deals the columns of a matrix out to the heads that write them, so that heads can be computed in
//! parallel although their results lie side by side.

use crate::mat::Mat;
use crate::spans::Spans;

/// Heads side by side in a matrix whose rows these spans cut.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub first: usize,
    pub heads: usize,
    pub width: usize,
    pub spans: &'a Spans,
}

impl Part<'_> {
    /// Column after the last head's.
    fn end(&self) -> usize {
        self.first + self.heads * self.width
    }

    /// Whether no column belongs to both.
    pub(super) fn is_apart(&self, other: &Part<'_>) -> bool {
        self.end() <= other.first || other.end() <= self.first
    }
}

/// The rows of one head of one span.
pub(super) type Lot<'m> = Vec<&'m mut [f32]>;

/// For each part the rows of each span's heads, at `span * heads + head`. The parts must not
/// overlap; columns that belong to no part are set to zero.
pub(super) fn deal<'m>(mat: &'m mut Mat, parts: &[Part<'_>]) -> Vec<Vec<Lot<'m>>> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|part| parts[*part].first);
    let mut lots: Vec<Vec<Lot<'m>>> = parts.iter().map(empty).collect();
    let mut spans = vec![0; parts.len()];
    let cols = mat.cols();
    for (t, mut row) in mat.data_mut().chunks_exact_mut(cols).enumerate() {
        let mut at = 0;
        for &part in &order {
            let Part {
                first,
                heads,
                width,
                ..
            } = parts[part];
            if t == parts[part].spans.range(spans[part]).end {
                spans[part] += 1;
            }
            let (gap, rest) = row.split_at_mut(first - at);
            gap.fill(0.0);
            let (own, rest) = rest.split_at_mut(heads * width);
            let lots = &mut lots[part][spans[part] * heads..][..heads];
            for (lot, piece) in lots.iter_mut().zip(own.chunks_exact_mut(width)) {
                lot.push(piece);
            }
            (row, at) = (rest, parts[part].end());
        }
        row.fill(0.0);
    }
    lots
}

/// Lots with room for the rows to come.
fn empty<'m>(part: &Part<'_>) -> Vec<Lot<'m>> {
    (0..part.spans.count() * part.heads)
        .map(|lot| Vec::with_capacity(part.spans.length(lot / part.heads)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_head_gets_its_columns_and_the_rest_is_zero() {
        let mut mat = Mat::from_vec(3, 8, vec![9.0; 24]);
        let (uneven, single) = (
            Spans::from_lengths(&[1, 2]).unwrap(),
            Spans::single(3).unwrap(),
        );
        let parts = [
            Part {
                first: 5,
                heads: 2,
                width: 1,
                spans: &single,
            },
            Part {
                first: 1,
                heads: 1,
                width: 3,
                spans: &uneven,
            },
        ];
        assert!(parts[0].is_apart(&parts[1]));
        let lots = deal(&mut mat, &parts);
        for (number, lot) in lots.into_iter().flatten().enumerate() {
            for piece in lot {
                piece.fill(number as f32 + 1.0);
            }
        }
        assert_eq!(mat.row(0), [0.0, 3.0, 3.0, 3.0, 0.0, 1.0, 2.0, 0.0]);
        assert_eq!(mat.row(2), [0.0, 4.0, 4.0, 4.0, 0.0, 1.0, 2.0, 0.0]);
    }
}
