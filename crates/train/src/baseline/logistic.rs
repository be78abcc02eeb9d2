//! Logistic regression over sparse texts: of two classes one row of weights, of more a row for each.
//!
//! What is made small is `C * sum(weight of example * loss) + |w|^2 / 2`; the constants of the classes
//! are not held back. It is a convex problem, so the answer depends on nothing but the examples; sums
//! are made in fixed parts, so that it does not depend on the number of threads either.

use rayon::prelude::*;

use super::words::Sparse;

/// Steps of L-BFGS, and of how many of them it remembers the turn.
const MOST_STEPS: usize = 300;
const REMEMBERED: usize = 10;
/// It is done when the slope has become this much less steep.
const FLAT: f64 = 1e-5;
/// Examples whose sums are made together.
const PART: usize = 256;

/// Weights `[rows x (features + 1)]`; the last of a row is its constant.
#[derive(Debug, Clone)]
pub struct Logistic {
    weights: Vec<f64>,
    rows: usize,
    features: usize,
}

/// What is learnt from: texts, their classes, and how much each example counts.
pub struct Examples<'e> {
    pub texts: &'e [Sparse],
    pub labels: &'e [u32],
    pub counts: &'e [f64],
    pub classes: usize,
    pub features: usize,
}

impl Logistic {
    pub fn learn(examples: &Examples<'_>, c: f64) -> Logistic {
        let rows = if examples.classes == 2 {
            1
        } else {
            examples.classes
        };
        let mut model = Logistic {
            weights: vec![0.0; rows * (examples.features + 1)],
            rows,
            features: examples.features,
        };
        model.descend(|model| model.loss(examples, c));
        model
    }

    /// One score for each class; of two classes that of the second.
    pub fn scores(&self, text: &Sparse) -> Vec<f64> {
        let row = |row: usize| {
            let weights = &self.weights[row * (self.features + 1)..][..=self.features];
            let sum: f64 = text
                .iter()
                .map(|(at, x)| weights[*at as usize] * f64::from(*x))
                .sum();
            sum + weights[self.features]
        };
        (0..self.rows).map(row).collect()
    }

    /// The loss and its slope.
    fn loss(&self, examples: &Examples<'_>, c: f64) -> (f64, Vec<f64>) {
        let numbers: Vec<usize> = (0..examples.texts.len()).collect();
        let parts = numbers.par_chunks(PART).map(|part| {
            let (mut loss, mut slopes) = (0.0, Vec::with_capacity(part.len()));
            for number in part {
                let label = examples.labels[*number] as usize;
                let (one, mut slope) = loss_of(&self.scores(&examples.texts[*number]), label);
                let count = c * examples.counts[*number];
                loss += count * one;
                slope.iter_mut().for_each(|slope| *slope *= count);
                slopes.push((*number, slope));
            }
            (loss, slopes)
        });
        let parts: Vec<_> = parts.collect();
        let (mut loss, mut slope) = (0.0, vec![0.0; self.weights.len()]);
        for (part, slopes) in parts {
            loss += part;
            for (number, by_row) in slopes {
                for (row, pull) in by_row.into_iter().enumerate() {
                    let slope = &mut slope[row * (self.features + 1)..][..=self.features];
                    for (at, x) in &examples.texts[number] {
                        slope[*at as usize] += pull * f64::from(*x);
                    }
                    slope[self.features] += pull;
                }
            }
        }
        for (place, weight) in self.weights.iter().enumerate() {
            if place % (self.features + 1) != self.features {
                loss += weight * weight / 2.0;
                slope[place] += weight;
            }
        }
        (loss, slope)
    }

    /// L-BFGS with steps that are halved until the loss falls as much as its slope promises.
    fn descend(&mut self, loss: impl Fn(&Logistic) -> (f64, Vec<f64>)) {
        let (mut now, mut slope) = loss(self);
        let flat = FLAT * dot(&slope, &slope).sqrt().max(1e-300);
        let mut turns: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for _ in 0..MOST_STEPS {
            if dot(&slope, &slope).sqrt() <= flat {
                return;
            }
            let way = direction(&slope, &turns);
            let fall = dot(&way, &slope);
            let mut step = 1.0;
            let (next, after, slope_after) = loop {
                let mut next = self.clone();
                add(&mut next.weights, &way, step);
                let (after, slope_after) = loss(&next);
                if after <= now + 1e-4 * step * fall {
                    break (next, after, slope_after);
                }
                step /= 2.0;
                // No step falls any more: it is as low as numbers of this width can tell.
                if step < 1e-12 {
                    return;
                }
            };
            let mut moved = next.weights.clone();
            add(&mut moved, &self.weights, -1.0);
            let mut turned = slope_after.clone();
            add(&mut turned, &slope, -1.0);
            if dot(&moved, &turned) > 0.0 {
                turns.push((moved, turned));
                if turns.len() > REMEMBERED {
                    turns.remove(0);
                }
            }
            (*self, now, slope) = (next, after, slope_after);
        }
    }
}

/// The loss of one example, and its slope by the scores.
fn loss_of(scores: &[f64], label: usize) -> (f64, Vec<f64>) {
    if let [score] = scores {
        let sign = if label == 1 { 1.0 } else { -1.0 };
        let margin = sign * score;
        let loss = (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
        let wrong = 1.0 / (1.0 + margin.exp());
        return (loss, vec![-sign * wrong]);
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mass: f64 = scores.iter().map(|score| (score - most).exp()).sum();
    let slope = scores.iter().enumerate().map(|(class, score)| {
        let chance = (score - most).exp() / mass;
        chance - f64::from(u8::from(class == label))
    });
    let own = scores.get(label).copied().unwrap_or(most);
    (mass.ln() + most - own, slope.collect())
}

/// Where to go: down the slope, corrected by how it turned before.
fn direction(slope: &[f64], turns: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(turns.len());
    for (moved, turned) in turns.iter().rev() {
        let share = dot(moved, &way) / dot(moved, turned);
        add(&mut way, turned, -share);
        shares.push(share);
    }
    if let Some((moved, turned)) = turns.last() {
        let scale = dot(moved, turned) / dot(turned, turned);
        way.iter_mut().for_each(|way| *way *= scale);
    }
    for ((moved, turned), share) in turns.iter().zip(shares.into_iter().rev()) {
        let back = dot(turned, &way) / dot(moved, turned);
        add(&mut way, moved, share - back);
    }
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += times * what;
    }
}

#[cfg(test)]
#[path = "logistic_tests.rs"]
mod tests;
