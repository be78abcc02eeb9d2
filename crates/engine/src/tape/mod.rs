//! The tape: values that remember how they were made, and the walk back that turns the gradient of
//! a loss into the gradients of the trained parameters.
//!
//! A value that no trained parameter reaches remembers nothing, so nothing is computed backwards
//! below the lowest trained place. What an operation needs for its way back it keeps itself;
//! everything else is freed as soon as the forward code lets go of it.

mod var;
mod walk;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::Result;
use crate::keep::Keep;
use crate::kernel::Isa;
use crate::mat::Mat;
use crate::param::Param;
use crate::random::Stream;

pub use var::Var;
pub use walk::{Flow, backward, backward_from};
use walk::{Node, Source, walk_back};

/// One run of a model over one batch: what is recorded, what is kept, where randomness comes from.
pub struct Pass {
    recording: bool,
    recompute: bool,
    keep: Keep,
    randomness: Option<(u64, u64)>,
    task: Option<usize>,
    isa: Isa,
    next: Cell<u64>,
}

impl Pass {
    /// Nothing is recorded and nothing is random.
    pub fn inference() -> Pass {
        Pass {
            recording: false,
            recompute: false,
            keep: Keep::Exact,
            randomness: None,
            task: None,
            isa: Isa::chosen(),
            next: Cell::new(0),
        }
    }

    /// As `inference`, for passes that each read a few tokens of every text. How many they are must
    /// not show in the numbers, so the choice is made here, once for all passes over a text.
    pub fn writing() -> Pass {
        Pass {
            isa: Isa::chosen().for_few_rows(),
            ..Pass::inference()
        }
    }

    /// Everything that a trained parameter reaches is recorded; no dropout.
    pub fn recording() -> Pass {
        Pass {
            recording: true,
            ..Pass::inference()
        }
    }

    /// As `recording`, with dropout drawn from this seed and step.
    pub fn training(seed: u64, step: u64) -> Pass {
        Pass {
            randomness: Some((seed, step)),
            ..Pass::recording()
        }
    }

    /// Blocks keep only their inputs and are run again on the way back: less memory, more time,
    /// the same result to the bit.
    pub fn with_recompute(self, recompute: bool) -> Pass {
        Pass { recompute, ..self }
    }

    /// How operations keep what they need for the way back.
    pub fn with_keep(self, keep: Keep) -> Pass {
        Pass { keep, ..self }
    }

    /// The same pass without its tape: the same random numbers, so the same values to the bit, and no
    /// memory for a way back. For losses over more texts than fit in one pass: values first, the way
    /// back of each part later.
    pub fn without_recording(self) -> Pass {
        Pass {
            recording: false,
            recompute: false,
            ..self
        }
    }

    /// The one task that all of the batch belongs to, by its place in the belt's list. Maps whose
    /// belt has parts of its own for each task use those of this one.
    pub fn with_task(self, task: usize) -> Pass {
        Pass {
            task: Some(task),
            ..self
        }
    }

    /// Another instruction set than the chosen one.
    pub fn with_isa(self, isa: Isa) -> Pass {
        Pass { isa, ..self }
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }

    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// The task that the pass is for, if it was told one.
    pub fn task(&self) -> Option<usize> {
        self.task
    }

    /// The random numbers of a named place, if this pass has randomness at all.
    pub fn stream(&self, place: &str) -> Option<Stream> {
        self.randomness
            .map(|(seed, step)| Stream::new(seed, step, place))
    }

    /// A value that comes from outside and gets no gradient.
    pub fn constant(&self, value: Mat) -> Var {
        Var::plain(Arc::new(value))
    }

    /// A parameter as a value; its gradient is collected if it is trained.
    pub fn leaf(&self, param: &Param) -> Var {
        let node =
            (self.recording && param.is_trained()).then(|| self.node(Source::Param(param.clone())));
        Var::plain(param.value()).under(node)
    }

