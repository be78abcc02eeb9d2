//! A value on the tape: a matrix, how it was made, and how it is put aside.
//!
//! It computes nothing: operations do.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::Pass;
use super::walk::Node;
use crate::keep::{Keep, Kept, Rebuild};
use crate::mat::Mat;

/// A matrix on the tape. Cloning it shares the numbers.
#[derive(Clone)]
pub struct Var {
    pub(super) value: Arc<Mat>,
    pub(super) node: Option<Rc<Node>>,
    half: Rc<OnceCell<Kept>>,
    rebuild: Option<Rebuild>,
}

impl Var {
    pub(super) fn plain(value: Arc<Mat>) -> Var {
        Var {
            value,
            node: None,
            half: Rc::default(),
            rebuild: None,
        }
    }

    /// The same value, made in this way.
    pub(super) fn under(self, node: Option<Rc<Node>>) -> Var {
        Var { node, ..self }
    }

    pub fn value(&self) -> &Mat {
        &self.value
    }

    pub fn rows(&self) -> usize {
        self.value.rows()
    }

    pub fn cols(&self) -> usize {
        self.value.cols()
    }

    pub fn shape(&self) -> (usize, usize) {
        self.value.shape()
    }

    /// Whether a gradient flows through here.
    pub fn needs_gradient(&self) -> bool {
        self.node.is_some()
    }

    /// Whether two handles stand for one value on the tape.
    pub fn is_same(&self, other: &Var) -> bool {
        Arc::ptr_eq(&self.value, &other.value)
    }

    /// A single number, the usual form of a loss.
    pub fn scalar(&self) -> f32 {
        self.value.data()[0]
    }

    /// The numbers, shared with whoever else holds them.
    pub fn share(&self) -> Arc<Mat> {
        Arc::clone(&self.value)
    }

    /// The matrix itself, copied only if somebody else still holds it.
    pub fn into_mat(self) -> Mat {
        drop(self.node);
        Arc::try_unwrap(self.value).unwrap_or_else(|shared| (*shared).clone())
    }

    /// Says that this value can be made again from things that are kept anyway.
    pub fn with_rebuild(self, rebuild: Rebuild) -> Var {
        Var {
            rebuild: Some(rebuild),
            ..self
        }
    }

    /// What an operation puts aside for its way back, as the pass wants it kept. The same value is
    /// put aside once however many operations ask.
    pub fn kept(&self, pass: &Pass) -> Kept {
        if let Some(rebuild) = &self.rebuild {
            return Kept::Rebuilt(Rc::clone(rebuild));
        }
        match pass.keep() {
            Keep::Exact => Kept::Exact(Arc::clone(&self.value)),
            Keep::Half => self.half.get_or_init(|| Kept::half(&self.value)).clone(),
        }
    }
}
