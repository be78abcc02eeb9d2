//! Products that may round their operands to bf16: the sums of the rounded numbers, and no others.
//! It stands alone because the permission holds for a whole process.

mod numbers;

use numbers::numbers;
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::product::{self, Epilogue};
use skillbelt_engine::weight::{Precision, Weight};

type Shape = (usize, usize, usize);

const SHAPES: [Shape; 5] = [
    (1, 64, 64),
    (7, 96, 33),
    (16, 70, 40),
    (33, 64, 768),
    (100, 96, 1000),
];

fn rounded(numbers: &[f32]) -> Vec<f32> {
    let near = |x: &f32| f32::from_bits((x.to_bits() + 0x8000) & 0xffff_0000);
    numbers.iter().map(near).collect()
}

/// The five products of an operation's way forth and back.
fn products(isa: Isa, (t, n, k): Shape, x: &[f32], w: &[f32], dy: &[f32]) -> Vec<Vec<f32>> {
    let packed = Weight::pack(Precision::F32, n, k, w);
    let mut all = [t * n, t * k, t * n, t * k, n * k].map(|len| vec![0.0; len]);
    let [y, dx, own_y, own_dx, dw] = &mut all;
    packed.forward(isa, x, t, y, Epilogue::SET);
    packed.backward(isa, dy, t, dx, Write::Set);
    product::trained_forward(isa, (t, n, k), x, w, own_y, Epilogue::SET);
    product::trained_backward(isa, (t, n, k), dy, w, own_dx, Write::Set);
    product::weight_gradient(isa, (t, n, k), dy, x, dw, Write::Set);
    all.to_vec()
}

fn apart(one: &[Vec<f32>], other: &[Vec<f32>]) -> f32 {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn rough_products_are_those_of_rounded_numbers() {
    let isa = Isa::chosen();
    for shape in SHAPES {
        let (t, n, k) = shape;
        let (x, w, dy) = (numbers(1, t * k), numbers(2, n * k), numbers(3, t * n));
        product::rough(false);
        let exact = products(isa, shape, &x, &w, &dy);
        let near = products(isa, shape, &rounded(&x), &rounded(&w), &rounded(&dy));
        product::rough(true);
        let found = products(isa, shape, &x, &w, &dy);
        product::rough(false);
        let again = products(isa, shape, &x, &w, &dy);
        assert!(
            exact == again,
            "{shape:?}: the permission was not withdrawn"
        );
        let tiled = isa == Isa::Amx;
        // Products too small for tiles stay exact; each is one or the other.
        for ((found, near), exact) in found.iter().zip(&near).zip(&exact) {
            let one =
                |other: &Vec<f32>| apart(std::slice::from_ref(found), std::slice::from_ref(other));
            let bound = 2e-5 * (k.max(n).max(t) as f32).sqrt();
            assert!(
                one(near) <= bound || one(exact) == 0.0,
                "{shape:?}: {} {}",
                one(near),
                one(exact)
            );
        }
        // Controls: rounding can be seen where there are tiles, and only there.
        assert_eq!(
            apart(&found, &exact) > 0.0,
            tiled && k.min(n) >= 32,
            "{shape:?}"
        );
    }
    product::rough(true);
    let (x, mut w) = (numbers(1, 40 * 64), numbers(2, 64 * 64));
    for bits in [0x7fff_ffff, 0xffff_ffff, 0x7f80_0001, 0x7f80_0000] {
        w[5] = f32::from_bits(bits);
        let mut y = vec![0.0; 40 * 64];
        product::trained_forward(isa, (40, 64, 64), &x, &w, &mut y, Epilogue::SET);
        assert!(
            y.chunks(64)
                .all(|row| !row[0].is_finite() && row[1].is_finite())
        );
    }
    product::rough(false);
}
