//! Frozen weights, packed once at load into panels, one file per precision; tables that are only looked
//! up stay as they lie.
//!
//! They are never trained and have no gradient: what flows back goes to the activations only.

mod bf16;
mod int8;
mod nf4;
mod single;
mod table;

pub use bf16::PackedBf16;
pub use int8::PackedInt8;
pub use nf4::PackedNf4;
pub use single::PackedF32;
pub use table::Table;

use rayon::prelude::*;

use crate::kernel::multiply::Write;
use crate::kernel::{Isa, PANEL};
use crate::panel::{Backward, Forward, Packed};
use crate::product::{self, Epilogue};

/// How the numbers of a frozen weight are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// As in the checkpoint, or widened from it.
    F32,
    /// The upper half of an f32.
    Bf16,
    /// A byte with a scale per output; products in integers.
    Int8,
    /// Four bits in blocks of 64 with doubly quantised scales.
    Nf4,
}

impl Precision {
    /// Every precision, from the most exact to the smallest.
    pub const ALL: [Precision; 4] = [
        Precision::F32,
        Precision::Bf16,
        Precision::Int8,
        Precision::Nf4,
    ];

    /// The word used in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
            Precision::Nf4 => "nf4",
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(word: &str) -> Result<Precision, String> {
        let found = Precision::ALL.into_iter().find(|p| p.name() == word);
        found.ok_or_else(|| format!("precision {word:?}: expected f32, bf16, int8 or nf4"))
    }
}

/// A frozen weight `[N x K]` in one of its precisions.
pub enum Weight {
    F32(PackedF32),
    Bf16(PackedBf16),
    Int8(PackedInt8),
    Nf4(PackedNf4),
    /// Rows as they lie, for being looked up.
    Table(Table),
}

/// The same expression for whichever precision it is.
macro_rules! each {
    ($weight:expr, $packed:ident => $body:expr) => {
        match $weight {
            Weight::F32($packed) => $body,
            Weight::Bf16($packed) => $body,
            Weight::Int8($packed) => $body,
            Weight::Nf4($packed) => $body,
            Weight::Table($packed) => $body,
        }
    };
}

impl Weight {
    /// Packs `weight [N x K]`, rows as in a checkpoint.
    pub fn pack(precision: Precision, n: usize, k: usize, weight: &[f32]) -> Weight {
        match precision {
            Precision::F32 => Weight::F32(PackedF32::pack(n, k, weight)),
            Precision::Bf16 => Weight::Bf16(PackedBf16::pack(n, k, weight)),
            Precision::Int8 => Weight::Int8(PackedInt8::pack(n, k, weight)),
            Precision::Nf4 => Weight::Nf4(PackedNf4::pack(n, k, weight)),
        }
    }

    /// The same for a table that is only looked up: an int8 or nf4 base keeps it in bf16, for it never
    /// needs integer products.
    pub fn table(precision: Precision, n: usize, k: usize, weight: &[f32]) -> Weight {
        Weight::Table(match precision {
            Precision::F32 => Table::f32(n, k, weight),
            Precision::Bf16 | Precision::Int8 | Precision::Nf4 => Table::bf16(n, k, weight),
        })
    }

    /// `N`.
    pub fn outputs(&self) -> usize {
        each!(self, packed => packed.outputs())
    }

    /// `K`.
    pub fn inputs(&self) -> usize {
        each!(self, packed => packed.inputs())
    }

    /// Bytes that it occupies.
    pub fn bytes(&self) -> usize {
        each!(self, packed => packed.bytes())
    }

    /// `y [T x N] = x [T x K] W^T`, with what the epilogue adds.
    pub fn forward(&self, isa: Isa, x: &[f32], t: usize, y: &mut [f32], epilogue: Epilogue<'_>) {
        match self {
            Weight::F32(packed) => product::forward(isa, &Forward(packed), x, t, y, epilogue),
            Weight::Bf16(packed) => product::forward(isa, &Forward(packed), x, t, y, epilogue),
            Weight::Int8(packed) => packed.forward(isa, x, t, y, epilogue),
            Weight::Nf4(packed) => product::forward(isa, &Forward(packed), x, t, y, epilogue),
            Weight::Table(table) => product::forward(isa, &Forward(table), x, t, y, epilogue),
        }
    }

