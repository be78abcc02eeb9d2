//! Proofs of the 8-bit weight: every element against exact integer arithmetic, on every instruction
//! set of this machine.

mod beyond;
mod edges;
mod oracle;

use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::kernel::quantise::Quantised;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::PackedInt8;

use oracle::*;

const SIZES: [usize; 14] = [1, 2, 3, 4, 5, 14, 15, 31, 32, 33, 63, 64, 65, 130];

#[test]
fn every_element_of_odd_sizes_is_exact_on_every_instruction_set() {
    for (i, n) in SIZES.into_iter().enumerate() {
        for (j, k) in SIZES.into_iter().enumerate() {
            let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
            for t in [SIZES[(i + j) % 14], SIZES[(i * 5 + j * 3 + 7) % 14]] {
                let (x, dy) = (numbers(t * k, 2), numbers(t * n, 3));
                for isa in Isa::available() {
                    check_forward(isa, &w, &x, t, (i + j) % 2 == 1);
                    check_backward(isa, &w, &dy, t, (i + j) % 2 == 1);
                }
            }
        }
    }
}

#[test]
fn sizes_that_many_tasks_share_are_exact() {
    let (n, k, t) = (1000, 300, 70);
    let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
    for isa in Isa::available() {
        check_forward(isa, &w, &numbers(t * k, 2), t, true);
        check_backward(isa, &w, &numbers(t * n, 3), t, true);
    }
}

#[test]
fn a_row_is_the_same_alone_and_in_a_batch() {
    let (n, k, t) = (65, 130, 37);
    let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
    let (x, dy) = (numbers(t * k, 2), numbers(t * n, 3));
    for isa in Isa::available() {
        let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
        w.forward(isa, &x, t, &mut y, Epilogue::SET);
        w.backward(isa, &dy, t, &mut dx, Write::Set);
        for row in 0..t {
            let (mut one_y, mut one_dx) = (vec![0.0; n], vec![0.0; k]);
            w.forward(isa, &x[row * k..][..k], 1, &mut one_y, Epilogue::SET);
            w.backward(isa, &dy[row * n..][..n], 1, &mut one_dx, Write::Set);
            assert_eq!(bits(&one_y), bits(&y[row * n..][..n]), "{isa:?} {row}");
            assert_eq!(bits(&one_dx), bits(&dx[row * k..][..k]), "{isa:?} {row}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (n, k, t) = (1000, 256, 90);
    let w = numbers(n * k, 1);
    let (x, dy) = (numbers(t * k, 2), numbers(t * n, 3));
    for isa in Isa::available() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let w = PackedInt8::pack(n, k, &w);
                let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
                w.forward(isa, &x, t, &mut y, Epilogue::SET);
                w.backward(isa, &dy, t, &mut dx, Write::Set);
                (bits(&y), bits(&dx))
            })
        };
        let one = run(1);
        for threads in [2, 3, 7] {
            assert!(run(threads) == one, "{isa:?} with {threads} threads");
        }
    }
}

#[test]
fn every_instruction_set_quantises_to_the_same_bytes() {
    let (t, k) = (40, 131);
    let mut x = numbers(t * k, 8);
    // Ties: with a largest number of 127, too often to be set aside, halves stay halves.
    for (i, x) in x[..k].iter_mut().enumerate() {
        *x = if i < 5 { 127.0 } else { i as f32 - 64.5 };
    }
    let plain = Quantised::from_rows(Isa::Portable, &x, t, k);
    assert_eq!(plain.integer(0, 65), 0, "0.5 goes to the even side");
    assert_eq!(plain.integer(0, 66), 2, "and so does 1.5");
    assert_eq!(plain.integer(0, 64), 0, "and -0.5");
    for isa in Isa::available() {
        let other = Quantised::from_rows(isa, &x, t, k);
        assert_eq!(bits(other.scales()), bits(plain.scales()), "{isa:?}");
        for (at, x) in x.iter().enumerate() {
            let (row, col) = (at / k, at % k);
            assert_eq!(other.integer(row, col), plain.integer(row, col), "{isa:?}");
            let error = other.integer(row, col) as f32 * other.scales()[row] - x;
            assert!(error.abs() <= other.scales()[row] * 0.500_1);
        }
    }
}

