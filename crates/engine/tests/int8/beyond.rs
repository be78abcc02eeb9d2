//! Proofs of the few numbers of a row that reach beyond a byte.

use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::quantise::{Kind, Quantised};
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::PackedInt8;

use crate::oracle::*;

/// How many numbers of a row may reach beyond a byte, and how many times as far.
const MOST: usize = 4;
const REACH: f32 = 128.0;

/// Integers and scale of a row by the definition: all sizes sorted, everything rounded.
fn by_definition(x: &[f32]) -> (Vec<i32>, f32) {
    let mut sizes: Vec<f32> = x.iter().map(|x| x.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let next = sizes.get(MOST).copied().unwrap_or(0.0);
    let byte = next.max(sizes[0] / REACH);
    let whole = |x: &f32| (x * (127.0 / byte)).round_ties_even() as i32;
    (x.iter().map(whole).collect(), byte / 127.0)
}

fn check(x: &[f32], case: &str) {
    let (integers, scale) = by_definition(x);
    let outside = integers.iter().filter(|integer| integer.abs() > 127);
    assert!(outside.count() <= MOST, "{case}");
    for isa in Isa::available() {
        let found = Quantised::from_rows(isa, x, 1, x.len());
        assert_eq!(found.kind(), Kind::Activations);
        assert_eq!(found.scales(), [scale], "{isa:?} {case}");
        for (k, integer) in integers.iter().enumerate() {
            assert_eq!(found.integer(0, k), *integer, "{isa:?} {case}: {k}");
            let byte = (*integer).clamp(-127, 127);
            assert_eq!(found.byte(0, k), byte, "{isa:?} {case}: {k}");
        }
    }
}

/// `numbers`, and some of them larger.
fn with(len: usize, seed: u64, larger: &[(usize, f32)]) -> Vec<f32> {
    let mut x: Vec<f32> = numbers(len, seed).iter().map(|x| x / 10.0).collect();
    for (at, number) in larger {
        x[*at] = *number;
    }
    x
}

#[test]
fn the_largest_numbers_of_a_row_keep_their_size_wherever_they_stand() {
    for len in [1, 2, 3, 4, 5, 6, 15, 16, 17, 63, 64, 65, 80, 100, 384, 777] {
        check(&with(len, len as u64, &[]), &format!("{len} numbers"));
        for at in [0, len / 3, len / 2, len - 1] {
            let case = format!("one large of {len}, at {at}");
            check(&with(len, 3, &[(at, -30.0)]), &case);
        }
    }
    for first in 0..60 {
        let five: Vec<_> = (0..5).map(|j| (first * (j + 1), 20.0 + j as f32)).collect();
        check(&with(400, 5, &five), "five of many sizes");
        let falling: Vec<_> = (0..7).map(|j| (first + 16 * j, 9.0 - j as f32)).collect();
        check(&with(400, 5, &falling), "falling, sixteen apart");
    }
}

#[test]
fn ties_and_equal_numbers_are_no_trouble() {
    for len in [3, 4, 5, 64, 100] {
        check(&vec![-0.7; len], "all equal");
        let signs: Vec<f32> = (0..len).map(|k| [1.5, -1.5][k % 2]).collect();
        check(&signs, "equal but for the sign");
    }
    for equal in 1..9 {
        let large: Vec<_> = (0..equal).map(|j| (j * 31 + 7, 8.0)).collect();
        check(&with(300, 2, &large), "some equal and large");
        let last: Vec<_> = [&large[..], &[(290, -9.0), (291, 10.0)]].concat();
        check(&with(300, 2, &last), "some equal, two larger behind them");
    }
}

#[test]
fn a_number_that_is_too_large_to_reach_sets_the_scale() {
    for size in [127.0, 128.0, 129.0, 1e3, 1e6, 1e30] {
        let mut x = vec![0.5; 90];
        (x[17], x[70]) = (0.5 * size, -0.4 * size);
        check(&x, "beyond reach");
    }
    let mut lone = vec![0.0; 90];
    lone[80] = 3.0;
    check(&lone, "one number that is not zero");
    let found = Quantised::from_rows(Isa::chosen(), &lone, 1, 90);
    assert_eq!(found.integer(0, 80), 127 * 128);
}

#[test]
fn gradients_have_nothing_beyond_their_bytes() {
    let x = with(100, 1, &[(5, 50.0), (60, -70.0)]);
    let found = gradients(&x, 1, 100);
    assert_eq!(found.kind(), Kind::Gradients);
    assert_eq!(found.scales(), [70.0 / 127.0]);
    assert!((0..100).all(|k| found.integer(0, k) == found.byte(0, k)));
    // What was there before is not seen any more, and the other way round.
    let mut one = Quantised::from_rows(Isa::chosen(), &x, 1, 100);
    one.refill(Isa::chosen(), &x, (1, 100), Some(&[1.0; 100]));
    assert_eq!(one.integer(0, 60), -127);
    one.refill(Isa::chosen(), &x, (1, 100), None);
    assert!(one.integer(0, 60) < -127);
    one.refill(Isa::chosen(), &[0.1; 100], (1, 100), None);
    assert_eq!(one.integer(0, 60), 127);
}

/// Activations of many rows with large numbers in the same columns, as encoders have them.
fn activations(t: usize, k: usize) -> Vec<f32> {
    let mut x = numbers(t * k, 2);
    for (t, row) in x.chunks_mut(k).enumerate() {
        for j in 0..MOST.min(k) {
            row[(t + j * 37) % k] *= 25.0;
        }
    }
    x
}

#[test]
fn products_see_the_whole_of_large_numbers() {
    for (t, n, k) in [(1, 5, 3), (40, 33, 70), (37, 130, 384), (70, 1000, 129)] {
        let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
        for isa in Isa::available() {
            check_forward(isa, &w, &activations(t, k), t, t % 2 == 0);
        }
    }
}

#[test]
fn extremes_far_apart_in_depth_are_exact() {
    // Deeper than 32 bits can sum at once: two spans, each with its own share.
    let (n, k, t) = (2, 140_000, 5);
    let w = PackedInt8::pack(n, k, &vec![-1.0; n * k]);
    let mut x = vec![1.0; t * k];
    for (t, x) in x.chunks_mut(k).enumerate() {
        for j in 0..t {
            x[[5, 131_071, 131_072, 139_999][j]] = 128.0;
        }
    }
    for isa in Isa::available() {
        let mut y = vec![0.0; t * n];
        w.forward(isa, &x, t, &mut y, Epilogue::SET);
        for (at, y) in y.iter().enumerate() {
            let expected = -140_000.0 - 127.0 * (at / n) as f32;
            assert!((y - expected).abs() < 0.1, "{isa:?}: {y} for {expected}");
        }
    }
}

#[test]
fn rows_with_large_numbers_come_several_times_nearer_to_f32() {
    let (n, k, t) = (64, 512, 30);
    let (x, weights) = (activations(t, k), numbers(n * k, 1));
    let w = PackedInt8::pack(n, k, &weights);
    let seen = w.dequantised();
    let mut y = vec![0.0; t * n];
    w.forward(Isa::chosen(), &x, t, &mut y, Epilogue::SET);
    // As gradients are: the largest number of a row sets its scale.
    let plain = gradients(&x, t, k);
    let without = forward_by_definition(&w, &plain, &[], None, None, false);
    let error = |y: &[f32]| -> f64 {
        let errors = y.iter().enumerate().map(|(at, y)| {
            let (x, w) = (&x[at / n * k..][..k], &seen[at % n * k..][..k]);
            let pairs = x.iter().zip(w);
            let exact: f64 = pairs.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            (f64::from(*y) - exact).powi(2)
        });
        errors.sum::<f64>().sqrt()
    };
    let (with, without) = (error(&y), error(&without));
    assert!(with * 4.0 < without, "{with} {without}");
}

#[test]
fn forgetting_what_is_beyond_would_be_noticed() {
    let (n, k, t) = (9, 100, 6);
    let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
    let x = Quantised::from_rows(Isa::Portable, &activations(t, k), t, k);
    let mut y = vec![0.0; t * n];
    w.forward_quantised(Isa::chosen(), &x, &mut y, Epilogue::SET);
    for (at, y) in y.iter().enumerate() {
        let (t, n) = (at / n, at % n);
        let sum: i32 = (0..k).map(|k| x.byte(t, k) * w.integer(n, k)).sum();
        let wrong = sum as f32 * x.scales()[t] * w.scales()[n];
        assert_ne!(wrong.to_bits(), y.to_bits());
    }
}
