//! The tape: values that remember how they were made, and the walk back that turns the gradient of
//! a loss into the gradients of the trained parameters.
//!
//! A value that no trained parameter reaches remembers nothing, so nothing is computed backwards
//! below the lowest trained place. What an operation needs for its way back it keeps itself;
//! everything else is freed as soon as the forward code lets go of it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::keep::{Keep, Kept, Rebuild};
use crate::kernel::Isa;
use crate::mat::Mat;
use crate::param::{Grads, Param};
use crate::random::Stream;

/// One run of a model over one batch: what is recorded, what is kept, where randomness comes from.
pub struct Pass {
    recording: bool,
    recompute: bool,
    keep: Keep,
    randomness: Option<(u64, u64)>,
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
        Var {
            node,
            ..Var::plain(param.value())
        }
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
        Var {
            node,
            ..Var::plain(Arc::new(value))
        }
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
                    .map(|(place, (input, needed))| Var {
                        node: needed.then(|| again.node(Source::Doorway(place))),
                        ..input
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
        Ok(Var {
            node: Some(node),
            ..value
        })
    }

    fn settings(&self, recording: bool) -> Pass {
        Pass {
            recording,
            recompute: false,
            keep: self.keep,
            randomness: self.randomness,
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
        Var {
            node,
            ..input.clone()
        }
    }

    fn node(&self, source: Source) -> Rc<Node> {
        let order = self.next.get();
        self.next.set(order + 1);
        Rc::new(Node { order, source })
    }
}

/// A matrix on the tape. Cloning it shares the numbers.
#[derive(Clone)]
pub struct Var {
    value: Arc<Mat>,
    node: Option<Rc<Node>>,
    half: Rc<OnceCell<Kept>>,
    rebuild: Option<Rebuild>,
}

impl Var {
    fn plain(value: Arc<Mat>) -> Var {
        Var {
            value,
            node: None,
            half: Rc::default(),
            rebuild: None,
        }
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
        match pass.keep {
            Keep::Exact => Kept::Exact(Arc::clone(&self.value)),
            Keep::Half => self.half.get_or_init(|| Kept::half(&self.value)).clone(),
        }
    }
}

/// How a value came to be.
struct Node {
    /// Ascends along the forward pass, so that descending order is a valid way back.
    order: u64,
    source: Source,
}

type WayBack = Box<dyn FnOnce(Mat, &mut Flow<'_>) -> Result<()>>;

enum Source {
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
    inputs: &'a [Option<Rc<Node>>],
    pending: &'a mut BTreeMap<u64, (Rc<Node>, Mat)>,
    grads: &'a mut Grads,
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

fn walk_back(
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
