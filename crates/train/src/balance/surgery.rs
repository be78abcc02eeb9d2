//! Gradient surgery, as PCGrad: where the gradients of two tasks pull against each other, each loses
//! the part that lies along the other. Only shared parameters (the belt's) are operated on.

use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Param};

/// Projects the gradients of tasks off each other and sums them. `shared` are operated on; all
/// others of `params` are summed as they are. The order in which a task meets the others is drawn
/// from (seed, step, task).
pub fn operate(
    mut of_tasks: Vec<(usize, Grads)>,
    params: &[Param],
    shared: &[Param],
    seed: u64,
    step: u64,
) -> Grads {
    let before: Vec<Vec<Option<Vec<f32>>>> = of_tasks
        .iter()
        .map(|(_, grads)| {
            let numbers = |param| grads.get(param).map(|grad| grad.data().to_vec());
            shared.iter().map(numbers).collect()
        })
        .collect();
    for (place, (task, grads)) in of_tasks.iter_mut().enumerate() {
        for other in meetings(before.len(), place, *task, seed, step) {
            project(grads, &before[other], shared);
        }
    }
    let mut sum = Grads::new();
    for (_, mut grads) in of_tasks {
        for param in params {
            if let Some(grad) = grads.take(param) {
                sum.add(param, grad);
            }
        }
    }
    sum
}

/// The places of the other tasks, in a drawn order.
fn meetings(count: usize, place: usize, task: usize, seed: u64, step: u64) -> Vec<usize> {
    let stream = Stream::new(seed, step, "surgery");
    let mut others: Vec<usize> = (0..count).filter(|other| *other != place).collect();
    others.sort_by_key(|other| (stream.bits(((task as u64) << 32) | *other as u64), *other));
    others
}

/// Takes from the gradients what lies against the other task's, over all shared parameters as one
/// vector.
fn project(grads: &mut Grads, other: &[Option<Vec<f32>>], shared: &[Param]) {
    let (mut along, mut length) = (0.0f64, 0.0f64);
    for (param, theirs) in shared.iter().zip(other) {
        let Some(theirs) = theirs else { continue };
        length += dot(theirs, theirs);
        if let Some(own) = grads.get(param) {
            along += dot(own.data(), theirs);
        }
    }
    if along >= 0.0 || length == 0.0 {
        return;
    }
    let factor = (along / length) as f32;
    for (param, theirs) in shared.iter().zip(other) {
        let Some(theirs) = theirs else { continue };
        let shape = param.value().shape();
        let taken = theirs.iter().map(|x| -factor * x).collect();
        grads.add(
            param,
            skillbelt_engine::Mat::from_vec(shape.0, shape.1, taken),
        );
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_engine::Mat;

    fn grads(params: &[Param], numbers: [[f32; 2]; 2]) -> Grads {
        let mut grads = Grads::new();
        for (param, numbers) in params.iter().zip(numbers) {
            grads.add(param, Mat::row_vector(numbers.to_vec()));
        }
        grads
    }

    #[test]
    fn only_what_conflicts_is_taken_and_heads_are_left_alone() {
        let zeros = || Mat::row_vector(vec![0.0; 2]);
        let params = [
            Param::trained("belt", zeros()),
            Param::trained("head", zeros()),
        ];
        let operated = |one: [[f32; 2]; 2], two: [[f32; 2]; 2]| {
            let both = vec![(0, grads(&params, one)), (1, grads(&params, two))];
            let sum = operate(both, &params, &params[..1], 7, 3);
            params
                .each_ref()
                .map(|param| sum.get(param).unwrap().data().to_vec())
        };
        // (1, 0) against (-1, 1): the first keeps (0.5, 0.5), the second (0, 1).
        let found = operated([[1.0, 0.0], [1.0, 0.0]], [[-1.0, 1.0], [-1.0, 1.0]]);
        assert_eq!(found, [vec![0.5, 1.5], vec![0.0, 1.0]]);
        // Gradients that agree are summed.
        let found = operated([[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]);
        assert_eq!(found[0], [2.0, 1.0]);
    }
}
