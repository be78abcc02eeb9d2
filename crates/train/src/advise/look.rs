//! One look: how far the tasks' gradients on the belt agree, and what a step on each task alone does
//! to the losses of all. The belt is given back to the bit as it was, also where a loss fails.
//!
//! Cost of a look at n tasks: n gradients of a few rows, n + n * n losses of a few rows, and one copy
//! of the belt with n gradients of its size in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use skillbelt_engine::{Grads, Mat, Param};

use super::line::{Look, Part};
use super::part;
use crate::error::Result;

/// Rows of a task that a look learns from, and rows whose loss it asks.
pub const ROWS: usize = 16;

/// Where gradients and losses come from.
pub trait Source {
    /// Adds the gradients of the task's mean loss on a few training rows.
    fn learn(&self, task: usize, grads: &mut Grads) -> Result<()>;
    /// The task's mean loss on its held rows, with the belt as it is.
    fn loss(&self, task: usize) -> Result<f64>;
}

/// Looks at `tasks` tasks before step number `step + 1`.
///
/// A look-ahead step moves the belt (never a head) against the task's gradient g, by
/// `rate * |g|1 / |g|2^2 * g`: to first order, the task's own loss falls by as much as under a first
/// step of AdamW at that rate, whatever the size of the loss.
pub fn look(
    step: u64,
    belt: &[Param],
    tasks: usize,
    rate: f64,
    source: &dyn Source,
) -> Result<Look> {
    let began = Instant::now();
    let mut grads = Vec::with_capacity(tasks);
    for task in 0..tasks {
        let mut own = Grads::new();
        source.learn(task, &mut own)?;
        grads.push(own);
    }
    let all = || {
        (0..tasks)
            .map(|task| source.loss(task))
            .collect::<Result<Vec<f64>>>()
    };
    let losses = all()?;
    let values: Vec<Arc<Mat>> = belt.iter().map(Param::value).collect();
    // By task whose loss is asked, and by the one that stepped.
    let mut affinity = vec![vec![None; tasks]; tasks];
    for (partner, own) in grads.iter().enumerate() {
        if !go(belt, own, rate) {
            continue;
        }
        let after = all();
        give_back(belt, &values);
        for (task, (before, after)) in losses.iter().zip(after?).enumerate() {
            affinity[task][partner] = finite(1.0 - after / before).filter(|_| *before > 0.0);
        }
    }
    let products = Products::of(belt, &grads);
    Ok(Look {
        step,
        losses: losses.into_iter().map(finite).collect(),
        norms: (0..tasks)
            .map(|task| finite(products.whole(task, task).sqrt()))
            .collect(),
        agreement: products.agreement(),
        affinity,
        parts: products.parts(),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Steps against a gradient; false, and nothing moved, where there is none.
fn go(belt: &[Param], grads: &Grads, rate: f64) -> bool {
    let (mut sum, mut square) = (0.0f64, 0.0f64);
    for grad in belt.iter().filter_map(|param| grads.get(param)) {
        for number in grad.data() {
            sum += f64::from(number.abs());
            square += f64::from(*number).powi(2);
        }
    }
    let by = rate * sum / square;
    if !by.is_finite() || by == 0.0 {
        return false;
    }
    for param in belt {
        if let Some(grad) = grads.get(param) {
            param.update(|value| {
                for (number, grad) in value.data_mut().iter_mut().zip(grad.data()) {
                    *number -= (by * f64::from(*grad)) as f32;
                }
            });
        }
    }
    true
}

fn give_back(belt: &[Param], values: &[Arc<Mat>]) {
    for (param, value) in belt.iter().zip(values) {
        param.update(|now| now.data_mut().copy_from_slice(value.data()));
    }
}

/// Products of the tasks' gradients, by part of the belt in the order of their first parameters.
struct Products {
    tasks: usize,
    places: Vec<(String, &'static str)>,
    /// By part: the products of tasks a and b at `a * tasks + b`.
    sums: Vec<Vec<f64>>,
}

impl Products {
    fn of(belt: &[Param], grads: &[Grads]) -> Products {
        let tasks = grads.len();
        let mut numbers: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
        let mut products = Products {
            tasks,
            places: Vec::new(),
            sums: Vec::new(),
        };
        for param in belt {
            let place = part::place(param.name());
            let part = *numbers.entry(place.clone()).or_insert_with(|| {
                products.places.push(place);
                products.sums.push(vec![0.0; tasks * tasks]);
                products.sums.len() - 1
            });
            for a in 0..tasks {
                for b in a..tasks {
                    if let (Some(x), Some(y)) = (grads[a].get(param), grads[b].get(param)) {
                        let product = dot(x.data(), y.data());
                        products.sums[part][a * tasks + b] += product;
                        if a != b {
                            products.sums[part][b * tasks + a] += product;
                        }
                    }
                }
            }
        }
        products
    }

    /// Over the whole belt.
    fn whole(&self, a: usize, b: usize) -> f64 {
        self.sums.iter().map(|part| part[a * self.tasks + b]).sum()
    }

    fn agreement(&self) -> Vec<Vec<Option<f64>>> {
        let of = |a, b| cosine(self.whole(a, b), self.whole(a, a), self.whole(b, b));
        let tasks = 0..self.tasks;
        tasks
            .clone()
            .map(|a| tasks.clone().map(|b| of(a, b)).collect())
            .collect()
    }

    fn parts(&self) -> Vec<Part> {
        let tasks = self.tasks;
        let part = |((layer, site), sums): (&(String, &'static str), &Vec<f64>)| {
            let at = |a: usize, b: usize| sums[a * tasks + b];
            let pairs = (0..tasks).flat_map(|a| (a + 1..tasks).map(move |b| (a, b)));
            Part {
                layer: layer.clone(),
                site: (*site).to_owned(),
                energy: (0..tasks)
                    .map(|a| finite(at(a, a) / self.whole(a, a)))
                    .collect(),
                cosines: pairs
                    .map(|(a, b)| cosine(at(a, b), at(a, a), at(b, b)))
                    .collect(),
            }
        };
        self.places.iter().zip(&self.sums).map(part).collect()
    }
}

fn cosine(product: f64, a: f64, b: f64) -> Option<f64> {
    finite(product / (a.sqrt() * b.sqrt())).map(|cosine| cosine.clamp(-1.0, 1.0))
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}
