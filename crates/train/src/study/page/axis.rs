//! From values to places in a picture, and round numbers to write along an axis. It draws nothing.

use serde::Serialize;

use super::mention;

/// A line of values laid on a line of pixels; `log` by equal ratios instead of equal steps.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    pub at: f64,
    pub label: String,
}

impl Scale {
    /// Holds all finite values with a little room at both ends; of no value, or one, it makes a
    /// range around it.
    pub fn linear(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let room = match high - low {
            0.0 => 0.01 + 0.01 * low.abs(),
            width => 0.04 * width,
        };
        Scale {
            low: low - room,
            high: high + room,
            from,
            to,
            log: false,
        }
    }

    /// For costs, all above zero; others are left out.
    pub fn log(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values.filter(|value| *value > 0.0)).unwrap_or((1.0, 10.0));
        Scale {
            low: (low / 1.3).ln(),
            high: (high * 1.3).ln(),
            from,
            to,
            log: true,
        }
    }

    /// The place of a value, to a tenth of a pixel; values outside stand at the nearer end.
    pub fn at(&self, value: f64) -> f64 {
        let value = match self.log {
            true => value.ln(),
            false => value,
        };
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let share = if share.is_finite() { share } else { 0.0 };
        (10.0 * (self.from + share * (self.to - self.from))).round() / 10.0
    }

    /// Two to about `wanted` round values inside.
    pub fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let values = match self.log {
            true => self.round_ratios(wanted),
            false => self.round_steps(wanted),
        };
        let label = |value: f64| match self.log {
            true => mention::short(value),
            false => mention::plain(value, (self.high - self.low) / wanted as f64),
        };
        let tick = |value: f64| Tick {
            at: self.at(value),
            label: label(value),
        };
        values.into_iter().map(tick).collect()
    }

    fn round_steps(&self, wanted: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / wanted as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|step| step * power)
            .find(|step| *step >= 0.7 * rough)
            .unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        let inside = (first..=last).take(3 * wanted);
        inside.map(|count| count as f64 * step).collect()
    }

    /// Powers of ten, with 2 and 5 between them where there is room.
    fn round_ratios(&self, wanted: usize) -> Vec<f64> {
        let (low, high) = (self.low.exp(), self.high.exp());
        let digits: &[f64] = match (high / low).log10() {
            decades if decades > 1.5 => &[1.0],
            decades if decades > 0.9 => &[1.0, 3.0],
            _ => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        };
        let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let values = powers.flat_map(|power| digits.iter().map(move |d| d * 10f64.powi(power)));
        let values: Vec<f64> = values.filter(|v| (low..=high).contains(v)).collect();
        let every = values.len().div_ceil(wanted.max(1)).max(1);
        values.into_iter().step_by(every).collect()
    }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.is_finite())
        .fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_stand_where_their_values_do() {
        let scale = Scale::linear([0.42, 0.61].into_iter(), 0.0, 100.0);
        let labels: Vec<String> = scale.ticks(4).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0.45", "0.50", "0.55", "0.60"]);
        assert!(scale.at(0.42) < scale.at(0.5) && scale.at(0.5) < scale.at(0.61));
    }

    #[test]
    fn a_scale_of_nothing_of_one_value_or_of_no_number_has_finite_places() {
        for values in [vec![], vec![0.5], vec![f64::NAN], vec![0.0, 0.0]] {
            for scale in [
                Scale::linear(values.iter().copied(), 0.0, 9.0),
                Scale::log(values.iter().copied(), 0.0, 9.0),
            ] {
                for value in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
                    assert!((0.0..=9.0).contains(&scale.at(value)));
                }
                assert!(scale.ticks(4).len() < 20);
            }
        }
    }
}
