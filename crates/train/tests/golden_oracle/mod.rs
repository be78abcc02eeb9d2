//! The comparison of the golden tests: runs a network as the references were run, and compares
//! every tensor, by its norm and by its worst element.

use skillbelt_engine::{Grads, Keep, Mat, Param, Pass, Var, backward, ops};
use skillbelt_model::base::{Batch, Network, logits};
use skillbelt_train::{AdamW, AdamWSettings};

use crate::golden_files::{Reference, Style};

/// Relative error of a hidden state or logits tensor.
pub const OUTPUT: f64 = 2e-5;
/// Error of any one element, relative to the largest of its tensor.
pub const ELEMENT: f64 = 2e-4;
/// Relative error of a loss.
pub const LOSS: f64 = 1e-5;
/// Relative error of a loss after optimiser steps: the references are themselves within 4e-5 of f64.
pub const STEPPED_LOSS: f64 = 1e-4;
/// Relative error of a gradient, relative to its norm or to a thousandth of the largest gradient's
/// norm: the key bias under a softmax has a true gradient of zero.
pub const GRADIENT: f64 = 2e-4;
/// Relative error of a weight after three steps.
pub const AFTER: f64 = 1e-3;

type Outcome<T> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The tensors that the reference calls `out.*`.
pub fn outputs(network: &dyn Network, reference: &Reference) -> Outcome<Vec<(String, Mat)>> {
    let pass = Pass::inference();
    let (first, last) = run(network, reference, &pass)?;
    let rows: Vec<usize> = (0..last.rows()).collect();
    let logits = logits(network, &pass, &last, &rows).map_err(text)?;
    let name = match reference.style {
        Style::Translating => "out.encoder_hidden",
        Style::Masked | Style::Causal => "out.hidden",
    };
    Ok(vec![
        (name.into(), first.into_mat()),
        ("out.logits".into(), logits),
    ])
}

/// Hidden states, and those that the head reads (the decoder's, if there is one).
fn run(network: &dyn Network, reference: &Reference, pass: &Pass) -> Outcome<(Var, Var)> {
    let batch = Batch::pack(&reference.inputs).map_err(text)?;
    let hidden = network.hidden(pass, &batch, None).map_err(text)?;
    if reference.style != Style::Translating {
        return Ok((hidden.clone(), hidden));
    }
    let target = Batch::pack(&reference.decoder_inputs).map_err(text)?;
    let decoded = network
        .decode(pass, &hidden, &batch.spans, &target, None)
        .map_err(text)?;
    Ok((hidden, decoded))
}

/// Rows whose logits predict something, and what they predict.
fn labels(reference: &Reference) -> (Vec<usize>, Vec<u32>) {
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    let mut start = 0;
    for (place, ids) in reference.inputs.iter().enumerate() {
        match reference.style {
            Style::Masked => {
                for i in (1..ids.len()).step_by(3) {
                    rows.push(start + i);
                    labels.push(ids[i]);
                }
                start += ids.len();
            }
            Style::Causal => {
                let first = reference.prompt_lengths[place].max(1);
                rows.extend(start + first - 1..start + ids.len() - 1);
                labels.extend(&ids[first..]);
                start += ids.len();
            }
            Style::Translating => {
                let target = &reference.targets[place];
                rows.extend(start..start + target.len());
                labels.extend(target);
                start += target.len();
            }
        }
    }
    (rows, labels)
}

/// The loss and the gradients of whatever is trained.
pub fn gradients(
    network: &dyn Network,
    reference: &Reference,
    pass: Pass,
) -> Outcome<(f64, Grads)> {
    let (_, hidden) = run(network, reference, &pass)?;
    let (rows, labels) = labels(reference);
    let hidden = ops::take_rows(&pass, &hidden, &rows).map_err(text)?;
    let ready = network.before_head(&pass, &hidden).map_err(text)?;
    let head = network.head().ok_or("no head")?;
    let loss = ops::lm_loss(&pass, &ready, head, &labels).map_err(text)?;
    let mut grads = Grads::new();
    backward(&loss, 1.0, &mut grads).map_err(text)?;
    Ok((f64::from(loss.scalar()), grads))
}

/// Takes the reference's AdamW steps and compares the loss before each.
pub fn losses_of_steps(
    network: &dyn Network,
    params: &[Param],
    reference: &Reference,
    expected: &[f64],
) -> Outcome<()> {
    let mut optimiser = AdamW::new(AdamWSettings {
        weight_decay: reference.weight_decay,
        ..AdamWSettings::default()
    });
    for (step, expected) in expected.iter().enumerate() {
        let (loss, grads) = gradients(network, reference, Pass::recording())?;
        close(
            &format!("loss of step {}", step + 1),
            loss,
            *expected,
            STEPPED_LOSS,
        )?;
        optimiser.step(params, &grads, reference.learning_rate);
    }
    Ok(())
}

pub fn close(what: &str, found: f64, expected: f64, tolerance: f64) -> Outcome<()> {
    let off = (found - expected).abs() / expected.abs();
    match off <= tolerance {
        true => Ok(()),
        false => Err(format!(
            "{what}: {found}, expected {expected} (off by {off:.1e})"
        )),
    }
}

