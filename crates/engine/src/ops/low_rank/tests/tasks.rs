//! Task-aware paths against the plain formula, and against the map that they merge into.

use std::sync::Arc;

use super::{SCALE, SHAPES, Shape, dot, drawn, map_of, plain};
use crate::mat::Mat;
use crate::ops::{Linear, LowRank, Map, Tasks, linear, lm_loss};
use crate::param::{Grads, Param};
use crate::proof::{Plain, check_in, compare, random};
use crate::tape::{Pass, backward_from};
use crate::weight::{Precision, Weight};

const TEMPERATURE: f32 = 0.6;
/// Tasks, and projections that they share.
const TASKS: usize = 3;
const UPS: usize = 2;
/// The task of the passes here.
const TASK: usize = 1;

/// x, b, A, B, then the turns and the weights of the tasks.
fn inputs((t, n, k, r): Shape) -> Vec<Mat> {
    let mut inputs = vec![
        random("x", t, k, 1.0),
        drawn("b", (1, n)),
        drawn("A", (r, k)),
        drawn("B", (n, UPS * r)),
    ];
    inputs.extend((0..TASKS).map(|task| drawn(&format!("turn {task}"), (r, r))));
    inputs.extend((0..TASKS).map(|task| drawn(&format!("weights {task}"), (1, UPS))));
    inputs
}

fn tasks(params: &[Param]) -> Tasks {
    Tasks {
        turns: params[4..4 + TASKS].to_vec(),
        weights: params[4 + TASKS..].to_vec(),
        temperature: TEMPERATURE,
    }
}

fn path(params: &[Param]) -> LowRank {
    LowRank {
        tasks: Some(tasks(params)),
        ..LowRank::plain(params[2].clone(), params[3].clone(), SCALE, 0.0)
    }
}

fn shared(map: Map, params: &[Param]) -> Linear {
    let mut linear = map_of(map, Some(params[1].clone()), None);
    linear.attach(path(params)).unwrap();
    linear
}

