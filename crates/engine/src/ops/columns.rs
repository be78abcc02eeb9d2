//! A part of a matrix's columns, for fused maps whose results lie side by side.

use crate::error::{Error, Result};
use crate::tape::Var;

/// The columns of a value from `first` on; how many is for the operation to say.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    pub var: &'a Var,
    pub first: usize,
}

impl<'a> Columns<'a> {
    /// From the first column on.
    pub fn all(var: &'a Var) -> Columns<'a> {
        Columns { var, first: 0 }
    }

    /// Refuses a value that has no `width` columns from `first` on.
    pub(super) fn expect_width(&self, op: &'static str, width: usize) -> Result<()> {
        let fits = self.first.checked_add(width);
        if fits.is_some_and(|end| end <= self.var.cols()) {
            return Ok(());
        }
        Err(Error::shape(
            op,
            format_args!("{width} columns from column {} on", self.first),
            self.var.value().shape_text(),
        ))
    }
}
