//! Predictions against measured matrices; golden numbers from scipy 1.17.1 (`spearmanr`, `rankdata`,
//! `permutation_test` with pairings).

use proptest::prelude::*;
use skillbelt_train::advise::rank::{ranks, spearman, spearman_p};
use skillbelt_train::advise::{Pairwise, check, gain, partitions, regret};
use skillbelt_train::evaluate::Draws;

const A: [f64; 6] = [0.31, -0.2, 0.05, 0.44, 0.05, -0.61];
const B: [f64; 6] = [0.02, -0.01, 0.013, 0.01, -0.004, -0.03];

#[test]
fn spearman_agrees_with_golden_numbers_with_ties() {
    let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
    assert!(near(spearman(&A, &B), 0.782_690_898_130_805_4));
    let c = [1., 2., 2., 3., 3., 3., 4., 7., 8., 8., 9., 10.];
    let d = [2., 1., 4., 4., 3., 8., 6., 6., 7., 9., 12., 11.];
    assert!(near(spearman(&c, &d), 0.877_681_648_123_461_7));
    assert_eq!(
        ranks(&c),
        [1., 2.5, 2.5, 5., 5., 5., 7., 8., 9.5, 9.5, 11., 12.]
    );
    let e = [3., 1., 2., 5., 4., 7., 6., 9., 8., 10.];
    let f = [1., 5., 2., 4., 3., 9., 6., 2., 8., 7.];
    assert!(near(spearman(&e, &f), 0.474_166_324_070_450_34));
    // The control: Pearson's correlation of the numbers themselves is another number.
    assert!(!near(spearman(&e, &f), 0.486_958_929_729_742_8));
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    assert_eq!(spearman(&[1.0], &[1.0]), None);
}

#[test]
fn p_is_exact_for_few_numbers_and_near_for_many() {
    let p = spearman_p(&A, &B, &Draws::default()).unwrap();
    assert!((p - 0.072_222_222_222_222_22).abs() < 1e-12, "{p}");
    let e = [3., 1., 2., 5., 4., 7., 6., 9., 8., 10.];
    let f = [1., 5., 2., 4., 3., 9., 6., 2., 8., 7.];
    let draws = Draws {
        seed: 1,
        count: 20_000,
    };
    let p = spearman_p(&e, &f, &draws).unwrap();
    // Four standard errors of 20,000 draws at 0.1675.
    assert!((p - 0.167_54).abs() < 0.0106, "{p}");
    assert_eq!(spearman_p(&e, &f, &draws), Some(p), "the same draws");
}

fn matrix(count: usize, cell: impl Fn(usize, usize) -> f64) -> Pairwise {
    let row = |a| (0..count).map(|b| Some(cell(a, b))).collect();
    let names = (0..count).map(|task| format!("t{task}")).collect();
    Pairwise::new(names, (0..count).map(row).collect()).unwrap()
}

#[test]
fn a_perfect_prediction_has_rank_one_and_no_regret_and_its_opposite_pays() {
    let truth = |a: usize, b: usize| {
        let sign = if a.max(b) == 3 { -1.0 } else { 1.0 };
        sign * (0.01 + 0.001 * (4 * a + b) as f64)
    };
    let measured = matrix(4, truth);
    let perfect = check(
        &matrix(4, |a, b| 10.0 * truth(a, b)),
        &measured,
        &Draws::default(),
    )
    .unwrap();
    assert_eq!(perfect.pairs, 12);
    assert!((perfect.correlation.unwrap() - 1.0).abs() < 1e-12);
    assert!(perfect.p.unwrap() < 0.002);
    assert!(
        (perfect.p_of_tasks.unwrap() - 1.0 / 24.0).abs() < 1e-12,
        "24 orders of four tasks"
    );
    assert!(perfect.interval.unwrap().low > 0.99);
    assert_eq!(
        perfect.regret.proposed,
        [vec!["t0", "t1", "t2"], vec!["t3"]]
    );
    assert_eq!(
        (perfect.regret.regret, perfect.regret.better),
        (0.0, Some(0.0))
    );
    let wrong = check(
        &matrix(4, |a, b| -truth(a, b)),
        &measured,
        &Draws::default(),
    )
    .unwrap();
    assert!((wrong.correlation.unwrap() + 1.0).abs() < 1e-12);
    assert!(
        wrong.regret.regret > 0.005 && wrong.regret.better.unwrap() > 0.3,
        "{wrong:?}"
    );
    assert!(wrong.regret.together_gain < wrong.regret.best_gain);
}

#[test]
fn missing_cells_are_left_out_and_what_cannot_be_compared_is_refused() {
    let mut holes = matrix(3, |a, b| (a * 3 + b) as f64);
    holes.cells[0][1] = None;
    let whole = matrix(3, |a, b| (a + b) as f64);
    assert_eq!(check(&holes, &whole, &Draws::default()).unwrap().pairs, 5);
    let other = matrix(4, |_, _| 0.0);
    let told = check(&holes, &other, &Draws::default())
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("other tasks: t0, t1, t2, and t0, t1, t2, t3"),
        "{told}"
    );
    let mut empty = whole.clone();
    empty.cells = vec![vec![None; 3]; 3];
    let told = check(&empty, &whole, &Draws::default())
        .unwrap_err()
        .to_string();
    assert!(told.contains("0 cells in common"), "{told}");
    assert!(regret(&whole, &[vec![0, 1]]).is_err(), "a task is missing");
    assert!(
        regret(&whole, &[vec![0, 1], vec![1, 2]]).is_err(),
        "a task stands twice"
    );
    let cells = vec![vec![None, Some(f64::NAN)], vec![None, None]];
    assert!(Pairwise::new(vec!["a".into(), "b".into()], cells).is_err());
    assert!(Pairwise::new(vec!["a".into()], vec![]).is_err());
}

proptest! {
    #[test]
    fn regret_is_the_distance_to_the_best_of_all_groupings(
        cells in proptest::collection::vec(-1.0f64..1.0, 16),
        at in 0usize..15,
    ) {
        let measured = matrix(4, |a, b| cells[4 * a + b]);
        let all = partitions(4);
        let most = all.iter().map(|one| gain(&measured, one)).fold(f64::MIN, f64::max);
        let found = regret(&measured, &all[at]).unwrap();
        prop_assert!((found.regret - (most - gain(&measured, &all[at]))).abs() < 1e-9);
        prop_assert!(found.regret >= 0.0);
    }
}
