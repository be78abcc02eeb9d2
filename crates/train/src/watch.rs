//! Who watches a run: progress for people, in whatever form. The loop only tells; nothing that a
//! watcher does can change a number.

/// What a run is going to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub tasks: Vec<PlannedTask>,
    pub steps: u64,
    /// Steps per walk over the training rows of all tasks.
    pub steps_per_epoch: f64,
    /// Where it begins: more than 0 when it goes on from a checkpoint.
    pub first_step: u64,
    /// Numbers that are trained.
    pub trained: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTask {
    pub name: String,
    pub rows: usize,
    pub batch_size: usize,
}

/// One step, done.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// Steps done so far.
    pub step: u64,
    pub epoch: f64,
    pub learning_rate: f64,
    pub grad_norm: f64,
    /// The tasks of this step.
    pub tasks: Vec<SteppedTask>,
    /// Tokens that the network read in this step.
    pub tokens: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SteppedTask {
    pub task: usize,
    pub loss: f64,
    pub weight: f64,
}

/// Told of what happens, in the order in which it happens.
pub trait Watch {
    fn began(&mut self, _plan: &Plan) {}

    fn stepped(&mut self, _step: &Stepped) {}

    /// Rows of a split are about to be asked.
    fn asking(&mut self, _task: &str, _split: &str, _rows: usize) {}

    fn measured(
        &mut self,
        _step: u64,
        _task: &str,
        _split: &str,
        _measures: &[(&'static str, f64)],
    ) {
    }

    /// A task has left the mix.
    fn frozen(&mut self, _step: u64, _task: &str) {}

    fn saved(&mut self, _step: u64) {}

    /// What is being done before the first step.
    fn told(&mut self, _text: &str) {}

    /// Something that a person should know before trusting the result.
    fn warned(&mut self, _warning: &str) {}

    /// Nothing more will come.
    fn ended(&mut self) {}
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {}
