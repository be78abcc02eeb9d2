//! Packed weights: what they keep, and that a product with codes is, bit for bit, the product with
//! the numbers that the codes stand for.

mod numbers;

use numbers::numbers;
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::{Precision, Weight};

const SHAPES: [(usize, usize); 8] = [
    (1, 1),
    (5, 63),
    (31, 64),
    (32, 65),
    (33, 200),
    (100, 128),
    (65, 1000),
    (300, 33),
];

/// Both products of a weight, with everything that an epilogue can add.
fn products(isa: Isa, weight: &Weight, t: usize) -> (Vec<f32>, Vec<f32>) {
    let (n, k) = (weight.outputs(), weight.inputs());
    let (x, dy) = (numbers(11, t * k), numbers(12, t * n));
    let (bias, residual) = (numbers(13, n), numbers(14, t * n));
    let (mut y, mut dx) = (numbers(15, t * n), numbers(16, t * k));
    let epilogue = Epilogue {
        bias: Some(&bias),
        residual: Some(&residual),
        into: Write::Add,
    };
    weight.forward(isa, &x, t, &mut y, epilogue);
    weight.backward(isa, &dy, t, &mut dx, Write::Add);
    (y, dx)
}

#[test]
fn a_product_with_codes_has_the_bits_of_the_product_with_their_numbers() {
    for precision in [Precision::Bf16, Precision::Nf4] {
        for (n, k) in SHAPES {
            let coded = Weight::pack(precision, n, k, &numbers(1, n * k));
            let plain = Weight::pack(Precision::F32, n, k, &coded.dequantised());
            for isa in Isa::available() {
                for t in [1, 8, 40] {
                    let same = products(isa, &coded, t) == products(isa, &plain, t);
                    assert!(same, "{precision} {isa:?} T={t} N={n} K={k}");
                }
            }
        }
    }
}

#[test]
fn a_table_has_the_numbers_and_the_products_of_a_weight_in_panels() {
    for (precision, kept) in [
        (Precision::F32, Precision::F32),
        (Precision::Bf16, Precision::Bf16),
        (Precision::Int8, Precision::Bf16),
        (Precision::Nf4, Precision::Bf16),
    ] {
        for (n, k) in SHAPES {
            let table = Weight::table(precision, n, k, &numbers(1, n * k));
            let panels = Weight::pack(kept, n, k, &numbers(1, n * k));
            assert_eq!(table.dequantised(), panels.dequantised());
            for isa in Isa::available() {
                for t in [1, 8, 40] {
                    let same = products(isa, &table, t) == products(isa, &panels, t);
                    assert!(same, "{precision} {isa:?} T={t} N={n} K={k}");
                }
            }
        }
    }
}

#[test]
fn the_comparison_of_products_notices_a_single_changed_code() {
    let mut other = numbers(1, 33 * 200);
    let weight = Weight::pack(Precision::Nf4, 33, 200, &other);
    other[20 * 200 + 130] += 0.3;
    let other = Weight::pack(Precision::Nf4, 33, 200, &other);
    assert!(products(Isa::chosen(), &weight, 2) != products(Isa::chosen(), &other, 2));
}

#[test]
fn f32_weights_come_back_untouched_and_rows_are_rows_in_every_precision() {
    for (n, k) in SHAPES {
        let weight = numbers(2, n * k);
        let packed = Weight::pack(Precision::F32, n, k, &weight);
        assert_eq!(packed.dequantised(), weight);
        for precision in Precision::ALL {
            let ways = [
                Weight::pack(precision, n, k, &weight),
                Weight::table(precision, n, k, &weight),
            ];
            for packed in ways {
                let all = packed.dequantised();
                let mut row = vec![0.0; k];
                for n in [0, n / 2, n - 1] {
                    packed.row(n, &mut row);
                    assert_eq!(row, all[n * k..][..k], "{precision} row {n}");
                }
            }
        }
    }
}

#[test]
fn bf16_errs_by_at_most_half_a_unit_of_its_last_place() {
    let weight = numbers(3, 50 * 70);
    let kept = Weight::pack(Precision::Bf16, 50, 70, &weight).dequantised();
    for (kept, weight) in kept.iter().zip(&weight) {
        assert!(
            (kept - weight).abs() <= weight.abs() / 256.0,
            "{weight} became {kept}"
        );
    }
}

/// The widest gap between levels is 0.304 (from -1 to -0.696), so a code errs by at most 0.152 of
/// its block's scale, and the scale by half a unit of 1/127 of the largest offset in its group.
#[test]
fn nf4_errs_by_at_most_half_a_gap_between_levels() {
    for (n, k) in SHAPES {
        let weight = numbers(4, n * k);
        let kept = Weight::pack(Precision::Nf4, n, k, &weight).dequantised();
        for (kept, weight) in kept.chunks(k).zip(weight.chunks(k)) {
            for (kept, weight) in kept.chunks(64).zip(weight.chunks(64)) {
                let scale = weight.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                for (kept, weight) in kept.iter().zip(weight) {
                    let error = (kept - weight).abs();
                    assert!(error <= 0.152 * scale + 0.004, "{weight} became {kept}");
                }
            }
        }
    }
}

#[test]
fn nf4_keeps_its_own_levels_exactly_where_all_blocks_have_one_scale() {
    use skillbelt_engine::kernel::decode::NF4_LEVELS;
    // Every block holds the level 1, so every scale is 0.5 and offsets from the mean are zero.
    let weight: Vec<f32> = (0..48 * 128)
        .map(|i| NF4_LEVELS[i * 7 % 16] * 0.5)
        .collect();
    let kept = Weight::pack(Precision::Nf4, 48, 128, &weight).dequantised();
    assert_eq!(kept, weight);
}

#[test]
fn zeros_stay_zeros() {
    for precision in Precision::ALL {
        let kept = Weight::pack(precision, 40, 70, &vec![0.0; 40 * 70]).dequantised();
        assert!(kept.iter().all(|x| *x == 0.0), "{precision}");
    }
}

#[test]
fn bytes_are_what_the_precision_promises() {
    let bytes = |precision| Weight::pack(precision, 256, 512, &vec![0.1; 256 * 512]).bytes();
    let count = 256 * 512;
    assert_eq!(bytes(Precision::F32), 4 * count);
    assert_eq!(bytes(Precision::Bf16), 2 * count);
    // Half a byte each, a byte for each 64, four for each 64 x 256, four for the mean.
    let nf4 = count / 2 + count / 64 + count / 64 / 256 * 4 + 4;
    assert_eq!(bytes(Precision::Nf4), nf4);
}

#[test]
fn precisions_are_read_by_the_names_they_are_written_with() {
    for precision in Precision::ALL {
        assert_eq!(precision.name().parse(), Ok(precision));
    }
    assert!("fp32".parse::<Precision>().unwrap_err().contains("fp32"));
}
