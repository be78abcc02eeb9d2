//! How far a quick start is, for whoever watches: the stage, and the share of it that is done. What is
//! told can change no number.

use std::cell::RefCell;
use std::rc::Rc;

use skillbelt_train::study::Study;
use skillbelt_train::study::cell::{Cell, Work};
use skillbelt_train::study::folder::Standing;
use skillbelt_train::study::plan::Arm;
use skillbelt_train::study::work::{CellEnd, StudyWatch};
use skillbelt_train::watch::{Plan, Stepped, Watch as RunWatch};

/// The parts of a quick start, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Harvest,
    Words,
    Study,
    Report,
    Belt,
}

impl Stage {
    pub const ALL: [Stage; 5] = [
        Stage::Harvest,
        Stage::Words,
        Stage::Study,
        Stage::Report,
        Stage::Belt,
    ];

    /// Counted from 1.
    pub fn number(self) -> usize {
        1 + Stage::ALL.iter().position(|it| *it == self).unwrap_or(0)
    }

    pub fn name(self) -> &'static str {
        match self {
            Stage::Harvest => "making data sets from code",
            Stage::Words => "answering with words alone",
            Stage::Study => "training and asking belts",
            Stage::Report => "comparing",
            Stage::Belt => "shipping the belt",
        }
    }
}

/// Told of what happens.
pub trait Watch {
    fn stage(&mut self, _stage: Stage) {}

    /// This share of the stage is done, and this is what is being done now.
    fn doing(&mut self, _share: f64, _what: &str) {}

    /// Something worth a line of its own.
    fn said(&mut self, _line: &str) {}

    fn warned(&mut self, _warning: &str) {}
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {}

/// Runs are watched apart from the stage that they belong to, so whoever watches is shared.
pub type Shared = Rc<RefCell<dyn Watch>>;

/// What of a training cell's time is learning; the rest is asking.
const LEARNING: f64 = 0.75;
/// What asking all tasks of a cell weighs, where a step of each of its tasks weighs 1 over the run.
const ASKING: f64 = 0.3;

/// Follows the cells of a study.
pub struct Cells {
    watch: Shared,
    weights: Vec<f64>,
    done: f64,
}

impl Cells {
    /// Cells that are finished already weigh nothing.
    pub fn of(study: &Study, watch: Shared) -> Cells {
        let weight = |cell: &Cell| {
            let finished = matches!(study.folder.standing(&cell.key), Ok(Standing::Done(_)));
            match cell.work {
                Work::Train(_) if !finished => Cells::weight(cell),
                _ => 0.0,
            }
        };
        Cells {
            watch,
            weights: study.cells.iter().map(weight).collect(),
            done: 0.0,
        }
    }

    fn weight(cell: &Cell) -> f64 {
        let share = if untrained(cell) { ASKING } else { 1.0 };
        share * cell.tasks.len() as f64
    }

    fn total(&self) -> f64 {
        self.weights.iter().sum::<f64>().max(1e-9)
    }
}

fn untrained(cell: &Cell) -> bool {
    cell.arms.contains(&Arm::Untrained)
}

/// For people, who need not know the name of a cell.
fn called(cell: &Cell) -> String {
    match (&cell.tasks[..], untrained(cell)) {
        (_, true) => "before the first step".to_owned(),
        ([task], _) => format!("{task} alone"),
        (_, _) => "all tasks together".to_owned(),
    }
}

impl StudyWatch for Cells {
    fn began(&mut self, cell: &Cell, place: usize, _cells: usize) -> Box<dyn RunWatch> {
        let total = self.total();
        let weight = self.weights.get(place).copied().unwrap_or_default();
        let run = OfCell {
            watch: Rc::clone(&self.watch),
            called: called(cell),
            from: self.done / total,
            span: weight / total,
            learning: if untrained(cell) { 0.05 } else { LEARNING },
            steps: 1,
            tasks: cell.tasks.len().max(1),
            asked: 0,
        };
        self.done += weight;
        Box::new(run)
    }

    fn ended(&mut self, cell: &Cell, end: &CellEnd) {
        if let CellEnd::Failed { message, .. } = end {
            let line = format!("`{}` failed: {message}", called(cell));
            self.watch.borrow_mut().warned(&line);
        }
    }

    fn waiting(&mut self, cells: usize) {
        let line = format!("waiting for {cells} parts that another process works on");
        self.watch
            .borrow_mut()
            .doing(self.done / self.total(), &line);
    }
}

/// Follows one run.
struct OfCell {
    watch: Shared,
    called: String,
    from: f64,
    span: f64,
    learning: f64,
    steps: u64,
    tasks: usize,
    asked: usize,
}

impl RunWatch for OfCell {
    fn began(&mut self, plan: &Plan) {
        self.steps = plan.steps.max(1);
    }

    fn stepped(&mut self, step: &Stepped) {
        let share = self.learning * step.step as f64 / self.steps as f64;
        let what = format!("{}: step {} of {}", self.called, step.step, self.steps);
        let mut watch = self.watch.borrow_mut();
        watch.doing(self.from + self.span * share, &what);
    }

    fn asking(&mut self, task: &str, _split: &str, rows: usize) {
        let asked = (self.asked.min(self.tasks) as f64) / self.tasks as f64;
        self.asked += 1;
        let share = self.learning + (1.0 - self.learning) * asked;
        let what = format!("{}: asking {rows} test rows of {task}", self.called);
        let mut watch = self.watch.borrow_mut();
        watch.doing(self.from + self.span * share, &what);
    }

    fn warned(&mut self, warning: &str) {
        self.watch.borrow_mut().warned(warning);
    }
}

/// Follows the baselines, of which one task takes as long as another.
pub struct Words {
    pub watch: Shared,
    pub tasks: usize,
    pub begun: usize,
}

impl RunWatch for Words {
    fn asking(&mut self, task: &str, _split: &str, _rows: usize) {
        let share = self.begun as f64 / self.tasks.max(1) as f64;
        self.begun += 1;
        self.watch.borrow_mut().doing(share, task);
    }

    fn warned(&mut self, warning: &str) {
        self.watch.borrow_mut().warned(warning);
    }
}
