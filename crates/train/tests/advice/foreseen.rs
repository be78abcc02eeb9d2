//! From looks to a matrix, groups and certainty.

use skillbelt_engine::random::Stream;
use skillbelt_train::advise::line::Look;
use skillbelt_train::advise::{Prediction, predict};
use skillbelt_train::evaluate::Draws;

/// Looks in which two tasks help each other and a third hurts and is hurt, all by `size`, with noise.
fn looks(count: u64, size: f64, noise: f64, seed: u64) -> Vec<Look> {
    let look = |step: u64| {
        let stream = Stream::new(seed, step, "looks");
        let drawn = |index: usize| noise * f64::from(stream.normal(index as u64));
        let sign = |a: usize, b: usize| match (a == b, a.max(b) == 2) {
            (true, _) => 1.0,
            (false, false) => size,
            (false, true) => -size,
        };
        let all = |from: usize, by: f64| -> Vec<Vec<Option<f64>>> {
            let cell = |a: usize, b: usize| sign(a, b) + drawn(from + 3 * a + b);
            (0..3)
                .map(|a| (0..3).map(|b| Some(by * cell(a, b))).collect())
                .collect()
        };
        Look {
            step,
            losses: vec![Some(1.0); 3],
            norms: vec![Some(1.0); 3],
            agreement: all(0, 1.0),
            affinity: all(9, 0.01),
            parts: Vec::new(),
            seconds: 0.0,
        }
    };
    (0..count).map(look).collect()
}

fn foreseen(runs: &[Vec<Look>]) -> Prediction {
    let names = ["a", "b", "c"].map(String::from);
    predict(
        &names,
        runs,
        &Draws {
            seed: 0,
            count: 500,
        },
    )
    .unwrap()
}

#[test]
fn plain_looks_give_the_matrix_the_groups_and_certainty() {
    let found = foreseen(&[looks(20, 0.5, 0.05, 1)]);
    for (task, partner) in found.matrix.places() {
        let expected = if task.max(partner) == 2 { -0.5 } else { 0.5 };
        let cell = found.matrix.at(task, partner).unwrap();
        // Two means of 20 numbers with noise 0.05 each.
        assert!((cell - expected).abs() < 0.05, "{task} {partner}: {cell}");
        let interval = found.intervals[task][partner].unwrap();
        assert!(
            interval.low <= cell && cell <= interval.high && interval.high - interval.low < 0.1
        );
    }
    assert_eq!(found.groups, [vec!["a", "b"], vec!["c"]]);
    assert_eq!((found.certainty, found.exhaustive), (Some(1.0), true));
    assert!((found.gain - 1.0 / 3.0).abs() < 0.05);
}

#[test]
fn noise_alone_makes_nobody_sure() {
    let mut sure = 0;
    for seed in 0..10 {
        let found = foreseen(&[looks(12, 0.0, 0.5, seed)]);
        sure += u32::from(found.certainty.unwrap() > 0.95);
    }
    assert!(sure <= 3, "{sure} of 10 are sure of nothing");
}

#[test]
fn the_spread_of_a_cell_is_a_standard_error() {
    let found = foreseen(&[looks(100, 0.3, 0.4, 5)]);
    // Half the sum of two means of 100 numbers with noise 0.4: 0.4 / 10 / sqrt 2 = 0.028.
    for (task, partner) in found.matrix.places() {
        let spread = found.spread[task][partner].unwrap();
        assert!((0.015..0.045).contains(&spread), "{spread}");
    }
}

#[test]
fn three_looks_are_too_few_to_be_sure() {
    let found = foreseen(&[looks(3, 0.5, 0.05, 1)]);
    assert_eq!(found.certainty, None);
    assert!(found.intervals.concat().iter().all(Option::is_none));
    assert!(found.spread.concat().iter().all(Option::is_none));
}

#[test]
fn several_runs_are_drawn_too_and_any_number_of_threads_says_the_same() {
    let runs = [
        looks(8, 0.4, 0.1, 1),
        looks(8, 0.1, 0.1, 2),
        looks(8, -0.2, 0.1, 3),
    ];
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| foreseen(&runs))
    };
    let found = on(1);
    assert_eq!(on(4), found);
    let alone = foreseen(&[runs.concat()]);
    assert!(
        found.spread[0][1] > alone.spread[0][1],
        "seeds that disagree are less sure"
    );
}

#[test]
fn a_task_that_does_not_help_itself_has_only_its_gradients() {
    let mut seen = looks(6, 0.5, 0.0, 1);
    seen.iter_mut()
        .for_each(|look| look.affinity[0][0] = Some(-0.01));
    let found = foreseen(&[seen]);
    assert_eq!(found.affinity.at(0, 1), None);
    assert_eq!(found.matrix.at(0, 1), found.agreement.at(0, 1));
}
