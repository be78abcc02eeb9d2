//! Cross entropy over a handful of classes, or of one yes-or-no column.
//!
//! Its logits are few, so everything is computed in f64. Long rows are for the language-model loss.

use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// Mean cross entropy, `[1 x 1]`, of `logits [B x classes]` against one label per row.
///
/// With `weights`, one per class, each row counts as much as its label's weight, and the mean is
/// over the sum of those (as the reference library's weighted mean). With a single column the logit
/// stands for a label 1 against 0; `weights` is then one number, by which rows labelled 1 count
/// more, and the mean stays over the rows.
pub fn class_loss(
    pass: &Pass,
    logits: &Var,
    labels: &[u32],
    weights: Option<&[f32]>,
) -> Result<Var> {
    check(logits, labels, weights)?;
    let (loss, gradient) = if logits.cols() == 1 {
        yes_or_no(
            logits.value(),
            labels,
            weights.map_or(1.0, |weights| weights[0]),
        )
    } else {
        one_of_many(logits.value(), labels, weights)?
    };
    Ok(pass.record(Mat::scalar(loss as f32), &[logits], || {
        move |dy, flow| {
            let mut gradient = gradient;
            gradient.scale(dy.data()[0]);
            flow.give(0, gradient);
            Ok(())
        }
    }))
}

const OP: &str = "class loss";

fn check(logits: &Var, labels: &[u32], weights: Option<&[f32]>) -> Result<()> {
    let (b, classes) = logits.shape();
    if b == 0 || classes == 0 {
        return Err(Error::Empty { op: OP });
    }
    if labels.len() != b {
        return Err(Error::shape(OP, format_args!("{b} labels"), labels.len()));
    }
    let bound = classes.max(2);
    if let Some(label) = labels.iter().find(|label| **label as usize >= bound) {
        return Err(Error::Index {
            op: OP,
            what: "label",
            index: i64::from(*label),
            bound,
        });
    }
    let Some(weights) = weights else {
        return Ok(());
    };
    if weights.len() != classes {
        return Err(Error::shape(
            OP,
            format_args!("{classes} weights of classes"),
            weights.len(),
        ));
    }
    match weights
        .iter()
        .find(|weight| !(0.0..f32::INFINITY).contains(*weight))
    {
        Some(weight) => Err(Error::Setting {
            op: OP,
            reason: format!("a class cannot weigh {weight}"),
        }),
        None => Ok(()),
    }
}

/// Loss and gradient `[B x classes]` of a softmax.
fn one_of_many(logits: &Mat, labels: &[u32], weights: Option<&[f32]>) -> Result<(f64, Mat)> {
    let weight = |label: u32| weights.map_or(1.0, |weights| f64::from(weights[label as usize]));
    let total: f64 = labels.iter().map(|label| weight(*label)).sum();
    if total == 0.0 {
        return Err(Error::Setting {
            op: OP,
            reason: "the classes of all labels weigh nothing".into(),
        });
    }
    let mut gradient = Mat::stale(logits.rows(), logits.cols());
    let mut loss = 0.0;
    for (row, label) in labels.iter().enumerate() {
        let factor = weight(*label) / total;
        let logits = logits.row(row);
        let largest = logits.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let shifted = |logit: f32| f64::from(logit) - f64::from(largest);
        let sum: f64 = logits.iter().map(|logit| shifted(*logit).exp()).sum();
        loss += factor * (sum.ln() - shifted(logits[*label as usize]));
        for (class, gradient) in gradient.row_mut(row).iter_mut().enumerate() {
            let hit = f64::from(u8::from(class == *label as usize));
            *gradient = (factor * (shifted(logits[class]).exp() / sum - hit)) as f32;
        }
    }
    Ok((loss, gradient))
}