/// `sum_i softmax(w / temperature)_i B_i L A`, `[N x K]`, times the scale.
fn merged(inputs: &[Plain], task: usize) -> Plain {
    let (down, up) = (&inputs[2], &inputs[3]);
    let (turn, weights) = (&inputs[4 + task], &inputs[4 + TASKS + task]);
    let powers: Vec<f64> = weights
        .data
        .iter()
        .map(|w| (w / f64::from(TEMPERATURE)).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    let rank = down.rows;
    Plain::from_fn(up.rows, down.cols, |n, k| {
        let mut total = 0.0;
        for (i, power) in powers.iter().enumerate() {
            for r in 0..rank {
                let turned: f64 = (0..rank).map(|s| turn.at(r, s) * down.at(s, k)).sum();
                total += power / sum * up.at(n, i * rank + r) * turned;
            }
        }
        f64::from(SCALE) * total
    })
}

fn formula(w: &Plain, inputs: &[Plain], task: usize) -> Plain {
    let low = merged(inputs, task);
    Plain::from_fn(inputs[0].rows, w.rows, |t, n| {
        let x = inputs[0].row(t);
        dot(x, w.row(n)) + dot(x, low.row(n)) + inputs[1].at(0, n)
    })
}

#[test]
fn the_path_of_a_task_agrees_with_the_plain_formula_and_leaves_the_others_alone() {
    for shape in SHAPES {
        let w = drawn("w", (shape.1, shape.2));
        let weight = Weight::pack(Precision::F32, shape.1, shape.2, w.data());
        let map = Map::Frozen(Arc::new(weight));
        // The formula does not read the other tasks, so their gradients must be zero.
        check_in(
            Pass::recording().with_task(TASK),
            &inputs(shape),
            |pass, vars, params| linear(pass, &vars[0], &shared(map.clone(), params), None),
            |inputs| formula(&plain(&w), inputs, TASK),
        )
        .unwrap_or_else(|off| panic!("{shape:?}: {off}"));
    }
}

#[test]
fn the_oracle_notices_the_parts_of_another_task() {
    let shape = SHAPES[2];
    let w = drawn("w", (shape.1, shape.2));
    let map = Map::Trained(Param::trained("w", w.clone()));
    let wrong = check_in(
        Pass::recording().with_task(TASK),
        &inputs(shape),
        |pass, vars, params| linear(pass, &vars[0], &shared(map.clone(), params), None),
        |inputs| formula(&plain(&w), inputs, TASK + 1),
    );
    assert!(wrong.is_err());
}

#[test]
fn a_head_with_the_path_of_a_task_gives_its_loss_every_gradient() {
    let targets: Vec<u32> = (0..7).map(|i| (i * 5 + 1) % 33).collect();
    let w = drawn("w", (33, 5));
    let map = Map::Trained(Param::frozen("w", w.clone()));
    check_in(
        Pass::recording().with_task(TASK),
        &inputs((7, 33, 5, 2)),
        |pass, vars, params| lm_loss(pass, &vars[0], &shared(map.clone(), params), &targets),
        |inputs| {
            let logits = formula(&plain(&w), inputs, TASK);
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
fn a_task_is_the_map_that_its_path_merges_into() {
    let shape = SHAPES[4];
    let w = drawn("w", (shape.1, shape.2));
    let params: Vec<Param> = inputs(shape)
        .into_iter()
        .map(|mat| Param::frozen("p", mat))
        .collect();
    let map = shared(Map::Trained(Param::frozen("w", w.clone())), &params);
    let plains: Vec<Plain> = params.iter().map(|param| plain(&param.value())).collect();
    for task in 0..TASKS {
        let low = merged(&plains, task);
        let sum = w
            .data()
            .iter()
            .zip(&low.data)
            .map(|(w, low)| (f64::from(*w) + low) as f32);
        let sum = Mat::from_vec(w.rows(), w.cols(), sum.collect());
        let whole = map_of(
            Map::Trained(Param::frozen("merged", sum)),
            Some(params[1].clone()),
            None,
        );
        let pass = Pass::inference().with_task(task);
        let x = pass.leaf(&params[0]);
        let expected = linear(&pass, &x, &whole, None).unwrap();
        let found = linear(&pass, &x, &map, None).unwrap();
        compare("merged", found.value(), &plain(expected.value()), 2e-6).unwrap();
    }
}

#[test]
fn a_pass_for_no_task_or_an_unknown_one_is_refused() {
    let params: Vec<Param> = inputs(SHAPES[2])
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let map = shared(
        Map::Trained(Param::frozen("w", drawn("w", (8, 64)))),
        &params,
    );
    for pass in [Pass::inference(), Pass::inference().with_task(TASKS)] {
        let x = pass.leaf(&params[0]);
        let refused = linear(&pass, &x, &map, None).err().unwrap().to_string();
        assert!(
            refused.contains("map") && refused.contains('3'),
            "{refused}"
        );
        assert!(lm_loss(&pass, &x, &map, &[0; 5]).is_err());
    }
}

#[test]
fn a_recomputed_block_stays_with_its_task() {
    let params: Vec<Param> = inputs(SHAPES[2])
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let run = |recompute: bool| {
        let map = shared(
            Map::Trained(Param::frozen("w", drawn("w", (8, 64)))),
            &params,
        );
        let pass = Pass::recording().with_task(TASK).with_recompute(recompute);
        let x = pass.leaf(&params[0]);
        let y = pass.block(&[&x], move |pass, inputs| {
            linear(pass, &inputs[0], &map, None)
        });
        let mut grads = Grads::new();
        backward_from(&y.unwrap(), random("dy", 5, 8, 1.0), &mut grads).unwrap();
        params
            .iter()
            .map(|param| grads.take(param))
            .collect::<Vec<_>>()
    };
    let kept = run(false);
    assert_eq!(kept, run(true));
    let reached = kept.iter().filter(|grad| grad.is_some()).count();
    // x, b, A, B, and the two parts of one task.
    assert_eq!(reached, 6);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let shape = SHAPES[2];
    let params: Vec<Param> = inputs(shape)
        .into_iter()
        .map(|mat| Param::trained("p", mat))
        .collect();
    let attach = |tasks: Tasks| {
        let map = Map::Trained(Param::frozen("w", drawn("w", (8, 64))));
        let path = LowRank {
            tasks: Some(tasks),
            ..path(&params)
        };
        map_of(map, None, None).attach(path)
    };
    attach(tasks(&params)).unwrap();
    let mut fewer = tasks(&params);
    fewer.turns.pop();
    let mut none = tasks(&params);
    (none.turns, none.weights) = (Vec::new(), Vec::new());
    let mut square = tasks(&params);
    square.turns[2] = Param::trained("turn", Mat::zeros(3, 4));
    let mut cold = tasks(&params);
    cold.temperature = 0.0;
    for wrong in [fewer, none, square, cold] {
        assert!(attach(wrong).is_err());
    }
}
