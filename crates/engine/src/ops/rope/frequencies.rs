//! Frequencies of rotary positions, `[D / 2]`, and how model families stretch them to longer texts.
//!
//! Computed in f32 in the order of the reference library, since the last bit of a frequency times a
//! large position is a visible angle.

use std::f64::consts::PI;

use crate::error::{Error, Result};

/// How frequencies are changed for texts longer than those first trained on.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    None,
    /// Every position divided by the factor.
    Linear {
        factor: f64,
    },
    /// Low frequencies divided, high ones kept, those between blended.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_max_position: usize,
    },
    /// A ramp by number of rotations, and cosines and sines times the attention factor
    /// (by default `0.1 ln(factor) + 1`).
    Yarn {
        factor: f64,
        /// Rotations within the first trained length from which on a frequency is kept; usually 32.
        beta_fast: f64,
        /// Rotations below which a frequency is divided; usually 1.
        beta_slow: f64,
        attention_factor: Option<f64>,
        original_max_position: usize,
        /// Whether the ends of the ramp are rounded to whole pairs; usually so.
        truncate: bool,
    },
    /// Frequencies that would depend on the longest text of a batch. Up to the length that the model
    /// was made for they are the plain ones; longer texts are refused, because their numbers would
    /// depend on what else is in the batch and on what was computed before.
    Dynamic,
}

/// Frequencies, and what cosines and sines are multiplied by.
pub(super) fn frequencies(
    width: usize,
    theta: f64,
    scaling: &RopeScaling,
) -> Result<(Vec<f32>, f32)> {
    check(width, theta, scaling)?;
    let powers: Vec<f32> = (0..width / 2)
        .map(|pair| {
            f64::from(theta as f32).powf(f64::from((2 * pair) as f32 / width as f32)) as f32
        })
        .collect();
    let plain = powers.iter().map(|power| 1.0 / power);
    Ok(match *scaling {
        RopeScaling::None | RopeScaling::Dynamic => (plain.collect(), 1.0),
        RopeScaling::Linear { factor } => (plain.map(|f| f / factor as f32).collect(), 1.0),
        RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position,
        } => {
            let length = original_max_position as f64;
            (
                plain
                    .map(|f| llama3(f, factor, low, high, length))
                    .collect(),
                1.0,
            )
        }
        RopeScaling::Yarn { factor, .. } => {
            let ramp = yarn_ramp(width, theta, scaling);
            let blended = powers.iter().zip(ramp).map(|(power, ramp)| {
                let (kept, divided) = (1.0 / power, 1.0 / (factor as f32 * power));
                let share = 1.0 - ramp;
                divided * (1.0 - share) + kept * share
            });
            (blended.collect(), yarn_amplitude(scaling) as f32)
        }
    })
}

fn check(width: usize, theta: f64, scaling: &RopeScaling) -> Result<()> {
    let positive = |x: f64| x.is_finite() && x > 0.0;
    let sound = match *scaling {
        RopeScaling::None | RopeScaling::Dynamic => true,
        RopeScaling::Linear { factor } => positive(factor),
        RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position,
        } => {
            positive(factor)
                && positive(low)
                && high > low
                && high.is_finite()
                && original_max_position > 0
        }
        RopeScaling::Yarn {
            factor,
            beta_fast,
            beta_slow,
            attention_factor,
            original_max_position,
            ..
        } => {
            [
                factor,
                beta_fast,
                beta_slow,
                attention_factor.unwrap_or(1.0),
            ]
            .into_iter()
            .all(positive)
                && original_max_position > 0
        }
    };
    // A base of one has no logarithm to divide by.
    if width > 0 && width.is_multiple_of(2) && positive(theta) && theta != 1.0 && sound {
        return Ok(());
    }
    let reason = format!("heads of width {width}, base {theta}, {scaling:?}");
    Err(Error::Setting { op: "rope", reason })
}

/// One frequency under the rule of Llama 3.
fn llama3(plain: f32, factor: f64, low: f64, high: f64, length: f64) -> f32 {
    let wave = (1.0 / plain) * (2.0 * PI) as f32;
    if wave < (length / high) as f32 {
        return plain;
    }
    if wave > (length / low) as f32 {
        return plain / factor as f32;
    }
    let smooth = ((1.0 / wave) * length as f32 - low as f32) / (high - low) as f32;
    (1.0 - smooth) * plain / factor as f32 + smooth * plain
}

