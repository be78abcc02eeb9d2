//! The walk back: from the gradient of a result to those of the trained parameters, in descending
//! order of how values came to be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Var;
use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::param::{Grads, Param};

/// How a value came to be.
pub(super) struct Node {
    /// Ascends along the forward pass, so that descending order is a valid way back.
    pub(super) order: u64,
    pub(super) source: Source,
}

pub(super) type WayBack = Box<dyn FnOnce(Mat, &mut Flow<'_>) -> Result<()>>;

pub(super) enum Source {
    Param(Param),
    /// Input of a block that is being run again.
    Doorway(usize),
    Operation {
        inputs: Vec<Option<Rc<Node>>>,
        way_back: RefCell<Option<WayBack>>,
    },
}

/// Where an operation's way back delivers the gradients of its inputs.
pub struct Flow<'a> {
    pub(super) inputs: &'a [Option<Rc<Node>>],
    pub(super) pending: &'a mut BTreeMap<u64, (Rc<Node>, Mat)>,
    pub(super) grads: &'a mut Grads,
}

impl Flow<'_> {
    /// Whether the gradient of this input is wanted at all.
    pub fn needs(&self, input: usize) -> bool {
        self.inputs[input].is_some()
    }

    /// Adds to the gradient of an input; ignored where none is wanted.
    pub fn give(&mut self, input: usize, grad: Mat) {
        let Some(node) = &self.inputs[input] else {
            return;
        };
        match self.pending.get_mut(&node.order) {
            Some((_, sum)) => sum.add_assign(&grad),
            None => {
                self.pending.insert(node.order, (Rc::clone(node), grad));
            }
        }
    }
}

/// Walks back from a loss (one number) and adds the gradients of `scale * loss` to `grads`.
/// A part of the tape can be walked once: what it kept is freed on the way.
pub fn backward(loss: &Var, scale: f32, grads: &mut Grads) -> Result<()> {
    if loss.shape() != (1, 1) {
        return Err(Error::shape(
            "backward",
            "a loss of one number",
            loss.value.shape_text(),
        ));
    }
    backward_from(loss, Mat::scalar(scale), grads)
}

/// Walks back from any value with the gradient that arrives there.
pub fn backward_from(output: &Var, gradient: Mat, grads: &mut Grads) -> Result<()> {
    if gradient.shape() != output.shape() {
        return Err(Error::shape(
            "backward",
            output.value.shape_text(),
            gradient.shape_text(),
        ));
    }
    walk_back(output, gradient, grads, &mut BTreeMap::new())
}

pub(super) fn walk_back(
    output: &Var,
    gradient: Mat,
    grads: &mut Grads,
    doorways: &mut BTreeMap<usize, Mat>,
) -> Result<()> {
    let mut pending = BTreeMap::new();
    if let Some(node) = &output.node {
        pending.insert(node.order, (Rc::clone(node), gradient));
    }
    while let Some((_, (node, gradient))) = pending.pop_last() {
        match &node.source {
            Source::Param(param) => grads.add(param, gradient),
            Source::Doorway(place) => {
                doorways.insert(*place, gradient);
            }
            Source::Operation { inputs, way_back } => {
                let way_back = way_back.borrow_mut().take().ok_or(Error::Setting {
                    op: "backward",
                    reason: "this part of the tape was walked before".into(),
                })?;
                let mut flow = Flow {
                    inputs,
                    pending: &mut pending,
                    grads,
                };
                way_back(gradient, &mut flow)?;
            }
        }
    }
    Ok(())
}