    /// The result of an operation on `inputs`. If a gradient can flow, `way_back` is asked for the
    /// operation's backward step, which takes what it keeps with it.
    ///
    /// An input may be absent (`None`); it keeps its place in the numbering of the inputs.
    pub fn record<'v, F>(
        &self,
        value: Mat,
        inputs: &[impl Into<Option<&'v Var>> + Copy],
        way_back: impl FnOnce() -> F,
    ) -> Var
    where
        F: FnOnce(Mat, &mut Flow<'_>) -> Result<()> + 'static,
    {
        let nodes: Vec<Option<Rc<Node>>> = inputs
            .iter()
            .map(|input| (*input).into().and_then(|var| var.node.clone()))
            .collect();
        let flows = self.recording && nodes.iter().any(Option::is_some);
        let node = flows.then(|| {
            self.node(Source::Operation {
                inputs: nodes,
                way_back: RefCell::new(Some(Box::new(way_back()))),
            })
        });
        Var::plain(Arc::new(value)).under(node)
    }

    /// Runs a block of a model. With recomputation it keeps only the inputs; without, the gradients
    /// of each input are still summed within the block first, so that both ways add in one order.
    pub fn block(
        &self,
        inputs: &[&Var],
        run: impl Fn(&Pass, &[Var]) -> Result<Var> + 'static,
    ) -> Result<Var> {
        if !self.recording {
            let inputs: Vec<Var> = inputs.iter().map(|input| (*input).clone()).collect();
            return run(self, &inputs);
        }
        if !self.recompute {
            let inputs: Vec<Var> = inputs.iter().map(|input| self.doorway(input)).collect();
            return run(self, &inputs);
        }
        self.recomputed_block(inputs, run)
    }

    fn recomputed_block(
        &self,
        inputs: &[&Var],
        run: impl Fn(&Pass, &[Var]) -> Result<Var> + 'static,
    ) -> Result<Var> {
        let plain: Vec<Var> = inputs
            .iter()
            .map(|input| Var::plain(Arc::clone(&input.value)))
            .collect();
        let needed: Vec<bool> = inputs.iter().map(|input| input.needs_gradient()).collect();
        let again = self.settings(true);
        let value = if needed.contains(&true) {
            run(&self.settings(false), &plain)?
        } else {
            // Only trained parameters inside the block could need the way back: look for them.
            let value = run(&again, &plain)?;
            if !value.needs_gradient() {
                return Ok(value);
            }
            Var::plain(value.value)
        };
        let node = self.node(Source::Operation {
            inputs: inputs.iter().map(|input| input.node.clone()).collect(),
            way_back: RefCell::new(Some(Box::new(move |dy, flow| {
                let inputs: Vec<Var> = plain
                    .into_iter()
                    .zip(&needed)
                    .enumerate()
                    .map(|(place, (input, needed))| {
                        input.under(needed.then(|| again.node(Source::Doorway(place))))
                    })
                    .collect();
                let output = run(&again, &inputs)?;
                drop(inputs);
                let mut found = BTreeMap::new();
                walk_back(&output, dy, flow.grads, &mut found)?;
                for (place, grad) in found {
                    flow.give(place, grad);
                }
                Ok(())
            }))),
        });
        Ok(value.under(Some(node)))
    }

    fn settings(&self, recording: bool) -> Pass {
        Pass {
            recording,
            recompute: false,
            keep: self.keep,
            randomness: self.randomness,
            task: self.task,
            isa: self.isa,
            next: Cell::new(0),
        }
    }

    /// The same value under a node of its own.
    fn doorway(&self, input: &Var) -> Var {
        let node = input.node.clone().map(|node| {
            self.node(Source::Operation {
                inputs: vec![Some(node)],
                way_back: RefCell::new(Some(Box::new(|dy, flow| {
                    flow.give(0, dy);
                    Ok(())
                }))),
            })
        });
        input.clone().under(node)
    }

    fn node(&self, source: Source) -> Rc<Node> {
        let order = self.next.get();
        self.next.set(order + 1);
        Rc::new(Node { order, source })
    }
}
