//! Right operands as panels: blocks `[depth x PANEL]` of f32, borrowed where they are stored so and
//! made in scratch memory where they are not.
//!
//! A source of panels knows how its numbers are stored. It knows nothing of the left operand.

use std::ops::Range;

use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL};

/// The right operand of a product, `[depth x columns]`, by panels of `PANEL` columns.
pub trait Panels: Sync {
    /// Steps of the sum.
    fn depth(&self) -> usize;
    /// Columns of the result.
    fn columns(&self) -> usize;
    /// Whether panels are borrowed, so that asking for one again costs nothing.
    fn stored(&self) -> bool {
        false
    }
    /// Whether every number is a bf16, widened: then products need fewer steps, and get the same bits.
    fn is_bf16(&self) -> bool {
        false
    }
    /// Rows `steps` of panel `panel`: `[steps x PANEL]`, with anything in columns beyond the last.
    /// `scratch` holds at least so many numbers; what is returned may lie in it.
    ///
    /// `steps` begins at a multiple of `PANEL`.
    fn block<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        steps: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32];
}

/// A frozen weight `[N x K]` stored once, in panels of the forward direction: panel `p` is
/// `[K x PANEL]` and holds outputs `p * PANEL ..`.
pub trait Packed: Sync {
    /// `N`.
    fn outputs(&self) -> usize;
    /// `K`.
    fn inputs(&self) -> usize;
    /// Inputs `inputs` of panel `panel`, as `Panels::block` for the forward direction.
    fn decoded<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        inputs: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32];
    /// Whether `decoded` borrows.
    fn stored(&self) -> bool {
        false
    }
    /// As `Panels::is_bf16`.
    fn is_bf16(&self) -> bool {
        false
    }
    /// Asks the memory for what `decoded` will read; a panel that does not exist is no mistake.
    fn fetch(&self, panel: usize, inputs: Range<usize>);
}

/// `y = x W^T`: the panels as they are stored.
pub struct Forward<'a, W: Packed>(pub &'a W);

impl<W: Packed> Panels for Forward<'_, W> {
    fn depth(&self) -> usize {
        self.0.inputs()
    }

    fn columns(&self) -> usize {
        self.0.outputs()
    }

    fn stored(&self) -> bool {
        self.0.stored()
    }

    fn is_bf16(&self) -> bool {
        self.0.is_bf16()
    }

    fn block<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        steps: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        self.0.decoded(isa, panel, steps, scratch)
    }
}

/// `dx = dy W`: panel `q` is `[N x PANEL]` and holds inputs `q * PANEL ..`, made by transposing
/// blocks of the stored panels, each of which is one stretch of memory.
pub struct Backward<'a, W: Packed>(pub &'a W);

impl<W: Packed> Panels for Backward<'_, W> {
    fn depth(&self) -> usize {
        self.0.outputs()
    }

    fn columns(&self) -> usize {
        self.0.inputs()
    }

    fn is_bf16(&self) -> bool {
        self.0.is_bf16()
    }

    fn block<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        steps: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let inputs = panel * PANEL..((panel + 1) * PANEL).min(self.0.inputs());
        let scratch = &mut scratch[..steps.len() * PANEL];
        let mut buffer = [0.0; PANEL * PANEL];
        for (source, to) in (steps.start / PANEL..).zip(scratch.chunks_mut(PANEL * PANEL)) {
            self.0.fetch(source + 1, inputs.clone());
            let block = self.0.decoded(isa, source, inputs.clone(), &mut buffer);
            let shape = (inputs.len(), to.len() / PANEL);
            transpose(isa, shape, (block, PANEL), (to, PANEL));
        }
        scratch
    }
}

/// A matrix `[depth x columns]` with contiguous rows, as it lies: trained weights in the backward
/// direction, activations in a weight's gradient.
pub struct Rows<'a> {
    pub data: &'a [f32],
    /// Numbers from one row to the next.
    pub row: usize,
    pub depth: usize,
    pub columns: usize,
}

impl Panels for Rows<'_> {
    fn depth(&self) -> usize {
        self.depth
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn block<'s>(
        &'s self,
        _isa: Isa,
        panel: usize,
        steps: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let from = panel * PANEL;
        let width = PANEL.min(self.columns - from);
        let scratch = &mut scratch[..steps.len() * PANEL];
        for (k, to) in steps.zip(scratch.chunks_exact_mut(PANEL)) {
            let row = &self.data[k * self.row + from..][..width];
            match <&[f32; PANEL]>::try_from(row) {
                Ok(row) => to.copy_from_slice(row),
                Err(_) => to[..width].copy_from_slice(row),
            }
        }
        scratch
    }
}

/// The transpose of a matrix `[columns x depth]` with contiguous rows: trained weights `[N x K]` in
/// the forward direction.
pub struct Turned<'a> {
    pub data: &'a [f32],
    pub depth: usize,
    pub columns: usize,
}

impl Panels for Turned<'_> {
    fn depth(&self) -> usize {
        self.depth
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn block<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        steps: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let rows = panel * PANEL..((panel + 1) * PANEL).min(self.columns);
        let scratch = &mut scratch[..steps.len() * PANEL];
        let from = &self.data[rows.start * self.depth + steps.start..];
        let shape = (rows.len(), steps.len());
        transpose(isa, shape, (from, self.depth), (scratch, PANEL));
        scratch
    }
}