/// An output, by norm and by element.
pub fn compare(name: &str, found: &Mat, expected: &Mat) -> Outcome<()> {
    if found.shape() != expected.shape() {
        return Err(format!(
            "{name}: {}, expected {}",
            found.shape_text(),
            expected.shape_text()
        ));
    }
    let largest = expected
        .data()
        .iter()
        .fold(0.0f64, |a, b| a.max(f64::from(b.abs())));
    let relative = distance(found, expected) / norm(expected);
    if relative.is_nan() || relative > OUTPUT {
        return Err(format!("{name}: relative error {relative:.2e}"));
    }
    for (place, (found, expected)) in found.data().iter().zip(expected.data()).enumerate() {
        let off = f64::from((found - expected).abs());
        if off > ELEMENT * largest {
            return Err(format!(
                "{name}: element {place} is {found}, expected {expected}"
            ));
        }
    }
    Ok(())
}

/// Every gradient, and that there are exactly those that the reference has.
pub fn compare_gradients(
    params: &[Param],
    grads: &Grads,
    reference: &Reference,
    prefix: &str,
    name_of: impl Fn(&str) -> String,
) -> Outcome<()> {
    let floor = reference
        .names(prefix)
        .filter_map(|name| reference.tensor(name).ok())
        .map(norm)
        .fold(0.0, f64::max)
        * 1e-3;
    let mut compared = 0;
    for param in params {
        let name = format!("{prefix}{}", name_of(param.name()));
        let expected = &reference.tensor_as(&name, param.value().shape())?;
        let zero = Mat::zeros(expected.rows(), expected.cols());
        let found = grads.get(param).unwrap_or(&zero);
        if found.shape() != expected.shape() {
            return Err(format!("{name}: {}", found.shape_text()));
        }
        let relative = distance(found, expected) / norm(expected).max(floor);
        if relative.is_nan() || relative > GRADIENT {
            return Err(format!("{name}: relative error {relative:.2e}"));
        }
        compared += 1;
    }
    let there = reference.names(prefix).count();
    match compared == there {
        true => Ok(()),
        false => Err(format!(
            "{compared} gradients compared, the reference has {there}"
        )),
    }
}

/// Weights after the steps. Elements whose first gradient is nearly zero are left out: there AdamW
/// divides rounding by rounding.
pub fn compare_after(
    params: &[Param],
    first_grads: &Grads,
    reference: &Reference,
    name_of: impl Fn(&str) -> String,
) -> Outcome<()> {
    for param in params {
        let name = format!("after.{}", name_of(param.name()));
        let value = param.value();
        let expected = reference.tensor_as(&name, value.shape())?;
        let grad = first_grads
            .get(param)
            .ok_or("a parameter without gradient")?;
        let typical = norm(grad) / (grad.len() as f64).sqrt();
        let (mut off, mut size) = (0.0, 0.0);
        let numbers = value.data().iter().zip(expected.data()).zip(grad.data());
        for ((found, expected), grad) in numbers {
            if f64::from(grad.abs()) > 1e-3 * typical {
                off += f64::from(found - expected).powi(2);
                size += f64::from(*expected).powi(2);
            }
        }
        // Nothing is left to compare where the true gradient is zero altogether.
        let relative = if size > 0.0 {
            f64::sqrt(off / size)
        } else {
            0.0
        };
        if relative.is_nan() || relative > AFTER {
            return Err(format!("{name}: relative error {relative:.2e}"));
        }
    }
    Ok(())
}

/// Each sequence alone gives the very bits that it gives in the batch.
pub fn alone_is_packed(network: &dyn Network, reference: &Reference) -> Outcome<()> {
    let packed = outputs(network, reference)?;
    let mut starts = vec![0; packed.len()];
    for place in 0..reference.inputs.len() {
        let alone = outputs(network, &reference.only(place))?;
        for (((name, alone), (_, packed)), start) in alone.iter().zip(&packed).zip(&mut starts) {
            let rows = &packed.data()[*start..*start + alone.len()];
            if rows != alone.data() {
                return Err(format!(
                    "{name} of sequence {place} depends on its neighbours"
                ));
            }
            *start += alone.len();
        }
    }
    Ok(())
}

/// Recomputing blocks changes no bit of the loss or of any gradient, whichever way values are kept.
pub fn recomputed_is_kept(
    network: &dyn Network,
    params: &[Param],
    reference: &Reference,
) -> Outcome<()> {
    for keep in [Keep::Exact, Keep::Half] {
        let run = |recompute: bool| {
            let pass = Pass::recording().with_keep(keep).with_recompute(recompute);
            gradients(network, reference, pass)
        };
        let ((loss, kept), (again, recomputed)) = (run(false)?, run(true)?);
        if loss.to_bits() != again.to_bits() {
            return Err("the loss differs".into());
        }
        for param in params {
            if kept.get(param) != recomputed.get(param) {
                return Err(format!(
                    "the gradient of {} differs ({keep:?})",
                    param.name()
                ));
            }
        }
    }
    Ok(())
}

fn norm(mat: &Mat) -> f64 {
    mat.data()
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn distance(a: &Mat, b: &Mat) -> f64 {
    let numbers = a.data().iter().zip(b.data());
    numbers
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}
