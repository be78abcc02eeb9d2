//! What a study found, as `results.json` holds it: the machine's twin of the page. Types and their
//! meaning only; nothing is computed here.
//!
//! All measures are fractions, never hundreds. A number that is missing is `null` or its row is not
//! there; it is never zero. Every difference stands with its interval: where no interval could be
//! made, `interval`, `p` and `p_holm` are `null` together, and the difference means nothing.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::study::trial::{Foreseen, ForeseenPair, GroupRegret, PairRegret, Trial};

/// The form of the file; another number is another form.
pub const FORMAT: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that wrote this.
    pub program: String,
    /// Changes whenever the program computes other numbers from the same recipe.
    pub numbers: u32,
    pub study: Facts,
    pub state: State,
    /// What a reader must know before trusting a number: cells from machines that round otherwise,
    /// measures without a value.
    pub warnings: Vec<String>,
    /// In the order of the plan.
    pub cells: Vec<Cell>,
    pub tables: Tables,
}

/// What the study was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The name of the plan's file, without its ending.
    pub name: String,
    /// The text of the plan.
    pub plan: String,
    pub tasks: Vec<TaskFacts>,
    pub bases: Vec<BaseFacts>,
    pub belts: Vec<BeltFacts>,
    pub arms: Vec<String>,
    pub seeds: Vec<u64>,
    /// Steps that every task takes in every arm.
    pub steps: u64,
    pub bootstrap: Bootstrap,
}

/// How intervals and p were made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    pub draws: u64,
    pub seed: u64,
    /// The share of the draws inside an interval: 0.95.
    pub inside: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFacts {
    pub name: String,
    /// `classify`, `pair`, `retrieve`, `generate`.
    pub kind: String,
    /// The measure that all tables are made of: `auc`, `mrr`, ..
    pub measure: String,
    /// Whether more of it is better.
    pub rises: bool,
    /// Rows of the test split with a known truth; nothing before the first finished cell.
    pub test_examples: Option<u64>,
    /// Rows of the task in one step.
    pub batch_size: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFacts {
    /// As the plan calls it.
    pub name: String,
    /// Of its weights and of what is read beside them; nothing if the base could not be opened.
    pub content_hash: Option<String>,
    /// How frozen weights are held, unless a belt says otherwise: `f32`, `int8`, ..
    pub precision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeltFacts {
    /// As the plan calls it.
    pub name: String,
    /// `lora`, `seq_bn`, .., `full`; `prompt` for what is asked and not trained, `words` for answers of
    /// `skillbelt baseline`.
    pub kind: String,
    /// All settings of the section `belt`, by key.
    pub settings: IndexMap<String, Value>,
    /// The same in every arm; nothing where nothing is trained.
    pub learning_rate: Option<f64>,
}

/// How far the study has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub cells: u64,
    pub done: u64,
    pub running: u64,
    pub waiting: u64,
    pub failed: u64,
    pub damaged: u64,
}

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Its answers are in.
    Done,
    /// Somebody works on it.
    Running,
    /// Not begun, or stopped halfway; whoever comes goes on.
    Waiting,
    /// It was tried and could not be done.
    Failed,
    /// It was done, and its files are no longer what they were.
    Damaged,
}

/// One run: a base, a belt, a set of tasks and a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Hash of all that determines it; its folder is `cells/KEY`.
    pub key: String,
    /// For people: `minilm lora defect+clone 0`.
    pub name: String,
    pub base: String,
    pub belt: String,
    /// The arms that it stands in: `single`, `multi`, `pairs`, `leave_one_out`, `full`, `prompted`,
    /// `untrained`. One cell may serve several.
    pub arms: Vec<String>,
    /// Trained together, in the order of the plan.
    pub tasks: Vec<String>,
    pub seed: u64,
    pub state: CellState,
    /// Why it failed or is damaged; who works on it.
    pub message: Option<String>,
    /// Only of a cell that is done.
    pub outcome: Option<Outcome>,
}

/// What a finished cell says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// By task, in the order of the cell's tasks.
    pub tasks: IndexMap<String, TaskOutcome>,
    pub cost: Cost,
    /// The resolved recipe, each value with its origin. Paths are relative to the plan's folder.
    pub recipe: String,
    /// As `run.json` has it: `cpu`, `cores`, `threads`, `memory_kib`, `kernel`, `system`, `architecture`.
    pub machine: Value,
    /// Only of a cell that was asked and not trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What asking a model in words took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// A base by the hash of its weights, or an endpoint's address and model.
    pub model: Value,
    pub prompts: u64,
    /// Prompts of which no answer could be read, by reason; each was measured as the worst answer.
    pub failures: IndexMap<String, u64>,
    /// Their share.
    pub failure_rate: f64,
    /// Of an endpoint: as it counted them, and by the prices of the plan.
    pub tokens_read: Option<u64>,
    pub tokens_written: Option<u64>,
    pub cost: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Tokens that were read in training.
    pub tokens: u64,
    /// From the first step to the belt, evaluation included; all stretches of a run that went on. Of
    /// a cell that was asked, the last stretch.
    pub seconds: f64,
    /// Of the process that finished the cell, measured anew for each cell where the system can;
    /// elsewhere the largest of all cells that the process has run so far.
    pub peak_memory_kib: Option<u64>,
    pub joules: Option<f64>,
    /// Numbers that are trained, heads included.
    pub trained_parameters: u64,
    /// Bytes of the belt's folder.
    pub stored_bytes: u64,
    pub steps: u64,
    /// The step whose belt was shipped and tested.
    pub shipped_step: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOutcome {
    pub test: Option<Measured>,
    /// At the shipped moment. Its answers are not kept, so it has no interval.
    pub valid: Option<Measured>,
    pub curve: Curve,
}

