//! Lengths of texts: counted by value, so that any number of texts costs little.

use std::collections::BTreeMap;

use super::report::Lengths;

#[derive(Debug, Default)]
pub struct Counts {
    by_length: BTreeMap<u64, u64>,
}

impl Counts {
    pub fn add(&mut self, length: u64) {
        *self.by_length.entry(length).or_default() += 1;
    }

    /// `limit` is where texts are cut, if lengths are in its unit.
    pub fn summary(&self, limit: Option<u64>) -> Lengths {
        let rows: u64 = self.by_length.values().sum();
        let total: u64 = self
            .by_length
            .iter()
            .map(|(length, count)| length * count)
            .sum();
        let mut lengths = Lengths {
            median: self.quantile(rows, 50),
            p90: self.quantile(rows, 90),
            p99: self.quantile(rows, 99),
            longest: self
                .by_length
                .last_key_value()
                .map_or(0, |(length, _)| *length),
            limit,
            ..Lengths::default()
        };
        for (length, count) in &self.by_length {
            *lengths
                .histogram
                .entry(length.next_power_of_two().max(16))
                .or_default() += count;
        }
        if let Some(limit) = limit {
            let cut = |(length, count): (&u64, &u64)| (*count, (length - limit) * count);
            let (cut_rows, cut_tokens) = self
                .by_length
                .range(limit + 1..)
                .map(cut)
                .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            lengths.cut_rows = share(cut_rows, rows);
            lengths.cut_tokens = share(cut_tokens, total);
        }
        lengths
    }

    /// The least length that so many hundredths of the texts do not exceed.
    fn quantile(&self, rows: u64, hundredths: u64) -> u64 {
        let wanted = (rows * hundredths).div_ceil(100);
        let mut seen = 0;
        for (length, count) in &self.by_length {
            seen += count;
            if seen >= wanted {
                return *length;
            }
        }
        0
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_summed_up_and_truncation_is_told() {
        let mut counts = Counts::default();
        (1..=100).for_each(|length| counts.add(length));
        let lengths = counts.summary(Some(90));
        assert_eq!(
            (lengths.median, lengths.p90, lengths.p99, lengths.longest),
            (50, 90, 99, 100)
        );
        assert_eq!(lengths.cut_rows, 0.1);
        assert_eq!(lengths.cut_tokens, 55.0 / 5050.0);
        assert_eq!(
            lengths.histogram,
            BTreeMap::from([(16, 16), (32, 16), (64, 32), (128, 36)])
        );
        assert_eq!(Counts::default().summary(None).median, 0);
    }
}
