//! Products against plain sums in f64, over odd sizes, on every instruction set of this machine;
//! and the promise that a row's bits depend on that row alone.

mod numbers;

use numbers::{assert_close, numbers, oracle};
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::{Left, Write, multiply};
use skillbelt_engine::panel::{Backward, Forward};
use skillbelt_engine::product::{self, Epilogue};
use skillbelt_engine::weight::PackedF32;

const SIZES: [usize; 13] = [1, 2, 5, 13, 14, 15, 31, 32, 33, 47, 64, 65, 100];

#[test]
fn the_small_product_is_the_plain_sum_for_all_odd_sizes() {
    for isa in Isa::available() {
        for m in SIZES {
            for n in SIZES {
                for depth in [1, 2, 13, 33, 100] {
                    let (a, b) = (numbers(1, m * depth), numbers(2, depth * n));
                    let mut c = vec![7.0; m * n];
                    let left = Left::rows(&a, depth);
                    multiply(isa, (m, n, depth), left, (&b, n), (&mut c, n), Write::Set);
                    let expected = oracle((m, n, depth), left, (&b, n));
                    assert_close(&c, &expected, depth, &format!("{isa:?} {m} {n} {depth}"));
                }
            }
        }
    }
}

#[test]
fn strides_and_transposed_left_operands_reach_the_right_elements_and_spare_the_others() {
    for isa in Isa::available() {
        for (m, n, depth) in [
            (1, 1, 1),
            (5, 33, 7),
            (14, 31, 64),
            (29, 70, 33),
            (64, 8, 100),
        ] {
            let (b_row, c_row) = (n + 5, n + 3);
            let b = numbers(3, depth * b_row);
            let transposed = numbers(4, depth * (m + 2));
            let strided = numbers(5, m * depth * 3 + 7);
            let lefts = [
                Left::transposed(&transposed, m + 2),
                Left {
                    data: &strided,
                    row: depth * 3,
                    col: 3,
                },
            ];
            for left in lefts {
                let before = numbers(6, m * c_row);
                for into in [Write::Set, Write::Add] {
                    let mut c = before.clone();
                    multiply(isa, (m, n, depth), left, (&b, b_row), (&mut c, c_row), into);
                    let mut expected = oracle((m, n, depth), left, (&b, b_row));
                    for i in 0..m {
                        for j in 0..c_row {
                            let at = i * c_row + j;
                            if j >= n {
                                assert_eq!(c[at], before[at], "column {j} is not of the result");
                            } else if into == Write::Add {
                                expected[i * n + j] += f64::from(before[at]);
                            }
                        }
                    }
                    let found: Vec<f32> = c.chunks(c_row).flat_map(|c| c[..n].to_vec()).collect();
                    assert_close(&found, &expected, depth + 1, &format!("{isa:?} {m} {n}"));
                }
            }
        }
    }
}

#[test]
fn a_product_of_no_steps_is_zero_or_what_was_there() {
    for isa in Isa::available() {
        let left = Left {
            data: &[],
            row: 0,
            col: 1,
        };
        let mut c = [1.0, 2.0, 3.0];
        multiply(isa, (1, 3, 0), left, (&[], 3), (&mut c, 3), Write::Add);
        assert_eq!(c, [1.0, 2.0, 3.0]);
        multiply(isa, (1, 3, 0), left, (&[], 3), (&mut c, 3), Write::Set);
        assert_eq!(c, [0.0; 3]);
        let mut c = [1.0, 2.0, 3.0];
        product::dense(isa, (1, 3, 0), left, (&[], 3), (&mut c, 3), Write::Set);
        assert_eq!(c, [0.0; 3]);
    }
}

#[test]
fn the_oracle_refuses_a_product_with_one_operand_transposed() {
    let (a, b) = (numbers(1, 64), numbers(2, 64));
    let mut c = vec![0.0; 64];
    let isa = Isa::chosen();
    multiply(
        isa,
        (8, 8, 8),
        Left::transposed(&a, 8),
        (&b, 8),
        (&mut c, 8),
        Write::Set,
    );
    let expected = oracle((8, 8, 8), Left::rows(&a, 8), (&b, 8));
    let refused = std::panic::catch_unwind(|| assert_close(&c, &expected, 8, "control"));
    assert!(refused.is_err(), "the oracle accepts a wrong formula");
}

