//! DoRA against the plain formula, whose lengths are constants, and against its own parts.

use std::sync::Arc;

use super::{SCALE, SHAPES, Shape, dot, drawn, map_of, plain};
use crate::mat::Mat;
use crate::ops::{Linear, LowRank, Magnitude, Map, add, dropout, linear, lm_loss, scale};
use crate::param::{Grads, Param};
use crate::proof::{Plain, check, compare, random};
use crate::tape::{Pass, Var, backward_from};
use crate::weight::{Precision, Weight};

/// x, b, A, B, m, residual, and W in front of all where it is trained.
fn inputs((t, n, k, r): Shape) -> Vec<Mat> {
    vec![
        random("x", t, k, 1.0),
        drawn("b", (1, n)),
        drawn("A", (r, k)),
        drawn("B", (n, r)),
        random("m", 1, n, 1.5),
        random("res", t, n, 1.0),
    ]
}

/// `|W_n + s B_n A|` as they are at the inputs' own values.
fn lengths(w: &Plain, down: &Plain, up: &Plain) -> Vec<f64> {
    let row = |n: usize| -> f64 {
        let at = |k: usize| {
            let low: f64 = (0..down.rows).map(|r| up.at(n, r) * down.at(r, k)).sum();
            w.at(n, k) + f64::from(SCALE) * low
        };
        (0..w.cols).map(|k| at(k).powi(2)).sum::<f64>().sqrt()
    };
    (0..w.rows).map(row).collect()
}

/// `m / length (x W^T + s x A^T B^T) + b + residual`.
fn formula(w: &Plain, inputs: &[Plain], lengths: &[f64]) -> Plain {
    let [x, bias, down, up, m, residual] = inputs else {
        unreachable!()
    };
    Plain::from_fn(x.rows, w.rows, |t, n| {
        let low: f64 = (0..down.rows)
            .map(|r| up.at(n, r) * dot(x.row(t), down.row(r)))
            .sum();
        let inner = dot(x.row(t), w.row(n)) + f64::from(SCALE) * low;
        m.at(0, n) / lengths[n] * inner + bias.at(0, n) + residual.at(t, n)
    })
}

/// A map with the path that the parameters of `inputs` make.
fn gauged(map: Map, params: &[Param], share: f32) -> Linear {
    let magnitude = Magnitude::new(params[4].clone(), &map);
    let path = LowRank {
        magnitude: Some(magnitude),
        ..LowRank::plain(params[2].clone(), params[3].clone(), SCALE, share)
    };
    let mut linear = map_of(map, Some(params[1].clone()), None);
    linear.attach(path).unwrap();
    linear
}

fn frozen(precision: Precision, w: &Mat) -> Map {
    let weight = Weight::pack(precision, w.rows(), w.cols(), w.data());
    Map::Frozen(Arc::new(weight))
}

fn held(map: &Map) -> Mat {
    match map {
        Map::Frozen(weight) => {
            Mat::from_vec(weight.outputs(), weight.inputs(), weight.dequantised())
        }
        Map::Trained(param) => (*param.value()).clone(),
    }
}

#[test]
fn a_gauged_frozen_map_agrees_with_the_plain_formula_on_the_weight_as_it_is_held() {
    for shape in SHAPES {
        for precision in [Precision::F32, Precision::Bf16, Precision::Nf4] {
            let map = frozen(precision, &drawn("w", (shape.1, shape.2)));
            let (w, inputs) = (plain(&held(&map)), inputs(shape));
            let lengths = lengths(&w, &plain(&inputs[2]), &plain(&inputs[3]));
            check(
                &inputs,
                |pass, vars, params| {
                    let map = gauged(map.clone(), params, 0.0);
                    linear(pass, &vars[0], &map, Some(&vars[5]))
                },
                |inputs| formula(&w, inputs, &lengths),
            )
            .unwrap_or_else(|off| panic!("{shape:?} {precision}: {off}"));
        }
    }
}

