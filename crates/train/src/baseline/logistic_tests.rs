//! The regression against scikit-learn 1.9.1 on six examples with counts of their own (lbfgs,
//! `tol=1e-12`), and its slope against differences of its loss.

use super::*;

const TEXTS: [[f32; 3]; 6] = [
    [1.0, 0.0, 0.5],
    [0.0, 1.0, 0.0],
    [0.25, 0.5, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.5, 0.25, 0.25],
];
const COUNTS: [f64; 6] = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0];

fn texts() -> Vec<Sparse> {
    let sparse = |text: &[f32; 3]| -> Sparse {
        let some = (0u32..).zip(text.iter().copied());
        some.filter(|(_, x)| *x != 0.0).collect()
    };
    TEXTS.iter().map(sparse).collect()
}

fn learnt(labels: &[u32], classes: usize, c: f64) -> Logistic {
    let texts = texts();
    let examples = Examples {
        texts: &texts,
        labels,
        counts: &COUNTS,
        classes,
        features: 3,
    };
    Logistic::learn(&examples, c)
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
    found.len() == expected.len() && found.iter().zip(expected).all(close)
}

#[test]
fn two_classes_are_learnt_as_by_the_reference() {
    let expected = [
        0.20750490004260772,
        -0.9474653601226248,
        1.348033015599962,
        -0.5620289940806844,
    ];
    let found = learnt(&[1, 0, 1, 0, 1, 0], 2, 2.0);
    assert!(near(&found.weights, &expected, 1e-4), "{found:?}");
    // The control: held back half as much, it is another one.
    assert!(!near(
        &learnt(&[1, 0, 1, 0, 1, 0], 2, 4.0).weights,
        &expected,
        1e-2
    ));
}

#[test]
fn three_classes_are_learnt_as_by_the_reference() {
    let expected = [
        0.630087817498544,
        -0.042785238402364825,
        -0.1260762348714552,
        -0.2394961816162404,
        -0.3976458000562626,
        0.19688799578621818,
        -0.4167434362048913,
        0.5801940914209924,
        -0.2324420174422814,
        -0.15410275738385326,
        0.5428196710763465,
        -0.34069790980475223,
    ];
    let found = learnt(&[0, 1, 2, 0, 2, 1], 3, 0.7);
    assert!(near(&found.weights, &expected, 1e-4), "{found:?}");
}

#[test]
fn the_slope_is_that_of_the_loss() {
    let texts = texts();
    for (labels, classes, rows) in [([1, 0, 1, 0, 1, 0], 2, 1), ([0, 1, 2, 0, 2, 1], 3, 3)] {
        let examples = Examples {
            texts: &texts,
            labels: &labels,
            counts: &COUNTS,
            classes,
            features: 3,
        };
        let weights: Vec<f64> = (0..4 * rows).map(|n| (n as f64 * 0.7).sin()).collect();
        let at = |weights: Vec<f64>| Logistic {
            weights,
            rows,
            features: 3,
        };
        let (_, slope) = at(weights.clone()).loss(&examples, 1.3);
        for place in 0..weights.len() {
            let moved = |by: f64| {
                let mut weights = weights.clone();
                weights[place] += by;
                at(weights).loss(&examples, 1.3).0
            };
            let rise = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (rise - slope[place]).abs() < 1e-7,
                "{place}: {rise} {}",
                slope[place]
            );
        }
    }
}