#[test]
fn frozen_products_are_the_plain_sum_in_both_directions() {
    for isa in Isa::available() {
        for (t, n, k) in [
            (1, 1, 1),
            (2, 33, 5),
            (13, 64, 47),
            (15, 31, 65),
            (47, 100, 33),
            (100, 65, 14),
            (3, 200, 700),
            (300, 70, 1100),
            (33, 1100, 40),
        ] {
            let (weight, x, dy) = (numbers(1, n * k), numbers(2, t * k), numbers(3, t * n));
            let packed = PackedF32::pack(n, k, &weight);
            let (bias, residual) = (numbers(4, n), numbers(5, t * n));
            let what = format!("{isa:?} T={t} N={n} K={k}");

            let mut y = numbers(6, t * n);
            let epilogue = Epilogue {
                bias: Some(&bias),
                residual: Some(&residual),
                into: Write::Set,
            };
            product::forward(isa, &Forward(&packed), &x, t, &mut y, epilogue);
            let turned: Vec<f32> = (0..k * n).map(|i| weight[i % n * k + i / n]).collect();
            let mut expected = oracle((t, n, k), Left::rows(&x, k), (&turned, n));
            for (i, expected) in expected.iter_mut().enumerate() {
                *expected += f64::from(bias[i % n]) + f64::from(residual[i]);
            }
            assert_close(&y, &expected, k + 2, &what);

            let before = numbers(7, t * k);
            let mut dx = before.clone();
            product::backward(isa, &Backward(&packed), &dy, t, &mut dx, Write::Add);
            let mut expected = oracle((t, k, n), Left::rows(&dy, n), (&weight, k));
            for (expected, before) in expected.iter_mut().zip(&before) {
                *expected += f64::from(*before);
            }
            assert_close(&dx, &expected, n + 1, &what);
        }
    }
}

#[test]
fn trained_products_give_the_same_bits_as_frozen_ones_and_the_gradient_is_the_plain_sum() {
    for isa in Isa::available() {
        for (t, n, k) in [
            (1, 8, 100),
            (37, 8, 70),
            (64, 100, 8),
            (70, 47, 600),
            (600, 40, 33),
        ] {
            let (weight, x, dy) = (numbers(1, n * k), numbers(2, t * k), numbers(3, t * n));
            let packed = PackedF32::pack(n, k, &weight);
            let (mut y, mut frozen) = (vec![0.0; t * n], vec![0.0; t * n]);
            product::trained_forward(isa, (t, n, k), &x, &weight, &mut y, Epilogue::SET);
            product::forward(isa, &Forward(&packed), &x, t, &mut frozen, Epilogue::SET);
            assert_eq!(y, frozen);
            let (mut dx, mut frozen) = (vec![0.5; t * k], vec![0.5; t * k]);
            product::trained_backward(isa, (t, n, k), &dy, &weight, &mut dx, Write::Add);
            product::backward(isa, &Backward(&packed), &dy, t, &mut frozen, Write::Add);
            assert_eq!(dx, frozen);
            let mut gradient = vec![0.0; n * k];
            product::weight_gradient(isa, (t, n, k), &dy, &x, &mut gradient, Write::Set);
            let expected = oracle((n, k, t), Left::transposed(&dy, n), (&x, k));
            assert_close(&gradient, &expected, t, &format!("{isa:?} {t} {n} {k}"));
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_batch() {
    for isa in Isa::available() {
        for (n, k) in [(100, 65), (33, 1500), (700, 40)] {
            let packed = PackedF32::pack(n, k, &numbers(1, n * k));
            let run = |x: &[f32], dy: &[f32], t: usize| {
                let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
                product::forward(isa, &Forward(&packed), x, t, &mut y, Epilogue::SET);
                product::backward(isa, &Backward(&packed), dy, t, &mut dx, Write::Set);
                (y, dx)
            };
            let (x, dy) = (numbers(2, 700 * k), numbers(3, 700 * n));
            for t in [2, 14, 37, 700] {
                let (y, dx) = run(&x[..t * k], &dy[..t * n], t);
                for row in [0, 1, t / 2, t - 1] {
                    let (xs, dys) = (&x[row * k..][..k], &dy[row * n..][..n]);
                    let (alone, alone_back) = run(xs, dys, 1);
                    assert_eq!(alone, y[row * n..][..n], "{isa:?} row {row} of {t}");
                    assert_eq!(alone_back, dx[row * k..][..k], "{isa:?} row {row} of {t}");
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (t, n, k) = (530, 200, 600);
    let (weight, x, dy) = (numbers(1, n * k), numbers(2, t * k), numbers(3, t * n));
    let packed = PackedF32::pack(n, k, &weight);
    for isa in Isa::available() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
                let mut gradient = vec![0.0; n * k];
                product::forward(isa, &Forward(&packed), &x, t, &mut y, Epilogue::SET);
                product::backward(isa, &Backward(&packed), &dy, t, &mut dx, Write::Set);
                product::weight_gradient(isa, (t, n, k), &dy, &x, &mut gradient, Write::Set);
                (y, dx, gradient)
            })
        };
        let one = run(1);
        assert!(one == run(2), "{isa:?}: two threads");
        assert!(one == run(3), "{isa:?}: three threads");
    }
}