    /// `dx [T x K] (+)= dy [T x N] W`.
    pub fn backward(&self, isa: Isa, dy: &[f32], t: usize, dx: &mut [f32], into: Write) {
        match self {
            Weight::F32(packed) => product::backward(isa, &Backward(packed), dy, t, dx, into),
            Weight::Bf16(packed) => product::backward(isa, &Backward(packed), dy, t, dx, into),
            Weight::Int8(packed) => packed.backward(isa, dy, t, dx, into),
            Weight::Nf4(packed) => product::backward(isa, &Backward(packed), dy, t, dx, into),
            Weight::Table(table) => product::backward(isa, &Backward(table), dy, t, dx, into),
        }
    }

    /// Row `n`, `[K]`: what an embedding table that shares this weight looks up.
    pub fn row(&self, n: usize, out: &mut [f32]) {
        match self {
            Weight::F32(packed) => row(packed, n, out),
            Weight::Bf16(packed) => row(packed, n, out),
            Weight::Int8(packed) => packed.row(n, out),
            Weight::Nf4(packed) => row(packed, n, out),
            Weight::Table(table) => table.row(n, out),
        }
    }

    /// Rows from `first` on, as many as `out` holds, `[rows x K]`. `first` must be a multiple of a
    /// panel's outputs, so that no panel is decoded twice.
    pub fn rows(&self, first: usize, out: &mut [f32]) {
        assert!(first.is_multiple_of(PANEL), "row {first} begins no panel");
        match self {
            Weight::F32(packed) => rows(packed, first, out),
            Weight::Bf16(packed) => rows(packed, first, out),
            Weight::Int8(packed) => {
                let rows = out.par_chunks_exact_mut(packed.inputs()).enumerate();
                rows.for_each(|(row, out)| packed.row(first + row, out));
            }
            Weight::Nf4(packed) => rows(packed, first, out),
            Weight::Table(table) => rows(table, first, out),
        }
    }

    /// The weight that the products really use, `[N x K]` row by row.
    pub fn dequantised(&self) -> Vec<f32> {
        match self {
            Weight::F32(packed) => dequantised(packed),
            Weight::Bf16(packed) => dequantised(packed),
            Weight::Int8(packed) => packed.dequantised(),
            Weight::Nf4(packed) => dequantised(packed),
            Weight::Table(table) => dequantised(table),
        }
    }
}

/// Reads output `n` of a packed weight out of its panel, a block of inputs at a time.
fn row(packed: &impl Packed, n: usize, out: &mut [f32]) {
    let k = packed.inputs();
    assert!(n < packed.outputs(), "row {n} of {}", packed.outputs());
    assert_eq!(out.len(), k, "a row of {k} inputs");
    let mut buffer = [0.0; PANEL * PANEL];
    for (block, out) in out.chunks_mut(PANEL).enumerate() {
        let inputs = block * PANEL..block * PANEL + out.len();
        let decoded = packed.decoded(Isa::chosen(), n / PANEL, inputs, &mut buffer);
        for (out, outputs) in out.iter_mut().zip(decoded.chunks_exact(PANEL)) {
            *out = outputs[n % PANEL];
        }
    }
}

fn dequantised(packed: &impl Packed) -> Vec<f32> {
    let mut out = vec![0.0; packed.outputs() * packed.inputs()];
    rows(packed, 0, &mut out);
    out
}

/// Reads rows out of their panels, each panel once, on all cores.
fn rows(packed: &impl Packed, first: usize, out: &mut [f32]) {
    let k = packed.inputs();
    if k == 0 {
        return;
    }
    assert!(
        first + out.len() / k <= packed.outputs(),
        "rows from {first} on"
    );
    let panels = out.par_chunks_mut(k * PANEL).enumerate();
    panels.for_each(|(panel, out)| {
        let mut buffer = [0.0; PANEL * PANEL];
        for start in (0..k).step_by(PANEL) {
            let end = (start + PANEL).min(k);
            let panel = first / PANEL + panel;
            let decoded = packed.decoded(Isa::chosen(), panel, start..end, &mut buffer);
            for (row, out) in out.chunks_exact_mut(k).enumerate() {
                for (out, outputs) in out[start..end].iter_mut().zip(decoded.chunks_exact(PANEL)) {
                    *out = outputs[row];
                }
            }
        }
    });
}

/// Asserts that a weight has the length of its shape and gives the number of its panels.
fn panels_of(n: usize, k: usize, weight: &[f32]) -> usize {
    assert_eq!(weight.len(), n * k, "a weight of {n} x {k}");
    n.div_ceil(PANEL)
}
