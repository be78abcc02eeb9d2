//! Measures the 8-bit products at the shapes of a small encoder and a small decoder, as a share of
//! what the multipliers of this machine can do when nothing has to be fetched.
//!
//! `cargo bench -p skillbelt-engine --bench int8`; with `SKILLBELT_KERNEL` for one instruction set;
//! with `-- T N K` for one shape.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::isa::KERNEL_VARIABLE;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::PackedInt8;

/// Tokens, outputs, inputs.
const SHAPES: [(usize, usize, usize); 8] = [
    (2048, 768, 768),
    (2048, 3072, 768),
    (2048, 768, 3072),
    (512, 896, 896),
    (512, 128, 896),
    (512, 4864, 896),
    (512, 896, 4864),
    (128, 151_936, 896),
];
const ENOUGH: Duration = Duration::from_millis(150);

fn main() {
    // From within the pool, as a training step runs: to enter it from outside costs a wake-up.
    rayon::scope(|_| measure());
}

fn measure() {
    let threads = rayon::current_num_threads();
    let isas = match std::env::var_os(KERNEL_VARIABLE) {
        Some(_) => vec![Isa::chosen()],
        None => Isa::available().into_iter().rev().collect(),
    };
    let wish: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    for isa in isas.into_iter().filter(|isa| *isa != Isa::Portable) {
        let peak = peak(isa);
        match peak {
            Some(peak) => println!(
                "\n{}: peak {:.0} GOP/s, {threads} threads",
                isa.name(),
                peak
            ),
            None => println!("\n{}: {threads} threads", isa.name()),
        }
        println!("     T       N      K   forward GOP/s      backward GOP/s");
        if let &[t, n, k] = &wish[..] {
            line(isa, (t, n, k), peak);
            continue;
        }
        for shape in SHAPES {
            line(isa, shape, peak);
        }
        println!("     T       N      K   forward GB/s of weights");
        for (_, n, k) in SHAPES {
            let w = PackedInt8::pack(n, k, &vec![0.5; n * k]);
            for t in [1, 8] {
                let seconds = forward(isa, &w, t);
                let rate = w.bytes() as f64 / seconds / 1e9;
                println!("{t:6} {n:7} {k:6}   {rate:7.1}   {:.1} us", seconds * 1e6);
            }
        }
    }
}

fn line(isa: Isa, (t, n, k): (usize, usize, usize), peak: Option<f64>) {
    let w = PackedInt8::pack(n, k, &vec![0.5; n * k]);
    let operations = 2.0 * (t * n * k) as f64 / 1e9;
    let mut text = format!("{t:6} {n:7} {k:6}");
    for seconds in [forward(isa, &w, t), backward(isa, &w, t)] {
        let rate = operations / seconds;
        text += &match peak {
            Some(peak) => format!("   {rate:7.0} ({:3.0}%)", rate / peak * 100.0),
            None => format!("   {rate:7.0}       "),
        };
        text += &format!(" {:6.2} ms", seconds * 1e3);
    }
    println!("{text}");
}

fn forward(isa: Isa, w: &PackedInt8, t: usize) -> f64 {
    let x = numbers(t, w.inputs());
    let mut y = vec![0.0; t * w.outputs()];
    median(|| w.forward(isa, &x, t, &mut y, Epilogue::SET))
}

fn backward(isa: Isa, w: &PackedInt8, t: usize) -> f64 {
    let dy = numbers(t, w.outputs());
    let mut dx = vec![0.0; t * w.inputs()];
    median(|| w.backward(isa, &dy, t, &mut dx, Write::Set))
}

/// Rows of numbers in no order, a few of them large, as activations are.
fn numbers(rows: usize, cols: usize) -> Vec<f32> {
    let mut state = 1u64;
    let number = |i: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let number = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
        let large = i % cols == cols / 3 || (i + i / cols).is_multiple_of(397);
        if large { 12.0 * number } else { number }
    };
    (0..rows * cols).map(number).collect()
}

/// Seconds that `work` takes, the median of at least five.
fn median(mut work: impl FnMut()) -> f64 {
    work();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed() < ENOUGH {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Billions of operations a second with operands that never leave the registers, on all threads:
/// the best of several short runs.
fn peak(isa: Isa) -> Option<f64> {
    let burst: fn(usize) -> f64 = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx => peaks::amx,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => peaks::vnni,
        _ => return None,
    };
    let threads = rayon::current_num_threads();
    let run = |_| {
        let start = Instant::now();
        let operations: f64 = (0..threads)
            .into_par_iter()
            .with_max_len(1)
            .map(|_| burst(400_000))
            .sum();
        operations / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).map(run).reduce(f64::max)
}

#[cfg(target_arch = "x86_64")]
mod peaks {
    use std::arch::asm;
    use std::arch::x86_64::*;

    use super::black_box;

    pub fn vnni(rounds: usize) -> f64 {
        // SAFETY: measured only where AVX-512 with VNNI is at hand.
        unsafe { products(rounds) };
        (rounds * 24 * 64 * 2) as f64
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn products(rounds: usize) {
        let (a, b) = black_box((_mm512_set1_epi8(3), _mm512_set1_epi8(5)));
        let mut sums = [_mm512_setzero_si512(); 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }

    pub fn amx(rounds: usize) -> f64 {
        let rounds = rounds / 8;
        let mut shape = [0u8; 64];
        shape[0] = 1;
        for tile in 0..8 {
            (shape[16 + 2 * tile], shape[48 + tile]) = (64, 16);
        }
        // SAFETY: measured only where tiles are at hand and granted; the shape is valid and the
        // tiles are given back.
        unsafe {
            asm!(
                "ldtilecfg [{shape}]",
                "2:",
                "tdpbusd tmm0, tmm4, tmm6",
                "tdpbusd tmm1, tmm4, tmm7",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm3, tmm5, tmm7",
                "dec {rounds}",
                "jnz 2b",
                "tilerelease",
                shape = in(reg) shape.as_ptr(),
                rounds = inout(reg) rounds => _,
                options(nostack),
            );
        }
        (rounds * 4 * 16 * 16 * 64 * 2) as f64
    }
}