/// For each pair how far it is along the ramp from kept (0) to divided (1).
fn yarn_ramp(width: usize, theta: f64, scaling: &RopeScaling) -> Vec<f32> {
    let RopeScaling::Yarn {
        beta_fast,
        beta_slow,
        original_max_position,
        truncate,
        ..
    } = *scaling
    else {
        return Vec::new();
    };
    // The pair that turns so many times within the first trained length.
    let pair = |rotations: f64| {
        let turns = original_max_position as f64 / (rotations * 2.0 * PI);
        width as f64 * turns.ln() / (2.0 * theta.ln())
    };
    let (mut low, mut high) = (pair(beta_fast), pair(beta_slow));
    if truncate {
        (low, high) = (low.floor(), high.ceil());
    }
    (low, high) = (low.max(0.0), high.min(width as f64 - 1.0));
    if low == high {
        high += 0.001;
    }
    (0..width / 2)
        .map(|pair| ((pair as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0))
        .collect()
}

fn yarn_amplitude(scaling: &RopeScaling) -> f64 {
    match *scaling {
        RopeScaling::Yarn {
            attention_factor: Some(amplitude),
            ..
        } => amplitude,
        RopeScaling::Yarn { factor, .. } if factor > 1.0 => 0.1 * factor.ln() + 1.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: usize, theta: f64, scaling: RopeScaling) -> (Vec<f32>, f32) {
        frequencies(width, theta, &scaling).unwrap()
    }

    fn near(found: f32, expected: f64) {
        let off = (f64::from(found) - expected).abs() / expected;
        assert!(off < 2e-7, "{found}, expected {expected}");
    }

    #[test]
    fn plain_frequencies_are_powers_of_the_base() {
        let (found, amplitude) = of(64, 10000.0, RopeScaling::None);
        assert_eq!((found.len(), found[0], amplitude), (32, 1.0, 1.0));
        for (pair, found) in found.iter().enumerate() {
            near(*found, 10000f64.powf(-(2.0 * pair as f64) / 64.0));
        }
    }

    #[test]
    fn linear_scaling_divides_every_frequency() {
        let (plain, _) = of(8, 1e5, RopeScaling::None);
        let (found, _) = of(8, 1e5, RopeScaling::Linear { factor: 4.0 });
        assert!(
            plain
                .iter()
                .zip(&found)
                .all(|(plain, found)| plain / 4.0 == *found)
        );
    }

    #[test]
    fn llama3_keeps_high_frequencies_and_divides_low_ones() {
        let (width, theta, length) = (128, 5e5, 8192.0);
        let (plain, _) = of(width, theta, RopeScaling::None);
        let (found, _) = of(
            width,
            theta,
            RopeScaling::Llama3 {
                factor: 8.0,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                original_max_position: 8192,
            },
        );
        let mut kinds = [0; 3];
        for (plain, found) in plain.iter().zip(&found) {
            let exact = f64::from(*plain);
            let turns = length * exact / (2.0 * PI);
            let (kind, expected) = match turns {
                turns if turns > 4.0 => (0, exact),
                turns if turns < 1.0 => (1, exact / 8.0),
                turns => {
                    let smooth = (turns - 1.0) / 3.0;
                    (2, (1.0 - smooth) * exact / 8.0 + smooth * exact)
                }
            };
            kinds[kind] += 1;
            near(*found, expected);
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }

    #[test]
    fn yarn_goes_from_kept_to_divided_along_its_ramp() {
        let scaling = |truncate| RopeScaling::Yarn {
            factor: 4.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            attention_factor: None,
            original_max_position: 32768,
            truncate,
        };
        let (plain, _) = of(128, 1e6, RopeScaling::None);
        let (found, amplitude) = of(128, 1e6, scaling(true));
        near(amplitude, 0.1 * 4f64.ln() + 1.0);
        // Pairs that turn 32 times and once: 23.6 and 39.6.
        let (low, high) = (23.0, 40.0);
        for (pair, (plain, found)) in plain.iter().zip(&found).enumerate() {
            let ramp = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            near(*found, f64::from(*plain) * (ramp / 4.0 + 1.0 - ramp));
        }
        assert_ne!(of(128, 1e6, scaling(false)).0, found);
    }

    #[test]
    fn settings_without_a_meaning_are_refused() {
        let refused = |width, theta, scaling| frequencies(width, theta, &scaling).is_err();
        assert!(refused(7, 1e4, RopeScaling::None));
        assert!(refused(0, 1e4, RopeScaling::None));
        assert!(refused(8, f64::NAN, RopeScaling::None));
        assert!(refused(8, 0.0, RopeScaling::None));
        assert!(refused(8, 1e4, RopeScaling::Linear { factor: 0.0 }));
        let llama3 = |low, high| RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position: 8192,
        };
        assert!(refused(8, 1e4, llama3(4.0, 4.0)));
        assert!(!refused(8, 1e4, llama3(1.0, 4.0)));
    }
}
