//! Speed of f32 products at the shapes of real models, as a share of what this machine's
//! multiply-add units can do. `cargo bench -p skillbelt-engine --bench products [-- WORD]` prints
//! the rows whose description contains WORD.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::product::{self, Epilogue};
use skillbelt_engine::weight::{Precision, Weight};

/// Tokens, outputs, inputs: one layer of a 125M encoder, one of a 0.5B decoder, and its output head.
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

fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let bench = Bench {
        isa: Isa::chosen(),
        word: word.unwrap_or_default(),
        peak: peak(),
    };
    let threads = rayon::current_num_threads();
    println!(
        "{}, {threads} threads, peak {:.0} GFLOP/s",
        bench.isa.name(),
        bench.peak / 1e9
    );
    println!("reading memory: {:.1} GB/s", reading() / 1e9);
    for (t, n, k) in SHAPES {
        for precision in Precision::ALL {
            bench.frozen(precision, t, n, k);
        }
    }
    for (t, n, k) in [
        (2048, 768, 768),
        (2048, 8, 768),
        (2048, 768, 8),
        (512, 8, 4864),
    ] {
        bench.trained(t, n, k);
    }
    for t in [1, 8] {
        for (n, k) in [(896, 896), (4864, 896), (896, 4864), (151_936, 896)] {
            for precision in Precision::ALL {
                bench.generation(precision, t, n, k);
            }
        }
    }
}

struct Bench {
    isa: Isa,
    word: String,
    /// Operations per second.
    peak: f64,
}

impl Bench {
    fn wants(&self, what: &str) -> bool {
        what.contains(&self.word)
    }

    fn flops(&self, what: &str, (t, n, k): (usize, usize, usize), run: impl FnMut()) {
        if !self.wants(what) {
            return;
        }
        let seconds = median(run);
        let rate = 2.0 * (t * n * k) as f64 / seconds;
        println!(
            "{what:<44} {:8.3} ms {:7.1} GFLOP/s {:4.0}%",
            seconds * 1e3,
            rate / 1e9,
            100.0 * rate / self.peak
        );
    }

    fn frozen(&self, precision: Precision, t: usize, n: usize, k: usize) {
        let what = format!("{precision} T={t} N={n} K={k}");
        let (forward, backward) = (format!("forward {what}"), format!("backward {what}"));
        if !self.wants(&forward) && !self.wants(&backward) {
            return;
        }
        let weight = Weight::pack(precision, n, k, &numbers(n * k));
        let (x, dy) = (numbers(t * k), numbers(t * n));
        let (mut y, mut dx) = (vec![0.0; t * n], vec![0.0; t * k]);
        self.flops(&forward, (t, n, k), || {
            weight.forward(self.isa, &x, t, &mut y, Epilogue::SET);
        });
        self.flops(&backward, (t, n, k), || {
            weight.backward(self.isa, &dy, t, &mut dx, Write::Set);
        });
    }

    fn trained(&self, t: usize, n: usize, k: usize) {
        let shape = (t, n, k);
        let what = format!("T={t} N={n} K={k}");
        let (x, dy, weight) = (numbers(t * k), numbers(t * n), numbers(n * k));
        let (mut y, mut dx, mut dw) = (vec![0.0; t * n], vec![0.0; t * k], vec![0.0; n * k]);
        self.flops(&format!("trained forward {what}"), shape, || {
            product::trained_forward(self.isa, shape, &x, &weight, &mut y, Epilogue::SET);
        });
        self.flops(&format!("trained backward {what}"), shape, || {
            product::trained_backward(self.isa, shape, &dy, &weight, &mut dx, Write::Set);
        });
        self.flops(&format!("weight gradient {what}"), shape, || {
            product::weight_gradient(self.isa, shape, &dy, &x, &mut dw, Write::Add);
        });
    }

    /// Few tokens: what counts is how fast the weight is read.
    fn generation(&self, precision: Precision, t: usize, n: usize, k: usize) {
        let what = format!("generation {precision} T={t} N={n} K={k}");
        if !self.wants(&what) {
            return;
        }
        let weight = Weight::pack(precision, n, k, &numbers(n * k));
        let (x, mut y) = (numbers(t * k), vec![0.0; t * n]);
        let seconds = median(|| weight.forward(self.isa, &x, t, &mut y, Epilogue::SET));
        let (read, count) = (weight.bytes() as f64, (n * k) as f64);
        println!(
            "{what:<44} {:8.3} ms {:7.1} GB/s {:7.1} G weights/s",
            seconds * 1e3,
            read / seconds / 1e9,
            count / seconds / 1e9
        );
    }
}

/// Small numbers without a pattern that matters.
fn numbers(len: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919) % 2003) as f32 / 1000.0 - 1.0;
    (0..len).into_par_iter().map(number).collect()
}

/// The median time of a run, in seconds: five runs or more, a third of a second or more.
fn median(mut run: impl FnMut()) -> f64 {
    run();
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || begin.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Bytes per second of reading half a gigabyte on all threads and doing nearly nothing with it.
fn reading() -> f64 {
    let data = vec![1u64; 64 << 20];
    let seconds = median(|| {
        let parts = data.par_chunks(1 << 16);
        black_box(parts.map(|part| part.iter().sum::<u64>()).sum::<u64>());
    });
    size_of_val(&*data) as f64 / seconds
}

/// Operations per second of multiply-adds on registers alone, on all threads: the best of several.
fn peak() -> f64 {
    const LOOPS: usize = 4_000_000;
    let once = || {
        let start = Instant::now();
        let operations: usize = rayon::broadcast(|_| registers(LOOPS)).into_iter().sum();
        operations as f64 / start.elapsed().as_secs_f64()
    };
    (0..5).map(|_| once()).fold(0.0, f64::max)
}

/// Multiply-adds without a memory access; gives how many operations they were.
fn registers(loops: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if Isa::Avx512.is_available() {
            // SAFETY: just checked.
            return unsafe { x86::registers_512(loops) };
        }
        if Isa::Avx2.is_available() {
            // SAFETY: just checked.
            return unsafe { x86::registers_256(loops) };
        }
    }
    let mut sums = [0.0f32; 64];
    for i in 0..loops {
        let factor = black_box(i as f32);
        for sum in &mut sums {
            *sum += factor * factor;
        }
    }
    black_box(sums);
    loops * 2 * 64
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! Twelve independent sums, enough to fill two units of four cycles.

    use std::arch::x86_64::*;
    use std::hint::black_box;

    #[target_feature(enable = "avx512f")]
    pub fn registers_512(loops: usize) -> usize {
        let factor = _mm512_set1_ps(black_box(0.5));
        let mut sums = [_mm512_set1_ps(black_box(1.0)); 12];
        for _ in 0..loops {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        loops * 12 * 16 * 2
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn registers_256(loops: usize) -> usize {
        let factor = _mm256_set1_ps(black_box(0.5));
        let mut sums = [_mm256_set1_ps(black_box(1.0)); 12];
        for _ in 0..loops {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        loops * 12 * 8 * 2
    }
}
