//! AdamW with moments in eight bits: two bytes per trained number and a scale per 256 of them.
//!
//! Codes are spread as in dynamic quantisation: each power of ten below the largest number of a
//! block gets half as many codes as the one above it, so small moments keep a relative error. Of the
//! second moment the root is held, as that is what the step divides by; a root that is not zero
//! never becomes zero, which would make a step without bound. Parameters below a few thousand
//! numbers (heads, biases, norms) stay in f32, where eight bits would save nothing.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::LazyLock;

use rayon::prelude::*;
use skillbelt_engine::{Grads, Mat, Param, ParamId};

use super::adamw::{AdamW, AdamWSettings, Factors};

/// Numbers that share a scale.
const BLOCK: usize = 256;
/// Parameters with fewer numbers stay in f32.
const SMALLEST: usize = 4096;

/// The optimiser's state.
pub struct AdamW8bit {
    settings: AdamWSettings,
    moments: BTreeMap<ParamId, Moments>,
    small: AdamW,
}

struct Moments {
    steps: i32,
    first: Coded,
    root: Coded,
}

/// Numbers in codes, with the largest of each block.
struct Coded {
    codes: Vec<u8>,
    scales: Vec<f32>,
}

/// The 256 numbers that codes stand for, ascending, and the middles between neighbours.
struct Book {
    numbers: [f32; 256],
    middles: [f32; 255],
}

static SIGNED: LazyLock<Book> = LazyLock::new(|| Book::new(true));
static UNSIGNED: LazyLock<Book> = LazyLock::new(|| Book::new(false));

impl Book {
    /// Seven decades. In the decade from `10^-d` to `10^(1-d)` stand the middles of `2^(7-d)` equal
    /// parts (twice as many without signs), `d` from 1 to 7; and zero, and one.
    fn new(signed: bool) -> Book {
        let mut numbers = vec![0.0, 1.0];
        for decade in 1..=7 {
            let parts = 1 << (7 - decade + i32::from(!signed));
            let top = 10f64.powi(1 - decade);
            for part in 0..parts {
                let number = top * (0.1 + 0.9 * (f64::from(part) + 0.5) / f64::from(parts));
                numbers.push(number as f32);
                if signed {
                    numbers.push(-number as f32);
                }
            }
        }
        numbers.sort_by(f32::total_cmp);
        let number = |i: usize| numbers.get(i).copied().unwrap_or(1.0);
        Book {
            numbers: std::array::from_fn(number),
            middles: std::array::from_fn(|i| 0.5 * (number(i) + number(i + 1))),
        }
    }

    /// The code of the nearest number.
    fn code(&self, number: f32) -> u8 {
        self.middles.partition_point(|middle| *middle < number) as u8
    }

    fn number(&self, code: u8) -> f32 {
        self.numbers[usize::from(code)]
    }
}

impl Coded {
    /// All zeros.
    fn zeros(count: usize, book: &Book) -> Coded {
        Coded {
            codes: vec![book.code(0.0); count],
            scales: vec![0.0; count.div_ceil(BLOCK)],
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.codes)?;
        super::write_numbers(&self.scales, out)
    }

    fn read(&mut self, input: &mut dyn Read) -> io::Result<()> {
        input.read_exact(&mut self.codes)?;
        super::read_numbers(&mut self.scales, input)
    }
}

/// Puts numbers into codes; the largest of them becomes the scale.
fn encode(book: &Book, numbers: &[f32], codes: &mut [u8], scale: &mut f32) {
    *scale = numbers.iter().fold(0.0, |most, x| x.abs().max(most));
    let by = if *scale > 0.0 { 1.0 / *scale } else { 0.0 };
    let zero = book.code(0.0);
    let unsigned = zero == 0;
    for (code, number) in codes.iter_mut().zip(numbers) {
        *code = book.code(number * by);
        if unsigned && *number > 0.0 && *code == zero {
            *code = 1;
        }
    }
}

impl AdamW8bit {
    pub fn new(settings: AdamWSettings) -> AdamW8bit {
        AdamW8bit {
            settings,
            moments: BTreeMap::new(),
            small: AdamW::new(settings),
        }
    }

    /// Moves each parameter that has a gradient. Those without one stay as they are, undecayed.
    pub fn step(&mut self, params: &[Param], grads: &Grads, learning_rate: f32) {
        for param in params {
            let Some(grad) = grads.get(param) else {
                continue;
            };
            if grad.len() < SMALLEST {
                self.small.move_one(param, grad, learning_rate);
                continue;
            }
            let fresh = || Moments::zeros(grad.len());
            let moments = self.moments.entry(param.id()).or_insert_with(fresh);
            moments.steps += 1;
            let factors = Factors::new(self.settings, moments.steps, learning_rate);
            param.update(|value| moments.apply(factors, value, grad));
        }
    }

    /// Writes the state of a parameter.
    pub(super) fn write(&self, param: &Param, out: &mut dyn Write) -> io::Result<()> {
        if param.value().len() < SMALLEST {
            return self.small.write(param, out);
        }
        let Some(moments) = self.moments.get(&param.id()) else {
            return out.write_all(&0i32.to_le_bytes());
        };
        out.write_all(&moments.steps.to_le_bytes())?;
        moments.first.write(out)?;
        moments.root.write(out)
    }

