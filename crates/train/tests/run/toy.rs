//! A task that needs no network: points on a line with noise, learnt by a shared slope (the belt)
//! and an offset of its own (the head). Fast, exact, and it draws from the pass's randomness.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skillbelt_engine::ops::Linear;
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Mat, Param, Pass, Var};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{Batch, Memory, Network, Shape, Sizes};
use skillbelt_model::belt::sites::Sites;
use skillbelt_train::data::{Rejection, Row};
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::error::Result;
use skillbelt_train::recipe::{Evaluation, Training};
use skillbelt_train::run::{Finished, Note, Papers, Prepared, RunOptions, Workshop, run};
use skillbelt_train::task::{Answer, Encoded, Item, Learnt, Measures, Objective, Set, Stage};
use skillbelt_train::watch::Watch;

/// Width of the belt; more than eight-bit moments begin at.
pub const WIDTH: usize = 4200;

/// A network that nobody asks.
pub struct NoNetwork;

impl Network for NoNetwork {
    fn family(&self) -> &'static str {
        "none"
    }
    fn shape(&self) -> Shape {
        Shape::Encoder
    }
    fn sizes(&self) -> Sizes {
        Sizes {
            width: 1,
            layers: 0,
            heads: 1,
            kv_heads: 1,
            head_width: 1,
            vocabulary: 1,
            positions: None,
        }
    }
    fn hidden(&self, _: &Pass, _: &Batch, _: Option<&mut Memory>) -> skillbelt_model::Result<Var> {
        Err(self.cannot("be asked"))
    }
    fn head(&self) -> Option<&Linear> {
        None
    }
    fn linears_mut(&mut self) -> skillbelt_model::Result<Vec<&mut Linear>> {
        Ok(Vec::new())
    }
    fn sites_mut(&mut self) -> skillbelt_model::Result<Vec<&mut Sites>> {
        Ok(Vec::new())
    }
    fn params(&self) -> Vec<Param> {
        Vec::new()
    }
}

/// Row `i` of a task: inputs by counter, the answer a task's own mixture of them.
pub struct Points {
    pub name: &'static str,
    pub belt: Param,
    pub head: Param,
    /// Times the answers, so that tasks have losses of unequal size.
    pub size: f32,
    /// Noise on the answers from the pass's randomness, as dropout would have it.
    pub noise: f32,
    /// The batch from which on losses are no numbers.
    pub breaks_at: Option<u64>,
}

impl Points {
    fn input(&self, row: u32, place: usize) -> f32 {
        Stream::new(9, u64::from(row), self.name).normal(place as u64) * (1.0 / 16.0)
    }

    fn error(&self, row: u32, noise: f32) -> (Vec<f32>, f32) {
        // Only every 64th number is looked at by a row, so that the toy stays fast.
        let places = (row as usize % 64..WIDTH).step_by(64);
        let inputs: Vec<f32> = places.clone().map(|place| self.input(row, place)).collect();
        let goal: f32 = inputs.iter().sum::<f32>() * self.size + self.size;
        let value = self.belt.value();
        let found: f32 = places.zip(&inputs).map(|(p, x)| value.data()[p] * x).sum();
        let found = found + self.head.value().data()[0];
        (inputs, found - goal + noise)
    }

    fn mean(&self, set: &Set) -> f64 {
        let squares = set
            .items
            .iter()
            .map(|item| f64::from(self.error(item.label, 0.0).1).powi(2));
        squares.sum::<f64>() / set.items.len() as f64
    }
}

impl Objective for Points {
    fn encode(&self, row: Row, _: &Tokenizer) -> Result<std::result::Result<Encoded, Rejection>> {
        Ok(Err(Rejection {
            place: row.place,
            reason: "a toy takes no rows",
            detail: String::new(),
        }))
    }

    fn params(&self) -> Vec<Param> {
        vec![self.head.clone()]
    }