/// A split that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Answered rows with a known truth, where it was counted.
    pub examples: Option<u64>,
    /// The task's own measure.
    pub value: Option<f64>,
    /// Over examples alone: this run against others with the same seed and data.
    pub interval: Option<Interval>,
    /// All measures; for retrieval `pool` is the number of candidates.
    pub measures: IndexMap<String, Option<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// How a task was learnt: pairs of a step and a value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Mean loss since the point before.
    pub train_loss: Vec<(u64, f64)>,
    /// The task's own measure on validation rows.
    pub valid: Vec<(u64, f64)>,
}

/// Everything that is derived from the cells. Rows whose cells are not all done are made of the
/// seeds that are there, and say so by their `seeds`; rows without any seed are not there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Every task in every set of tasks that it was trained in.
    pub means: Vec<Mean>,
    /// All tasks together against the task alone, same belt.
    pub multi_minus_single: Vec<Comparison>,
    /// A belt against full fine-tuning of the task alone.
    pub belt_minus_full: Vec<Comparison>,
    /// `task` trained with one other against `task` alone: the matrix's cell of row `task` and
    /// column `partner`.
    pub pairs: Vec<Comparison>,
    /// `task` trained with all against all but `partner`: what `partner` gives to `task` among all.
    pub leave_one_out: Vec<Comparison>,
    /// A belt, alone and with all, against the same belt before its first step.
    pub trained_minus_untrained: Vec<Comparison>,
    /// A belt, alone and with all, against prompting and against words alone.
    pub belt_minus_prompted: Vec<Comparison>,
    /// A belt on a base against the same belt on random weights of its shape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pretrained_minus_random: Vec<Comparison>,
    /// Ways to serve all tasks by the belts that were trained, best first for each base and belt.
    pub groupings: Vec<Grouping>,
    /// What the adviser foresaw from the cells of all tasks, against the pairs that were trained; of
    /// cells that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreseen: Vec<Foreseen>,
}

/// A task's measure on the test rows, over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    pub task: String,
    pub base: String,
    pub belt: String,
    /// The arms of these cells, as in [`Cell::arms`].
    pub arms: Vec<String>,
    /// The tasks that were trained together; `task` is one of them.
    pub tasks: Vec<String>,
    pub mean: f64,
    /// Over examples and seeds.
    pub interval: Option<Interval>,
    /// Each seed's own value.
    pub seeds: Vec<SeedValue>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedValue {
    pub seed: u64,
    pub value: f64,
    /// The cell that it is from.
    pub cell: String,
}

/// Two ways to train one task, by the same test rows and the same seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    pub task: String,
    pub base: String,
    pub a: Side,
    pub b: Side,
    /// The other task of a pair, or the one left out.
    pub partner: Option<String>,
    /// Mean over seeds of a minus b, in the measure's own direction (see `rises` of the task).
    pub difference: f64,
    /// Over examples and seeds, paired.
    pub interval: Option<Interval>,
    /// Two-sided, by the same draws.
    pub p: Option<f64>,
    /// Corrected for all rows of this table by Holm.
    pub p_holm: Option<f64>,
    /// Each seed's own two values.
    pub seeds: Vec<SeedPair>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Where it is another than that of the comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    pub belt: String,
    /// The arms of these cells, as in [`Cell::arms`].
    pub arms: Vec<String>,
    pub tasks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPair {
    pub seed: u64,
    pub a: f64,
    pub b: f64,
    /// The cells that they are from.
    pub a_cell: String,
    pub b_cell: String,
}

/// A way to serve all tasks: tasks of one group share a belt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    pub base: String,
    pub belt: String,
    pub groups: Vec<Vec<String>>,
    /// Mean over tasks and seeds of the tasks' own measures, those that fall taken negative.
    pub mean: f64,
    pub interval: Option<Interval>,
    /// How much worse than the best grouping of this base and belt. The best was chosen by the same
    /// rows, so that regret is, if anything, told too large.
    pub regret: f64,
    pub regret_interval: Option<Interval>,
    /// By task: how much worse than in the best group found for that task, and its interval.
    pub task_regrets: IndexMap<String, Regret>,
    pub seeds: Vec<u64>,
    /// To train all its belts: means over seeds of sums over groups; memory is the largest.
    pub cost: Cost,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regret {
    pub regret: f64,
    pub interval: Option<Interval>,
}
