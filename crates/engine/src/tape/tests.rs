//! What the tape promises apart from any one operation.

use super::*;
use crate::ops;
use crate::param::Grads;
use crate::proof::random;

/// `2 x`, with a count of how often its way back was asked for.
fn twice(pass: &Pass, x: &Var) -> Var {
    let mut value = x.value().clone();
    value.scale(2.0);
    pass.record(value, &[x], || {
        |mut dy: Mat, flow: &mut Flow<'_>| {
            dy.scale(2.0);
            flow.give(0, dy);
            Ok(())
        }
    })
}

fn gradient_of(param: &Param, loss: &Var) -> Option<f32> {
    let mut grads = Grads::new();
    backward(loss, 1.0, &mut grads).unwrap();
    grads.get(param).map(|grad| grad.data()[0])
}

#[test]
fn gradients_of_a_value_that_is_used_twice_are_summed() {
    let param = Param::trained("x", Mat::scalar(3.0));
    let pass = Pass::recording();
    let x = pass.leaf(&param);
    let sum = ops::add(&pass, &twice(&pass, &x), &twice(&pass, &twice(&pass, &x))).unwrap();
    assert_eq!(sum.scalar(), 18.0);
    assert_eq!(gradient_of(&param, &sum), Some(6.0));
}

#[test]
fn what_no_trained_parameter_reaches_remembers_nothing() {
    let pass = Pass::recording();
    let frozen = pass.leaf(&Param::frozen("x", Mat::scalar(3.0)));
    assert!(!twice(&pass, &frozen).needs_gradient());
    let trained = Param::trained("x", Mat::scalar(3.0));
    assert!(twice(&pass, &pass.leaf(&trained)).needs_gradient());
    let silent = Pass::inference();
    assert!(!twice(&silent, &silent.leaf(&trained)).needs_gradient());
}

#[test]
fn a_part_of_the_tape_is_walked_once() {
    let param = Param::trained("x", Mat::scalar(3.0));
    let pass = Pass::recording();
    let y = twice(&pass, &pass.leaf(&param));
    assert_eq!(gradient_of(&param, &y), Some(2.0));
    assert!(backward(&y, 1.0, &mut Grads::new()).is_err());
}

#[test]
fn a_loss_is_one_number() {
    let pass = Pass::recording();
    let matrix = pass.leaf(&Param::trained("x", Mat::zeros(2, 3)));
    assert!(backward(&matrix, 1.0, &mut Grads::new()).is_err());
    assert!(backward_from(&matrix, Mat::zeros(3, 2), &mut Grads::new()).is_err());
}

/// A block that uses one of its inputs twice and a parameter of its own.
fn block_gradients(recompute: bool) -> Vec<Mat> {
    let params: Vec<Param> = ["x", "w"]
        .iter()
        .map(|name| Param::trained(*name, random(name, 5, 7, 1.0)))
        .collect();
    let pass = Pass::recording().with_recompute(recompute);
    let x = pass.leaf(&params[0]);
    let own = params[1].clone();
    let run = move |pass: &Pass, inputs: &[Var]| {
        let once = ops::add(pass, &inputs[0], &pass.leaf(&own))?;
        ops::add(pass, &ops::scale(pass, &once, 0.3)?, &inputs[0])
    };
    let y = pass.block(&[&x], run).unwrap();
    let z = ops::add(&pass, &y, &ops::scale(&pass, &x, 0.7).unwrap()).unwrap();
    let mut grads = Grads::new();
    backward_from(&z, random("dz", 5, 7, 1.0), &mut grads).unwrap();
    params
        .iter()
        .filter_map(|param| grads.take(param))
        .collect()
}

#[test]
fn a_recomputed_block_gives_the_same_bits() {
    let kept = block_gradients(false);
    assert_eq!(kept.len(), 2);
    assert!(kept == block_gradients(true));
}

#[test]
fn a_recomputed_block_without_anything_trained_stays_plain() {
    let pass = Pass::recording().with_recompute(true);
    let x = pass.constant(Mat::scalar(1.0));
    let run = |pass: &Pass, inputs: &[Var]| ops::scale(pass, &inputs[0], 2.0);
    assert!(!pass.block(&[&x], run).unwrap().needs_gradient());
}
