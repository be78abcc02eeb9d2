//! Runs the aarch64 kernels outside the workspace, against plain sums: for machines that have a
//! compiler and an emulator for that target, but no cargo for it (see `run.sh`).

#![allow(unused_unsafe)] // older compilers take the body of an unsafe function as unsafe

#[path = "../../crates/engine/src/kernel/neon.rs"]
mod neon;

/// What `kernel/int8/neon.rs` takes from the module around it.
#[path = "."]
mod int8 {
    #[path = "../../crates/engine/src/kernel/int8/neon.rs"]
    mod neon;

    pub const PANEL: usize = 32;

    #[derive(Clone, Copy)]
    pub struct Left<'a> {
        pub bytes: &'a [u8],
        pub stride: usize,
    }

    #[derive(Clone, Copy)]
    pub struct Panel<'a> {
        pub bytes: &'a [i8],
    }

    pub struct Sums(pub [i32; PANEL]);

    /// Every element of two rows by 32 outputs, from extreme bytes, against plain integers.
    pub fn check(rows: usize, depth: usize) {
        let bytes: Vec<u8> = (0..rows * depth).map(|i| [1, 255, 128, 7, 200][i % 5]).collect();
        let weights: Vec<i8> = (0..depth * PANEL).map(|i| [-127, 127, 0, 5, -66, 31, 99][i % 7]).collect();
        let mut sums: Vec<Sums> = (0..rows).map(|_| Sums([0; PANEL])).collect();
        let left = Left { bytes: &bytes, stride: depth };
        for more in [false, true] {
            // SAFETY: every aarch64 has these vectors; the lengths fit.
            unsafe { neon::multiply(left, rows, Panel { bytes: &weights }, &mut sums, more) };
        }
        for (row, sums) in sums.iter().enumerate() {
            for (n, found) in sums.0.iter().enumerate() {
                let weight = |k: usize| i32::from(weights[k / 4 * 4 * PANEL + n * 4 + k % 4]);
                let once: i32 = (0..depth)
                    .map(|k| (i32::from(bytes[row * depth + k]) - 128) * weight(k))
                    .sum();
                assert_eq!(*found, 2 * once, "row {row}, output {n}, depth {depth}");
            }
        }
    }
}

/// Every element of a tile, with guards around it, against sums in f64.
fn check(rows: usize, cols: usize, depth: usize, add: bool, turned: bool) {
    let number = |i: usize| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0;
    let (a_row, a_col) = if turned { (1, rows + 1) } else { (depth + 1, 1) };
    let a: Vec<f32> = (0..(rows + 1) * (depth + 1)).map(number).collect();
    let b: Vec<f32> = (0..depth.max(1) * 40).map(|i| number(i + 5)).collect();
    let mut c = vec![7.0f32; rows * 40];
    // SAFETY: all operands are longer than their strides reach.
    unsafe {
        let left = (a.as_ptr(), a_row, a_col);
        neon::tile((rows, cols, depth), left, (b.as_ptr(), 40), (c.as_mut_ptr(), 40), add);
    }
    for row in 0..rows {
        for col in 0..40 {
            let product = |k: usize| f64::from(a[row * a_row + k * a_col]) * f64::from(b[k * 40 + col]);
            let sum: f64 = (0..depth).map(product).sum();
            let expected = match col < cols {
                true => sum + if add { 7.0 } else { 0.0 },
                false => 7.0,
            };
            let off = (f64::from(c[row * 40 + col]) - expected).abs();
            assert!(off < 1e-4, "{rows} x {cols} x {depth}: row {row}, column {col} off by {off}");
        }
    }
}

fn main() {
    for rows in 1..=6 {
        for cols in [1, 3, 15, 16, 17, 31, 32] {
            for depth in [0, 1, 2, 31, 32, 33, 100] {
                for (add, turned) in [(false, false), (true, false), (true, true)] {
                    check(rows, cols, depth, add, turned);
                }
            }
        }
    }
    for rows in [1, 2] {
        for depth in [4, 8, 64, 1000] {
            int8::check(rows, depth);
        }
    }
    println!("the aarch64 kernels agree with plain sums");
}
