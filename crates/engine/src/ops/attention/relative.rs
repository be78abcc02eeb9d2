//! The bias of T5: what is added to a score depends on the distance from query to key alone, by way
//! of a table of buckets `[buckets x H]`.

use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::param::Param;

/// A table of biases by bucket of distance, `[buckets x H]`.
#[derive(Debug, Clone)]
pub struct RelativeBias {
    pub table: Param,
    /// Distances from here on share the last bucket.
    pub max_distance: usize,
    /// Whether keys after the query have buckets of their own.
    pub bidirectional: bool,
    /// Keys in front of the sequence that the places of the queries do not count: a key stands that
    /// much further behind its query than its row says.
    pub ahead: usize,
}

impl RelativeBias {
    /// Refuses a table that does not fit the heads or that leaves no bucket to a distance.
    pub(crate) fn check(&self, op: &'static str, heads: usize) -> Result<()> {
        let table = self.table.value();
        if table.cols() != heads {
            return Err(Error::shape(
                op,
                format_args!("{}: a table [buckets x {heads}]", self.table.name()),
                table.shape_text(),
            ));
        }
        let rule = Buckets::of(self, table.rows());
        if rule.exact == 0 || self.max_distance <= rule.exact {
            return Err(Error::Setting {
                op,
                reason: format!(
                    "{}: {} buckets and a largest distance of {} leave no place for a logarithm",
                    self.table.name(),
                    table.rows(),
                    self.max_distance
                ),
            });
        }
        Ok(())
    }

    /// The rule of this bias for a table of so many buckets.
    pub(crate) fn rule(&self) -> Buckets {
        Buckets::of(self, self.table.value().rows())
    }
}

/// Which bucket a distance falls into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets {
    /// Buckets for one direction.
    count: usize,
    /// Distances below this have a bucket each.
    exact: usize,
    max_distance: usize,
    bidirectional: bool,
    ahead: usize,
}

impl Buckets {
    fn of(bias: &RelativeBias, rows: usize) -> Buckets {
        let count = if bias.bidirectional { rows / 2 } else { rows };
        Buckets {
            count,
            exact: count / 2,
            max_distance: bias.max_distance,
            bidirectional: bias.bidirectional,
            ahead: bias.ahead,
        }
    }

    /// The bucket of a key that stands `distance` after its query (before it, if negative).
    fn bucket(&self, distance: i64) -> usize {
        let after = self.bidirectional && distance > 0;
        let distance = match self.bidirectional {
            true => distance.unsigned_abs() as usize,
            false => (-distance).max(0) as usize,
        };
        let within = if distance < self.exact {
            distance
        } else {
            // In f32 and in this order, since the bucket is where the rounded number falls.
            let exact = self.exact as f32;
            let span = (self.max_distance as f64 / self.exact as f64).ln() as f32;
            let steps = (distance as f32 / exact).ln() / span * (self.count - self.exact) as f32;
            (self.exact + steps as usize).min(self.count - 1)
        };
        within + if after { self.count } else { 0 }
    }

    /// The bucket of a column of `by_distance`.
    fn bucket_of(&self, place: usize, keys: usize) -> usize {
        self.bucket(place as i64 - (keys as i64 - 1) + self.ahead as i64)
    }

    /// For each head what is added by distance, `[H x (queries + keys - 1)]`: query row `i` of a
    /// span reads its biases for keys `0..` from column `queries - 1 - i` on.
    pub(crate) fn by_distance(&self, table: &Mat, queries: usize, keys: usize) -> Mat {
        let mut out = Mat::stale(table.cols(), queries + keys - 1);
        for place in 0..queries + keys - 1 {
            let bucket = self.bucket_of(place, keys);
            for head in 0..table.cols() {
                out.row_mut(head)[place] = table.row(bucket)[head];
            }
        }
        out
    }

    /// Adds the gradients of one head of one span, in the layout of `by_distance`, to the buckets.
    pub(crate) fn collect(&self, gradients: &[f32], keys: usize, sums: &mut [f64]) {
        for (place, gradient) in gradients.iter().enumerate() {
            sums[self.bucket_of(place, keys)] += f64::from(*gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(buckets: usize, max_distance: usize, bidirectional: bool) -> Buckets {
        let table = Param::frozen("bias", Mat::zeros(buckets, 1));
        RelativeBias {
            table,
            max_distance,
            bidirectional,
            ahead: 0,
        }
        .rule()
    }

    #[test]
    fn distances_fall_into_the_buckets_of_t5() {
        let both = rule(32, 128, true);
        let found =
            [0, 1, 7, 8, 11, 12, 15, 16, 31, 32, 63, 64, 127, 1000].map(|d| both.bucket(-d));
        assert_eq!(found, [0, 1, 7, 8, 8, 9, 9, 10, 11, 12, 13, 14, 15, 15]);
        assert_eq!([1, 16, 500].map(|d| both.bucket(d)), [17, 26, 31]);
        let causal = rule(32, 128, false);
        let found = [0, 15, 16, 18, 19, 127, 128, 999].map(|d| causal.bucket(-d));
        assert_eq!(found, [0, 15, 16, 16, 17, 31, 31, 31]);
        assert_eq!(causal.bucket(5), 0);
    }

    #[test]
    fn keys_that_are_not_counted_move_every_distance() {
        let plain = rule(32, 128, true);
        let ahead = Buckets { ahead: 2, ..plain };
        let table = Mat::from_vec(32, 1, (0..32).map(|bucket| bucket as f32).collect());
        // Two queries with their own two keys, and two keys in front of those.
        let found = ahead.by_distance(&table, 2, 4);
        let expected: Vec<f32> = (-1..4).map(|d| plain.bucket(d) as f32).collect();
        assert_eq!(found.data(), expected);
    }

    #[test]
    fn a_table_that_does_not_fit_is_refused() {
        let bias = |rows, cols, max_distance| RelativeBias {
            table: Param::frozen("bias", Mat::zeros(rows, cols)),
            max_distance,
            bidirectional: true,
            ahead: 0,
        };
        assert!(bias(32, 4, 128).check("attention", 4).is_ok());
        assert!(bias(32, 3, 128).check("attention", 4).is_err());
        assert!(bias(2, 4, 128).check("attention", 4).is_err());
        assert!(bias(32, 4, 8).check("attention", 4).is_err());
    }
}
