//! A tiny base with a belt, a task on it, and a few steps of plain AdamW: what every test of an
//! objective needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skillbelt_engine::{Grads, Keep, Param, Precision};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{self, Base, Purpose};
use skillbelt_model::belt::{Lora, LoraConfig, Targets};
use skillbelt_train::data::read::Sink;
use skillbelt_train::data::{Content, Place, Row, Split};
use skillbelt_train::recipe::{SplitFiles, TaskSettings};
use skillbelt_train::task::{Given, Set, Stage, Task};
use skillbelt_train::{AdamW, AdamWSettings};

/// A golden base with LoRA on it.
pub struct Bench {
    pub folder: PathBuf,
    pub base: Base,
    pub tokenizer: Tokenizer,
    pub belt: Vec<Param>,
}

pub fn golden(family: &str) -> PathBuf {
    let root = match std::env::var_os("SKILLBELT_GOLDEN") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
    };
    root.join(family)
}

impl Bench {
    pub fn new(family: &str, sites: &[&str], dropout: f64) -> Bench {
        let folder = golden(family);
        let mut base = base::open(&folder, Purpose::frozen(Precision::F32)).unwrap();
        let config = LoraConfig {
            rank: 4,
            alpha: 8.0,
            dropout,
            targets: Targets::Names(sites.iter().map(|site| (*site).to_owned()).collect()),
            ..LoraConfig::default()
        };
        let belt = Lora::fresh(&mut *base.network, config, 1).unwrap();
        assert!(!belt.params.is_empty());
        Bench {
            tokenizer: Tokenizer::from_folder(&folder).unwrap(),
            folder,
            base,
            belt: belt.params,
        }
    }

    pub fn task(&self, settings: &TaskSettings, rows: Vec<Content>) -> Task {
        self.try_task(settings, rows).unwrap()
    }

    pub fn try_task(
        &self,
        settings: &TaskSettings,
        rows: Vec<Content>,
    ) -> skillbelt_train::Result<Task> {
        let network = &*self.base.network;
        let given = Given::of_folder(&self.folder, &self.base.config, network, &self.tokenizer)?;
        let source = move |_: Split, sink: &mut Sink<'_>| {
            let rows = numbered(rows.clone());
            rows.into_iter().try_for_each(|row| sink(Ok(row)))
        };
        let settings = TaskSettings {
            train: Some(SplitFiles::One("rows".into())),
            ..settings.clone()
        };
        Task::new("toy", &settings, 0, &given, 3, Box::new(source))
    }

    pub fn stage(&self, step: u64, pack_tokens: usize) -> Stage<'_> {
        Stage {
            network: &*self.base.network,
            tokenizer: &self.tokenizer,
            task: 0,
            seed: 5,
            step,
            pack_tokens,
            keep: Keep::Exact,
            recompute: false,
        }
    }

    pub fn set(&self, task: &Task) -> Set {
        task.load(Split::Train, &self.tokenizer, 0)
            .unwrap()
            .unwrap()
    }

    pub fn params(&self, task: &Task) -> Vec<Param> {
        self.belt
            .iter()
            .cloned()
            .chain(task.objective.params())
            .collect()
    }

    /// Steps over the whole set; the losses before each.
    pub fn train(&self, task: &Task, set: &Set, steps: u64, rate: f32) -> Vec<f64> {
        let params = self.params(task);
        let mut optimiser = AdamW::new(AdamWSettings::default());
        let batch: Vec<usize> = (0..set.items.len()).collect();
        (0..steps)
            .map(|step| {
                let mut grads = Grads::new();
                let stage = self.stage(step, 4096);
                let learnt = task.objective.learn(&stage, set, &batch, 1.0, &mut grads);
                optimiser.step(&params, &grads, rate);
                learnt.unwrap().loss
            })
            .collect()
    }

    /// Makes the belt change something: B begins at zero, where half of the gradients vanish.
    pub fn stir(&self) {
        for (number, param) in self.belt.iter().enumerate() {
            let stream = skillbelt_engine::random::Stream::new(9, number as u64, "stir");
            param.update(|value| {
                for (i, x) in value.data_mut().iter_mut().enumerate() {
                    *x += 0.1 * stream.normal(i as u64);
                }
            });
        }
    }
}

fn numbered(rows: Vec<Content>) -> Vec<Row> {
    let file: Arc<Path> = Arc::from(Path::new("rows"));
    (1u64..)
        .zip(rows)
        .map(|(line, content)| Row {
            place: Place {
                file: Arc::clone(&file),
                line,
            },
            id: None,
            group: None,
            content,
        })
        .collect()
}

pub fn text(text: &str, label: &str) -> Content {
    Content::Text {
        text: text.into(),
        label: Some(label.into()),
    }
}