    /// Reads what `write` wrote of the same parameter.
    pub(super) fn read(&mut self, param: &Param, input: &mut dyn Read) -> io::Result<()> {
        let count = param.value().len();
        if count < SMALLEST {
            return self.small.read(param, input);
        }
        let steps = super::read_steps(input)?;
        if steps == 0 {
            self.moments.remove(&param.id());
            return Ok(());
        }
        let mut moments = Moments::zeros(count);
        moments.steps = steps;
        moments.first.read(input)?;
        moments.root.read(input)?;
        self.moments.insert(param.id(), moments);
        Ok(())
    }
}

impl Moments {
    fn zeros(count: usize) -> Moments {
        Moments {
            steps: 0,
            first: Coded::zeros(count, &SIGNED),
            root: Coded::zeros(count, &UNSIGNED),
        }
    }

    fn apply(&mut self, factors: Factors, value: &mut Mat, grad: &Mat) {
        let first = (self.first.codes.par_chunks_mut(BLOCK)).zip(&mut self.first.scales);
        let root = (self.root.codes.par_chunks_mut(BLOCK)).zip(&mut self.root.scales);
        (value.data_mut().par_chunks_mut(BLOCK))
            .zip(grad.data().par_chunks(BLOCK))
            .zip(first.zip(root))
            .for_each(
                |((value, grad), ((m_codes, m_scale), (r_codes, r_scale)))| {
                    let (mut m, mut r) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
                    for i in 0..value.len() {
                        m[i] = SIGNED.number(m_codes[i]) * *m_scale;
                        let root = UNSIGNED.number(r_codes[i]) * *r_scale;
                        let mut second = root * root;
                        factors.number(&mut value[i], grad[i], &mut m[i], &mut second);
                        r[i] = second.sqrt();
                    }
                    encode(&SIGNED, &m[..value.len()], m_codes, m_scale);
                    encode(&UNSIGNED, &r[..value.len()], r_codes, r_scale);
                },
            );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_engine::random::Stream;

    #[test]
    fn books_hold_zero_and_one_and_are_close_to_every_number_above_their_smallest() {
        for (book, coarsest) in [(&*SIGNED, 0.0071), (&*UNSIGNED, 0.0036)] {
            assert!(book.numbers.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(book.number(book.code(0.0)), 0.0);
            assert_eq!(book.number(book.code(1.0)), 1.0);
            for i in 0..1000 {
                let number = 0.1 + 0.9 * i as f32 / 1000.0;
                assert!((book.number(book.code(number)) - number).abs() < coarsest);
                let small = number * 1e-3;
                let off = (book.number(book.code(small)) - small).abs() / small;
                assert!(off < 0.5, "{small} {off}");
            }
        }
    }

    #[test]
    fn a_root_that_is_not_zero_stays_so() {
        let (mut codes, mut scale) = ([0; 2], 0.0);
        encode(&UNSIGNED, &[1.0, 1e-12], &mut codes, &mut scale);
        assert!(UNSIGNED.number(codes[1]) > 0.0);
        encode(&SIGNED, &[0.0, 0.0], &mut codes, &mut scale);
        assert_eq!(SIGNED.number(codes[0]) * scale, 0.0);
    }

    /// The loss of a noisy regression after so many steps, and the weights.
    fn regression(mut step: impl FnMut(&[Param], &Grads, f32)) -> (f64, Vec<f32>) {
        const WIDTH: usize = SMALLEST + 77;
        let stream = Stream::new(3, 0, "regression");
        let goal: Vec<f32> = (0..WIDTH as u64).map(|i| stream.normal(i)).collect();
        let param = Param::trained("w", Mat::zeros(1, WIDTH));
        for round in 0..200u64 {
            let noise = Stream::new(4, round, "noise");
            let now = param.value();
            // Curvatures over three decades, so that blocks hold numbers of unequal size.
            let grad = (0..WIDTH).map(|i| {
                let curve = 10f32.powi(-((i % 4) as i32));
                curve * (now.data()[i] - goal[i] + 0.3 * noise.normal(i as u64))
            });
            let mut grads = Grads::new();
            grads.add(&param, Mat::row_vector(grad.collect()));
            drop(now);
            step(std::slice::from_ref(&param), &grads, 0.02);
        }
        let weights = param.value().data().to_vec();
        let off = weights.iter().zip(&goal);
        let loss: f64 = off.map(|(w, g)| f64::from(w - g).powi(2)).sum();
        (loss / WIDTH as f64, weights)
    }

    #[test]
    fn eight_bits_learn_what_thirty_two_learn() {
        let settings = AdamWSettings::default();
        let mut full = AdamW::new(settings);
        let (loss, weights) = regression(|p, g, rate| full.step(p, g, rate));
        let mut small = AdamW8bit::new(settings);
        let (small_loss, small_weights) = regression(|p, g, rate| small.step(p, g, rate));
        // Before the first step the loss is one.
        assert!((small_loss - loss).abs() < 0.002, "{small_loss} {loss}");
        let length = |numbers: &mut dyn Iterator<Item = f32>| -> f64 {
            numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
        };
        let off = length(&mut weights.iter().zip(&small_weights).map(|(a, b)| a - b));
        let whole = length(&mut weights.iter().copied());
        assert!(off < 0.05 * whole, "{off} {whole}");
        // Eight bits are not thirty-two: the states were really coded.
        assert_ne!(weights, small_weights);
    }
}
