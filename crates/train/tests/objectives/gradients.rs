//! The oracle of an objective's gradients: differences of its own loss, and itself under other cuts.

use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Param};
use skillbelt_train::task::{Learnt, Set, Task};

use crate::bench::Bench;

/// Gradients of the whole set as one batch.
pub fn learn(
    bench: &Bench,
    task: &Task,
    set: &Set,
    pack_tokens: usize,
    factor: f32,
) -> (Learnt, Grads) {
    let batch: Vec<usize> = (0..set.items.len()).collect();
    let mut grads = Grads::new();
    let stage = bench.stage(1, pack_tokens);
    let learnt = task
        .objective
        .learn(&stage, set, &batch, factor, &mut grads)
        .unwrap();
    (learnt, grads)
}

/// How far the slope of the loss along a random direction of one parameter may be from what the
/// gradient says, relative to the larger of both: differences of f32 losses are good to no more.
const SLOPE: f64 = 2e-2;

/// Slope of the loss along a direction, by differences and by the gradient.
fn slopes(
    (bench, task, set): (&Bench, &Task, &Set),
    pack_tokens: usize,
    param: &Param,
    grads: &Grads,
) -> (f64, f64) {
    let stream = Stream::new(11, 0, param.name());
    let gradient = grads.get(param);
    let direction: Vec<f32> = (0..param.value().len() as u64)
        .map(|i| stream.normal(i))
        .collect();
    // Along the gradient too, so that slopes are not lost among roundings.
    let size = gradient.map_or(1.0, |g| {
        g.data()
            .iter()
            .map(|x| x * x)
            .sum::<f32>()
            .sqrt()
            .max(1e-12)
    });
    let direction: Vec<f32> = match gradient {
        Some(gradient) => direction
            .iter()
            .zip(gradient.data())
            .map(|(d, g)| 0.02 * d + g / size)
            .collect(),
        None => direction,
    };
    let loss_at = |by: f32| {
        let before = param.value();
        param.update(|value| {
            for (x, d) in value.data_mut().iter_mut().zip(&direction) {
                *x += by * d;
            }
        });
        let loss = learn(bench, task, set, pack_tokens, 1.0).0.loss;
        param.update(|value| value.data_mut().copy_from_slice(before.data()));
        loss
    };
    let central = |step: f32| (loss_at(step) - loss_at(-step)) / (2.0 * f64::from(step));
    // Two steps, so that what grows with the square of the step falls out.
    let measured = (4.0 * central(4e-3) - central(8e-3)) / 3.0;
    let said = gradient.map_or(0.0, |gradient| {
        let pairs = gradient.data().iter().zip(&direction);
        pairs.map(|(g, d)| f64::from(*g) * f64::from(*d)).sum()
    });
    (measured, said)
}

/// Every parameter's gradient against differences; a gradient of another size must be noticed.
pub fn agree_with_differences(bench: &Bench, task: &Task, set: &Set) {
    agree_with_differences_of(bench, task, set, 4096);
}

/// The same for a batch that is cut.
pub fn agree_with_differences_of(bench: &Bench, task: &Task, set: &Set, pack_tokens: usize) {
    let (_, grads) = learn(bench, task, set, pack_tokens, 1.0);
    let mut told = 0;
    for param in bench.params(task) {
        let (measured, said) = slopes((bench, task, set), pack_tokens, &param, &grads);
        let off = |said: f64| (measured - said).abs() / measured.abs().max(said.abs()).max(2e-3);
        assert!(
            off(said) < SLOPE,
            "{}: {measured} by differences, {said}",
            param.name()
        );
        // Negative control.
        told += usize::from(off(1.1 * said) > SLOPE);
    }
    assert!(told > 0, "no slope is large enough to tell anything");
}

/// Equal losses, units and gradients for packs of one text, of some, of all.
pub fn agree_for_every_cut(bench: &Bench, task: &Task, set: &Set) {
    let (whole, expected) = learn(bench, task, set, 1 << 20, 0.7);
    for pack_tokens in [1, 30, 61] {
        let (learnt, grads) = learn(bench, task, set, pack_tokens, 0.7);
        assert!((learnt.loss - whole.loss).abs() < 1e-5 * whole.loss.abs().max(1.0));
        assert_eq!((learnt.units, learnt.tokens), (whole.units, whole.tokens));
        assert_eq!(grads.len(), expected.len());
        for param in bench.params(task) {
            let (Some(found), Some(expected)) = (grads.get(&param), expected.get(&param)) else {
                assert!(grads.get(&param).is_none() && expected.get(&param).is_none());
                continue;
            };
            let largest = expected.data().iter().fold(1e-3f32, |a, b| a.max(b.abs()));
            for (found, expected) in found.data().iter().zip(expected.data()) {
                assert!(
                    (found - expected).abs() <= 1e-5 * largest,
                    "{} at {pack_tokens}",
                    param.name()
                );
            }
        }
    }
}