#[test]
fn a_gauged_trained_map_agrees_with_the_plain_formula() {
    for shape in SHAPES {
        let w = drawn("w", (shape.1, shape.2));
        let mut inputs = inputs(shape);
        let lengths = lengths(&plain(&w), &plain(&inputs[2]), &plain(&inputs[3]));
        inputs.push(w);
        check(
            &inputs,
            |pass, vars, params| {
                let map = gauged(Map::Trained(params[6].clone()), params, 0.0);
                linear(pass, &vars[0], &map, Some(&vars[5]))
            },
            |inputs| formula(&inputs[6], &inputs[..6], &lengths),
        )
        .unwrap_or_else(|off| panic!("{shape:?}: {off}"));
    }
}

#[test]
fn the_oracle_notices_lengths_of_the_base_alone_and_lengths_that_are_no_constants() {
    let shape = SHAPES[2];
    let map = frozen(Precision::F32, &drawn("w", (shape.1, shape.2)));
    let (w, inputs) = (plain(&held(&map)), inputs(shape));
    let operation = |pass: &Pass, vars: &[Var], params: &[Param]| {
        linear(
            pass,
            &vars[0],
            &gauged(map.clone(), params, 0.0),
            Some(&vars[5]),
        )
    };
    let of_base = lengths(&w, &Plain::zeros(3, 64), &Plain::zeros(8, 3));
    let wrong = check(&inputs, operation, |inputs| formula(&w, inputs, &of_base));
    assert!(wrong.unwrap_err().contains("result"));
    let moving = check(&inputs, operation, |inputs| {
        formula(&w, inputs, &lengths(&w, &inputs[2], &inputs[3]))
    });
    assert!(moving.unwrap_err().contains("gradient"));
}

#[test]
fn lengths_are_those_of_the_dequantised_rows_in_every_precision() {
    // More rows than are decoded at a time, and a depth that fills no block.
    let (n, k, r) = (300, 70, 3);
    for precision in Precision::ALL {
        let map = frozen(precision, &drawn("w", (n, k)));
        let (down, up) = (Arc::new(drawn("A", (r, k))), Arc::new(drawn("B", (n, r))));
        let m = Magnitude::of_rows(&map);
        let own = lengths(
            &plain(&held(&map)),
            &Plain::zeros(r, k),
            &Plain::zeros(n, r),
        );
        let own = Plain::from_fn(1, n, |_, n| own[n]);
        compare("own lengths", &m, &own, 1e-6).unwrap();
        let magnitude = Magnitude::new(Param::trained("m", m), &map);
        let found = magnitude.lengths(&map, (&down, &up), SCALE);
        let expected = lengths(&plain(&held(&map)), &plain(&down), &plain(&up));
        let found = Mat::row_vector(found.iter().map(|x| *x as f32).collect());
        let expected = Plain::from_fn(1, n, |_, n| expected[n]);
        compare(precision.name(), &found, &expected, 1e-6).unwrap();
    }
}

#[test]
fn lengths_follow_every_change_of_a_and_b() {
    let shape = SHAPES[2];
    let params: Vec<Param> = inputs(shape)
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let map = gauged(frozen(Precision::F32, &drawn("w", (8, 64))), &params, 0.0);
    let run = || {
        let pass = Pass::inference();
        linear(&pass, &pass.leaf(&params[0]), &map, None)
            .unwrap()
            .into_mat()
    };
    let before = run();
    params[3].update(|up| up.scale(2.0));
    let after = run();
    assert_ne!(before, after);
    let fresh = gauged(map.map.clone(), &params, 0.0);
    let pass = Pass::inference();
    let expected = linear(&pass, &pass.leaf(&params[0]), &fresh, None).unwrap();
    assert_eq!(&after, expected.value());
}