/// Loss and gradient `[B x 1]` of a sigmoid.
fn yes_or_no(logits: &Mat, labels: &[u32], positive: f32) -> (f64, Mat) {
    let share = 1.0 / labels.len() as f64;
    let mut gradient = Mat::stale(labels.len(), 1);
    let mut loss = 0.0;
    for (row, label) in labels.iter().enumerate() {
        // With the sign turned for label 0, both cases are -ln sigmoid(x).
        let (sign, factor) = match label {
            1 => (1.0, share * f64::from(positive)),
            _ => (-1.0, share),
        };
        let x = sign * f64::from(logits.row(row)[0]);
        loss += factor * ((-x.abs()).exp().ln_1p() - x.min(0.0));
        gradient.row_mut(row)[0] = (-sign * factor / (1.0 + x.exp())) as f32;
    }
    (loss, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn one(value: f64) -> Plain {
        Plain::from_fn(1, 1, |_, _| value)
    }

    fn softmax(labels: &[u32], weights: &[f64]) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let x = &inputs[0];
            let (mut loss, mut total) = (0.0, 0.0);
            for (row, label) in labels.iter().enumerate() {
                let sum: f64 = x.row(row).iter().map(|x| x.exp()).sum();
                let weight = weights[*label as usize];
                loss += weight * (sum.ln() - x.at(row, *label as usize));
                total += weight;
            }
            one(loss / total)
        }
    }

    fn sigmoid(labels: &[u32], positive: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let losses = labels.iter().enumerate().map(|(row, label)| {
                let share = 1.0 / (1.0 + (-inputs[0].at(row, 0)).exp());
                match label {
                    1 => -positive * share.ln(),
                    _ => -(1.0 - share).ln(),
                }
            });
            one(losses.sum::<f64>() / labels.len() as f64)
        }
    }

    #[test]
    fn a_softmax_over_classes_agrees_with_the_plain_formula() {
        for (labels, classes) in [(&[0][..], 2), (&[2, 0, 2, 1, 1], 3), (&[36; 7], 37)] {
            let x = [random("logits", labels.len(), classes, 3.0)];
            check(
                &x,
                |pass, vars, _| class_loss(pass, &vars[0], labels, None),
                softmax(labels, &vec![1.0; classes]),
            )
            .unwrap();
        }
        let (labels, weights) = ([2, 0, 2, 1, 1], [0.25f32, 4.0, 1.0]);
        check(
            &[random("logits", 5, 3, 3.0)],
            |pass, vars, _| class_loss(pass, &vars[0], &labels, Some(&weights)),
            softmax(&labels, &[0.25, 4.0, 1.0]),
        )
        .unwrap();
    }

    #[test]
    fn a_single_column_is_a_yes_or_no() {
        let labels = [1, 0, 0, 1, 1];
        for positive in [None, Some(2.5f32)] {
            let weights = positive.map(|positive| [positive]);
            check(
                &[random("logits", 5, 1, 3.0)],
                |pass, vars, _| {
                    class_loss(pass, &vars[0], &labels, weights.as_ref().map(|w| &w[..]))
                },
                sigmoid(&labels, f64::from(positive.unwrap_or(1.0))),
            )
            .unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_a_mean_over_rows_instead_of_weights() {
        let (labels, weights) = ([2, 0, 2, 1, 1], [0.25f32, 4.0, 1.0]);
        let wrong = check(
            &[random("logits", 5, 3, 3.0)],
            |pass, vars, _| class_loss(pass, &vars[0], &labels, Some(&weights)),
            |inputs| {
                let right = softmax(&labels, &[0.25, 4.0, 1.0])(inputs);
                one(right.data[0] * 10.25 / 5.0)
            },
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn huge_logits_lose_nothing() {
        let pass = Pass::inference();
        let loss = |logits: Vec<f32>, labels: &[u32]| {
            let logits = Mat::from_vec(labels.len(), logits.len() / labels.len(), logits);
            class_loss(&pass, &pass.constant(logits), labels, None)
                .unwrap()
                .scalar()
        };
        assert_eq!(loss(vec![1e4, -1e4], &[1]), 2e4);
        assert_eq!(loss(vec![-1e4], &[1]), 1e4);
        assert_eq!(loss(vec![1e4], &[1]), 0.0);
    }

    #[test]
    fn labels_and_weights_that_make_no_sense_are_refused() {
        let pass = Pass::inference();
        let tried = |(b, classes), labels: &[u32], weights: Option<&[f32]>| {
            let logits = pass.constant(Mat::zeros(b, classes));
            class_loss(&pass, &logits, labels, weights).err().unwrap()
        };
        assert_eq!(tried((0, 3), &[], None), Error::Empty { op: OP });
        assert!(matches!(tried((2, 3), &[0], None), Error::Shape { .. }));
        assert!(matches!(
            tried((1, 3), &[3], None),
            Error::Index {
                index: 3,
                bound: 3,
                ..
            }
        ));
        assert!(matches!(
            tried((1, 1), &[2], None),
            Error::Index { bound: 2, .. }
        ));
        assert!(matches!(
            tried((1, 3), &[0], Some(&[1.0])),
            Error::Shape { .. }
        ));
        assert!(matches!(
            tried((1, 2), &[0], Some(&[-1.0, 1.0])),
            Error::Setting { .. }
        ));
        assert!(matches!(
            tried((1, 2), &[0], Some(&[0.0, 1.0])),
            Error::Setting { .. }
        ));
        assert!(matches!(
            tried((1, 2), &[0], Some(&[1.0, f32::NAN])),
            Error::Setting { .. }
        ));
    }
}