    fn learn(
        &self,
        stage: &Stage<'_>,
        set: &Set,
        batch: &[usize],
        factor: f32,
        grads: &mut Grads,
    ) -> Result<Learnt> {
        let stream = stage.learning(0).stream("noise").unwrap();
        let mut belt = Mat::zeros(1, WIDTH);
        let (mut head, mut loss) = (0.0, 0.0f64);
        let by = factor * 2.0 / batch.len() as f32;
        for (at, place) in batch.iter().enumerate() {
            let row = set.items[*place].label;
            let (inputs, error) = self.error(row, self.noise * stream.normal(at as u64));
            let places = (row as usize % 64..WIDTH).step_by(64);
            for (place, input) in places.zip(inputs) {
                belt.data_mut()[place] += by * error * input;
            }
            head += by * error;
            loss += f64::from(error).powi(2) / batch.len() as f64;
        }
        grads.add(&self.belt, belt);
        grads.add(&self.head, Mat::scalar(head));
        if self.breaks_at.is_some_and(|step| stage.step >= step) {
            loss = f64::NAN;
        }
        Ok(Learnt {
            loss,
            units: batch.len() as u64,
            tokens: 10 * batch.len() as u64,
        })
    }

    fn answer(&self, _: &Stage<'_>, set: &Set) -> Result<Vec<Answer>> {
        let error = |item: &Item| Answer::Scores(vec![self.error(item.label, 0.0).1]);
        Ok(set.items.iter().map(error).collect())
    }

    fn loss(&self, _: &Stage<'_>, set: &Set) -> Result<Learnt> {
        Ok(Learnt {
            loss: self.mean(set),
            units: set.items.len() as u64,
            tokens: 0,
        })
    }

    fn measure(&self, set: &Set, answers: &[Answer]) -> Measures {
        assert_eq!(set.items.len(), answers.len());
        vec![("error", self.mean(set)), ("rows", answers.len() as f64)]
    }
}

pub fn set(rows: std::ops::Range<u32>) -> Set {
    let item = |row: u32| Item {
        texts: Box::default(),
        label: row,
        name: format!("row {row}"),
        expected: None,
    };
    Set {
        items: rows.map(item).collect(),
        ..Set::default()
    }
}

/// How a toy run is made.
#[derive(Clone)]
pub struct Toy {
    pub training: Training,
    pub evaluation: Evaluation,
    pub identity: Vec<(&'static str, String)>,
    pub noise: f32,
    pub breaks_at: Option<u64>,
    /// Rows of the first task; the second has 24.
    pub rows: u32,
}

impl Default for Toy {
    fn default() -> Toy {
        Toy {
            training: Training {
                num_epochs: 3.0,
                batch_size: 8,
                learning_rate: 0.03,
                logging_steps: 2,
                ..Training::default()
            },
            evaluation: Evaluation {
                eval_steps: 5,
                ..Evaluation::default()
            },
            identity: vec![("training.seed", "0".into())],
            noise: 0.05,
            breaks_at: None,
            rows: 40,
        }
    }
}

pub fn tokenizer() -> Tokenizer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/bert");
    Tokenizer::from_folder(&folder).unwrap()
}

impl Toy {
    pub fn run(&self, folder: &Path, resume: bool) -> Result<Finished> {
        self.run_with(folder, resume, Faults::none(), &mut Notes::default())
    }

    pub fn run_with(
        &self,
        folder: &Path,
        resume: bool,
        faults: Faults,
        watch: &mut dyn Watch,
    ) -> Result<Finished> {
        self.run_until(folder, resume, Arc::new(faults), watch, Arc::default())
    }