/// With dropout the gauge sees the dropped input, and what it does not change the whole one.
#[test]
fn dropout_enters_as_in_the_reference_library() {
    let shape = SHAPES[4];
    let params: Vec<Param> = inputs(shape)
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let w = Param::trained("w", drawn("w", (shape.1, shape.2)));
    let map = Map::Trained(w.clone());
    let dy = random("dy", shape.0, shape.1, 1.0);
    let run = |composed: bool| {
        let pass = Pass::training(3, 4);
        let (x, residual) = (pass.leaf(&params[0]), pass.leaf(&params[5]));
        let y = if composed {
            let dropped = dropout(&pass, &x, 0.4, "map").unwrap();
            let base = map_of(map.clone(), Some(params[1].clone()), None);
            let bare = map_of(map.clone(), None, None);
            let mut gauged = gauged(map.clone(), &params, 0.0);
            gauged.bias = None;
            let whole = linear(&pass, &x, &base, Some(&residual)).unwrap();
            let less = scale(&pass, &linear(&pass, &dropped, &bare, None).unwrap(), -1.0).unwrap();
            let more = linear(&pass, &dropped, &gauged, None).unwrap();
            add(&pass, &add(&pass, &whole, &less).unwrap(), &more).unwrap()
        } else {
            linear(
                &pass,
                &x,
                &gauged(map.clone(), &params, 0.4),
                Some(&residual),
            )
            .unwrap()
        };
        let mut grads = Grads::new();
        backward_from(&y, dy.clone(), &mut grads).unwrap();
        (y.into_mat(), grads)
    };
    let ((y, grads), (expected, expected_grads)) = (run(false), run(true));
    compare("y", &y, &plain(&expected), 1e-5).unwrap();
    for param in params.iter().chain([&w]) {
        let expected = plain(expected_grads.get(param).unwrap());
        compare(param.name(), grads.get(param).unwrap(), &expected, 1e-5).unwrap();
    }
}

#[test]
fn a_gauged_head_gives_its_loss_every_gradient() {
    let shape = (7, 33, 5, 2);
    let targets: Vec<u32> = (0..7).map(|i| (i * 5 + 1) % 33).collect();
    let map = frozen(Precision::F32, &drawn("w", (33, 5)));
    let (w, inputs) = (plain(&held(&map)), inputs(shape));
    let lengths = lengths(&w, &plain(&inputs[2]), &plain(&inputs[3]));
    check(
        &inputs,
        |pass, vars, params| lm_loss(pass, &vars[0], &gauged(map.clone(), params, 0.0), &targets),
        |inputs| {
            let mut inputs = inputs.to_vec();
            inputs[5] = Plain::zeros(7, 33);
            let logits = formula(&w, &inputs, &lengths);
            let loss = |t: usize| {
                let sum: f64 = logits.row(t).iter().map(|logit| logit.exp()).sum();
                sum.ln() - logits.at(t, targets[t] as usize)
            };
            Plain::from_fn(1, 1, |_, _| (0..7).map(loss).sum::<f64>() / 7.0)
        },
    )
    .unwrap();
}

#[test]
fn a_row_without_length_stays_zero() {
    let map = frozen(Precision::F32, &Mat::zeros(3, 4));
    let params = [
        ("x", 2, 4),
        ("b", 1, 3),
        ("A", 2, 4),
        ("B", 3, 2),
        ("m", 1, 3),
    ]
    .map(|(name, rows, cols)| Param::trained(name, random(name, rows, cols, 1.0)));
    params[3].update(|up| up.scale(0.0));
    params[1].update(|bias| bias.scale(0.0));
    let pass = Pass::recording();
    let y = linear(
        &pass,
        &pass.leaf(&params[0]),
        &gauged(map, &params, 0.0),
        None,
    )
    .unwrap();
    assert!(y.value().data().iter().all(|y| *y == 0.0));
    let mut grads = Grads::new();
    backward_from(&y, random("dy", 2, 3, 1.0), &mut grads).unwrap();
    let finite = |param| {
        grads
            .get(param)
            .unwrap()
            .data()
            .iter()
            .all(|x: &f32| x.is_finite())
    };
    assert!(params.iter().all(finite));
}

#[test]
fn a_magnitude_of_another_length_is_refused() {
    let params: Vec<Param> = inputs(SHAPES[2])
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let map = frozen(Precision::F32, &drawn("w", (8, 64)));
    let magnitude = Magnitude::new(Param::trained("m", Mat::zeros(1, 7)), &map);
    let path = LowRank {
        magnitude: Some(magnitude),
        ..LowRank::plain(params[2].clone(), params[3].clone(), 1.0, 0.0)
    };
    assert!(map_of(map, None, None).attach(path).is_err());
}
