//! Speed of attention at the shapes of real models, forward, with its way back, and in decoding.
//! `cargo bench -p skillbelt-engine --bench attention [-- WORD]` prints the rows whose description
//! contains WORD. The rate counts what the reach lets be seen: half the keys if causal.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use skillbelt_engine::ops::{Attend, Cached, Columns, Reach, attention, attention_cached};
use skillbelt_engine::{Grads, Isa, Mat, Param, Pass, Spans, backward_from};

fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let bench = Bench {
        word: word.unwrap_or_default(),
    };
    let threads = rayon::current_num_threads();
    println!("{}, {threads} threads", Isa::chosen().name());
    let encoder = form(12, 12, Reach::everything());
    let decoder = form(14, 2, Reach::causal());
    let queries = form(16, 1, Reach::causal());
    bench.train("encoder", &[256; 8], &encoder);
    bench.train("decoder", &[256; 2], &decoder);
    bench.train("short", &[24; 80], &encoder);
    bench.train("long", &[2048], &decoder);
    bench.train("window", &[2048], &form(12, 12, Reach::window(256)));
    bench.train("multi-query", &[512], &queries);
    for batch in [1, 8] {
        bench.decode("encoder's heads", batch, &encoder);
        bench.decode("decoder", batch, &decoder);
        bench.decode("multi-query", batch, &queries);
    }
}

fn form(heads: usize, kv_heads: usize, reach: Reach) -> Attend {
    Attend {
        heads,
        kv_heads,
        head_width: 64,
        scale: 0.125,
        reach,
    }
}

/// Numbers between -1 and 1 without a pattern that matters here.
fn noise(rows: usize, cols: usize, seed: u32) -> Mat {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    Mat::from_vec(rows, cols, (0..rows * cols).map(next).collect())
}

struct Bench {
    word: String,
}

impl Bench {
    fn wants(&self, what: &str) -> bool {
        what.contains(&self.word)
    }

    fn train(&self, name: &str, lengths: &[usize], how: &Attend) {
        let what = format!(
            "train {name}: {} x {}, {} heads over {}",
            lengths.len(),
            lengths[0],
            how.heads,
            how.kv_heads
        );
        if !self.wants(&what) {
            return;
        }
        let spans = Spans::from_lengths(lengths).unwrap();
        let (t, d) = (spans.tokens(), how.head_width);
        let [q, k, v] = [(how.heads, 1), (how.kv_heads, 2), (how.kv_heads, 3)]
            .map(|(heads, seed)| Param::trained("input", noise(t, heads * d, seed)));
        let dy = noise(t, how.heads * d, 4);
        let run = |pass: &Pass| {
            let [q, k, v] = [&q, &k, &v].map(|param| pass.leaf(param));
            let [q, k, v] = [&q, &k, &v].map(Columns::all);
            attention(pass, q, k, v, &spans, &spans, how, None).unwrap()
        };
        let forward = median(|| {
            black_box(run(&Pass::inference()));
        });
        let both = median(|| {
            let mut grads = Grads::new();
            let y = run(&Pass::recording());
            backward_from(&y, dy.clone(), &mut grads).unwrap();
            black_box(&grads);
        });
        let seen: usize = lengths.iter().map(|length| pairs(*length, how)).sum();
        let product = 2.0 * (seen * how.heads * d) as f64;
        println!(
            "{what:48} forward {:8.2} ms {:4.0} GFLOP/s, with the way back {:8.2} ms {:4.0} GFLOP/s",
            forward * 1e3,
            2.0 * product / forward / 1e9,
            both * 1e3,
            7.0 * product / both / 1e9,
        );
    }

    fn decode(&self, name: &str, batch: usize, how: &Attend) {
        const LENGTH: usize = 512;
        let what = format!(
            "decode {name}: {batch} x 1 over {LENGTH}, {} heads over {}",
            how.heads, how.kv_heads
        );
        if !self.wants(&what) {
            return;
        }
        let row = how.kv_heads * how.head_width;
        let memory: Vec<[Mat; 2]> = (0..batch)
            .map(|number| [5, 6].map(|seed| noise(LENGTH, row, seed + number as u32)))
            .collect();
        let caches: Vec<Cached<'_>> = memory
            .iter()
            .map(|[keys, values]| Cached {
                keys: keys.data(),
                values: values.data(),
                length: LENGTH,
                row,
            })
            .collect();
        let q = noise(batch, how.heads * how.head_width, 7);
        let spans = Spans::from_lengths(&vec![1; batch]).unwrap();
        let isa = Isa::chosen();
        let seconds = median(|| {
            let y = attention_cached(isa, &q, 0, &spans, &caches, how, None);
            black_box(y.unwrap());
        });
        let bytes = (8 * LENGTH * row * batch) as f64;
        println!(
            "{what:48} {:8.1} us {:4.0} GB/s of keys and values",
            seconds * 1e6,
            bytes / seconds / 1e9
        );
    }
}

/// Pairs of a query and a key that it sees.
fn pairs(length: usize, how: &Attend) -> usize {
    let reach = &how.reach;
    (0..length)
        .map(|place| {
            let first = reach.left.map_or(0, |left| place.saturating_sub(left));
            let end = reach
                .right
                .map_or(length, |right| length.min(place + right + 1));
            end - first
        })
        .sum()
}

/// Middle of the times of many runs, for about half a second.
fn median(mut run: impl FnMut()) -> f64 {
    run();
    let begin = Instant::now();
    let mut times: Vec<f64> = Vec::new();
    while times.len() < 5 || begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