    pub fn run_until(
        &self,
        folder: &Path,
        resume: bool,
        faults: Arc<Faults>,
        watch: &mut dyn Watch,
        stop: Arc<AtomicBool>,
    ) -> Result<Finished> {
        let tokenizer = tokenizer();
        let belt = Param::trained("belt", Mat::zeros(1, WIDTH));
        let tasks = vec![
            self.task("near", &belt, 1.0, self.rows),
            self.task("far", &belt, 3.0, 24),
        ];
        let mut params = vec![belt];
        params.extend(tasks.iter().flat_map(|task| task.objective.params()));
        let saved = params.clone();
        let save_belt = |folder: &Path, note: &Note| {
            let numbers = saved.iter().flat_map(|param| param.value().data().to_vec());
            let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
            fs_err::write(folder.join("belt.bin"), bytes).unwrap();
            fs_err::write(folder.join("note.txt"), format!("{note:#?}")).unwrap();
            Ok(())
        };
        let pairs = self.identity.iter();
        let workshop = Workshop {
            network: &NoNetwork,
            tokenizer: &tokenizer,
            params,
            tasks,
            product: "belt",
            save_belt: &save_belt,
            papers: Papers {
                recipe: "base: none\n".into(),
                identity: pairs
                    .map(|(key, value)| ((*key).into(), value.clone()))
                    .collect(),
                ..Papers::default()
            },
        };
        let options = RunOptions {
            resume,
            stop,
            faults,
        };
        run(
            workshop,
            &self.training,
            &self.evaluation,
            folder,
            &options,
            watch,
        )
    }

    fn task(&self, name: &'static str, belt: &Param, size: f32, rows: u32) -> Prepared {
        Prepared {
            name: name.into(),
            weight: 1.0,
            batch_size: self.training.batch_size,
            metric: None,
            rises: false,
            objective: Box::new(Points {
                name,
                belt: belt.clone(),
                head: Param::trained(format!("{name}.head"), Mat::scalar(0.0)),
                size,
                noise: self.noise,
                breaks_at: self.breaks_at,
            }),
            train: set(0..rows),
            valid: Some(set(100..120)),
            test: Some(set(200..210)),
        }
    }
}

/// Remembers what it was told.
#[derive(Default)]
pub struct Notes {
    pub warned: Vec<String>,
    pub frozen: Vec<String>,
    pub steps: u64,
    pub losses: Vec<f64>,
    /// Set after so many steps, as by a person who has seen enough.
    pub stop: Option<(u64, Arc<AtomicBool>)>,
}

impl Watch for Notes {
    fn stepped(&mut self, step: &skillbelt_train::watch::Stepped) {
        self.steps += 1;
        self.losses.extend(step.tasks.iter().map(|task| task.loss));
        if let Some((after, stop)) = &self.stop
            && self.steps >= *after
        {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    fn warned(&mut self, warning: &str) {
        self.warned.push(warning.into());
    }
    fn frozen(&mut self, _: u64, task: &str) {
        self.frozen.push(task.into());
    }
}

/// Everything of a run that must not depend on whether it was stopped: the belts, the log without
/// times, the report without costs.
pub fn outcome(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for name in ["belt", "best/near", "best/far"] {
        for file in ["belt.bin", "note.txt"] {
            let path = Path::new(name).join(file);
            if let Ok(bytes) = fs_err::read(folder.join(&path)) {
                files.push((path, bytes));
            }
        }
    }
    let log = fs_err::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let lines = log.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds").unwrap();
        line.to_string() + "\n"
    });
    files.push((
        "metrics.jsonl".into(),
        lines.collect::<String>().into_bytes(),
    ));
    let report = fs_err::read(folder.join("report.json")).unwrap();
    let mut report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    report.as_object_mut().unwrap().remove("costs").unwrap();
    files.push(("report.json".into(), report.to_string().into_bytes()));
    files
}

/// Fails, naming the first file that differs.
pub fn assert_same(found: &Path, expected: &[(PathBuf, Vec<u8>)], when: &str) {
    let found = outcome(found);
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&found), names(expected), "{when}");
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!(
            found == expected,
            "{when}: {} differs\n{}\n{}",
            name.display(),
            String::from_utf8_lossy(&found[..found.len().min(2000)]),
            String::from_utf8_lossy(&expected[..expected.len().min(2000)]),
        );
    }
}

/// An empty folder, in memory where the system has such a place: the tests flush thousands of times.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
