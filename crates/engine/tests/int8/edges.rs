//! Where sums, rows and numbers are extreme.

use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::PackedInt8;

use crate::oracle::*;

#[test]
fn sums_kept_from_slab_to_slab_stay_with_their_rows() {
    let (n, k, t) = (8200, 2, 1030);
    let w = PackedInt8::pack(n, k, &numbers(n * k, 1));
    let dy = numbers(t * n, 3);
    let mut expected = vec![0.0; t * k];
    expected = backward_by_definition(&w, &dy, &expected, false);
    for isa in Isa::available() {
        let mut dx = vec![0.0; t * k];
        w.backward(isa, &dy, t, &mut dx, Write::Set);
        assert_eq!(bits(&dx), bits(&expected), "{isa:?}");
    }
}

#[test]
fn sums_of_extremes_neither_saturate_nor_overflow() {
    for (w_sign, x_sign) in [(1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)] {
        let (n, k, t) = (33, 5000, 15);
        let w = PackedInt8::pack(n, k, &vec![w_sign; n * k]);
        for isa in Isa::available() {
            check_forward(isa, &w, &vec![x_sign; t * k], t, false);
        }
        // Deeper than 32 bits can sum: 151936 * 127 * 127 > 2^31.
        let (n, k, t) = (151_936, 3, 6);
        let w = PackedInt8::pack(n, k, &vec![w_sign; n * k]);
        for isa in Isa::available() {
            check_backward(isa, &w, &vec![x_sign; t * n], t, x_sign < 0.0);
        }
        let (n, k, t) = (2, 151_936, 6);
        let w = PackedInt8::pack(n, k, &vec![w_sign; n * k]);
        for isa in Isa::available() {
            let mut y = vec![0.0; t * n];
            w.forward(isa, &vec![x_sign; t * k], t, &mut y, Epilogue::SET);
            for y in y {
                let expected = 151_936.0 * w_sign * x_sign;
                assert!((y - expected).abs() < 1.0, "{isa:?}: {y} for {expected}");
            }
        }
    }
}

#[test]
fn no_rows_give_no_results() {
    let w = PackedInt8::pack(40, 70, &numbers(40 * 70, 1));
    for isa in Isa::available() {
        w.forward(isa, &[], 0, &mut [], Epilogue::SET);
        w.backward(isa, &[], 0, &mut [], Write::Set);
    }
}

#[test]
fn rows_of_zeros_denormals_and_nonsense_stay_among_themselves() {
    let (n, k) = (33, 40);
    let weights = numbers(n * k, 1);
    let w = PackedInt8::pack(n, k, &weights);
    let tiny = f32::from_bits(1);
    let special = [
        0.0,
        tiny,
        1e-37,
        2e-36,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
        1.0,
    ];
    let t = special.len();
    let mut x = vec![0.0; t * k];
    for (x, special) in x.chunks_mut(k).zip(special) {
        (x[3], x[7]) = (special, -special);
    }
    for isa in Isa::available() {
        let mut y = vec![1.0; t * n];
        w.forward(isa, &x, t, &mut y, Epilogue::SET);
        for (y, special) in y.chunks(n).zip(special) {
            for (n, y) in y.iter().enumerate() {
                let expected = special * (weights[n * k + 3] - weights[n * k + 7]);
                if !special.is_finite() {
                    assert!(y.is_nan(), "{isa:?} {special}");
                } else if special < 1e-36 {
                    assert_eq!(*y, 0.0, "{isa:?} {special}");
                } else if expected.is_finite() {
                    let bound = special * 1.01 * w.scales()[n];
                    assert!(
                        (y - expected).abs() <= bound,
                        "{isa:?} {special}: {y} {expected}"
                    );
                }
            }
        }
    }
    let w = PackedInt8::pack(2, 2, &[f32::NAN, 1.0, 1.0, 0.5]);
    let mut y = [0.0; 2];
    w.forward(Isa::chosen(), &[1.0, 1.0], 1, &mut y, Epilogue::SET);
    assert!(y[0].is_nan() && (y[1] - 1.5).abs() < 0.02, "{y:?}");
}
