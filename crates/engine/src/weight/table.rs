//! A frozen table whose rows are looked up: embeddings of tokens and of places. It lies row by row, so
//! that a row is one stretch of memory; in panels each of its numbers would lie on another line.
//!
//! Products go through it too, by turning panels as they are asked for. It is not meant for them.

use std::ops::Range;

use super::bf16::rounded;
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL, decode};
use crate::panel::Packed;

/// `[N x K]` as in a checkpoint.
pub struct Table {
    outputs: usize,
    inputs: usize,
    numbers: Numbers,
}

enum Numbers {
    F32(Vec<f32>),
    /// Rounded to nearest with ties to even.
    Bf16(Vec<u16>),
}

impl Table {
    /// Keeps rows `[N x K]` as they are.
    pub fn f32(n: usize, k: usize, weight: &[f32]) -> Table {
        Table::new(n, k, weight, Numbers::F32(weight.to_vec()))
    }

    /// Rounds them.
    pub fn bf16(n: usize, k: usize, weight: &[f32]) -> Table {
        let numbers = weight.iter().map(|number| rounded(*number)).collect();
        Table::new(n, k, weight, Numbers::Bf16(numbers))
    }

    fn new(n: usize, k: usize, weight: &[f32], numbers: Numbers) -> Table {
        assert_eq!(weight.len(), n * k, "a table of {n} x {k}");
        Table {
            outputs: n,
            inputs: k,
            numbers,
        }
    }

    /// Bytes that it occupies.
    pub fn bytes(&self) -> usize {
        match &self.numbers {
            Numbers::F32(numbers) => size_of_val(&**numbers),
            Numbers::Bf16(numbers) => size_of_val(&**numbers),
        }
    }

    /// Row `n`, `[K]`.
    pub fn row(&self, n: usize, out: &mut [f32]) {
        assert!(n < self.outputs, "row {n} of {}", self.outputs);
        assert_eq!(out.len(), self.inputs, "a row of {} inputs", self.inputs);
        self.part(n, 0..self.inputs, out);
    }

    fn part(&self, n: usize, inputs: Range<usize>, out: &mut [f32]) {
        let part = n * self.inputs + inputs.start..n * self.inputs + inputs.end;
        match &self.numbers {
            Numbers::F32(numbers) => out.copy_from_slice(&numbers[part]),
            Numbers::Bf16(numbers) => decode::bf16(Isa::chosen(), &numbers[part], out),
        }
    }
}

impl Packed for Table {
    fn outputs(&self) -> usize {
        self.outputs
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn decoded<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        inputs: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let steps = inputs.len();
        let rows = PANEL.min(self.outputs - panel * PANEL);
        let mut lying = vec![0.0; rows * steps];
        for (row, to) in lying.chunks_exact_mut(steps.max(1)).enumerate() {
            self.part(panel * PANEL + row, inputs.clone(), to);
        }
        let to = &mut scratch[..steps * PANEL];
        to.fill(0.0);
        transpose(isa, (rows, steps), (&lying, steps), (to, PANEL));
        to
    }

    fn is_bf16(&self) -> bool {
        matches!(self.numbers, Numbers::Bf16(_))
    }

    fn fetch(&self, _panel: usize, _inputs: Range<usize>) {}
}