#[test]
fn results_are_as_near_to_f32_as_the_rounding_allows() {
    let (n, k, t) = (96, 700, 20);
    let (w, x, dy) = (numbers(n * k, 1), numbers(t * k, 2), numbers(t * n, 3));
    let packed = PackedInt8::pack(n, k, &w);
    let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
    packed.forward(Isa::chosen(), &x, t, &mut y, Epilogue::SET);
    packed.backward(Isa::chosen(), &dy, t, &mut dx, Write::Set);
    let largest = |row: &[f32]| row.iter().fold(0.0f64, |a, b| a.max(f64::from(b.abs())));
    // A product a * b with both rounded by half a step is off by (|a| s_b + |b| s_a) / 2 + s_a s_b / 4.
    let compare =
        |pairs: &mut dyn Iterator<Item = (f32, f32)>, (s_a, s_b): (f64, f64), result: f32| {
            let (mut sum, mut bound) = (0.0, 1e-4);
            for (a, b) in pairs {
                let (a, b) = (f64::from(a), f64::from(b));
                sum += a * b;
                bound += (a.abs() * s_b + b.abs() * s_a) / 2.0 + s_a * s_b / 4.0;
            }
            assert!(
                (f64::from(result) - sum).abs() <= bound * 1.001,
                "{result} {sum} {bound}"
            );
            (f64::from(result) - sum).powi(2) / sum.powi(2).max(1e-9)
        };
    for (at, y) in y.iter().enumerate() {
        let (x, w) = (&x[at / n * k..][..k], &w[at % n * k..][..k]);
        let steps = (largest(x) / 127.0, largest(w) / 127.0);
        compare(&mut x.iter().copied().zip(w.iter().copied()), steps, *y);
    }
    let mut off = 0.0;
    for (at, dx) in dx.iter().enumerate() {
        let folded: Vec<f32> = (0..n)
            .map(|n_| dy[at / k * n + n_] * packed.scales()[n_])
            .collect();
        let integers = (0..n).map(|n| w[n * k + at % k] / packed.scales()[n]);
        let steps = (largest(&folded) / 127.0, 1.0);
        off += compare(&mut folded.iter().copied().zip(integers), steps, *dx).min(1.0);
    }
    assert!(off / (dx.len() as f64) < 0.1, "mean squared error {off}");
}

#[test]
fn a_row_of_weights_is_what_the_products_see() {
    let (n, k) = (45, 70);
    let w = numbers(n * k, 1);
    let packed = PackedInt8::pack(n, k, &w);
    let all = packed.dequantised();
    let mut row = vec![0.0; k];
    for i in 0..n {
        packed.row(i, &mut row);
        assert_eq!(row, all[i * k..][..k]);
        for (a, b) in row.iter().zip(&w[i * k..]) {
            assert!((a - b).abs() <= packed.scales()[i] * 0.500_1);
        }
    }
}

#[test]
fn forgetting_the_shift_of_activations_would_be_noticed() {
    let (n, k, t) = (5, 40, 3);
    let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
    let x = Quantised::from_rows(Isa::Portable, &numbers(t * k, 2), t, k);
    let right = forward_by_definition(&w, &x, &[], None, None, false);
    let mut y = vec![0.0; t * n];
    w.forward_quantised(Isa::chosen(), &x, &mut y, Epilogue::SET);
    assert_eq!(bits(&y), bits(&right));
    for (at, y) in y.iter().enumerate() {
        let (t, n) = (at / n, at % n);
        let sum: i32 = (0..k)
            .map(|k| (x.integer(t, k) + 128) * w.integer(n, k))
            .sum();
        let wrong = sum as f32 * x.scales()[t] * w.scales()[n];
        assert_ne!(wrong.to_bits(), y.to_bits());
    }
}
