//! A whole model as a GGUF file: what goes where, the writing, and the reading back as a base.

use std::collections::BTreeMap;
use std::path::Path;

use skillbelt_engine::Precision;

use super::names::{Architecture, interleaved};
use super::read::File;
use super::settings::Description;
use super::value::Value;
use super::write::{self, Entry};
use super::{Kind, restore, tokens};
use crate::base::{Base, Loader, Purpose, Source};
use crate::checkpoint::ConfigFile;
use crate::error::Error as ModelError;
use crate::export::compare::{Weights, What};
use crate::export::error::{Error, GGUF, Result};
use crate::export::merge::{Changes, Merged};
use crate::export::{Dtype, Report, Work};
use crate::{family, tokenizer};

/// What can be compared of a model that becomes a GGUF file, and up to which length of text.
pub(crate) fn sayable(config: &ConfigFile) -> Result<(What, usize)> {
    let about = Description::of(config)?;
    let what = match about.architecture {
        Architecture::Bert | Architecture::ModernBert | Architecture::T5Encoder { .. } => {
            What::Hidden
        }
        _ => What::Logits,
    };
    Ok((what, about.context))
}

impl Dtype {
    pub(super) fn kind(self) -> Kind {
        match self {
            Dtype::F32 => Kind::F32,
            Dtype::F16 => Kind::F16,
            Dtype::Bf16 => Kind::Bf16,
            Dtype::Q8 => Kind::Q8,
        }
    }
}

/// How a tensor of the file follows from a weight of the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shaping {
    AsItIs,
    /// Rows change places within this many heads.
    Interleaved(usize),
    /// The first rows are left out.
    Without(usize),
    Scaled(f32),
    /// The divisors of the rope's frequencies; no weight at all.
    Computed,
}

impl Shaping {
    /// Of the weight of a whole key.
    pub fn of(about: &Description, whole: &str) -> Shaping {
        let is = |path: &str| {
            whole.strip_suffix(".weight").or(whole.strip_suffix(".bias")).is_some_and(|whole| whole.ends_with(path))
        };
        match about.architecture {
            Architecture::Llama if is(".q_proj") => Shaping::Interleaved(about.heads),
            Architecture::Llama if is(".k_proj") => Shaping::Interleaved(about.kv_heads),
            Architecture::Bert if is(".position_embeddings") => Shaping::Without(about.idle_positions),
            Architecture::T5 { .. } if is("lm_head") => match about.head_scale {
                Some(scale) => Shaping::Scaled(scale),
                None => Shaping::AsItIs,
            },
            _ => Shaping::AsItIs,
        }
    }

    fn shape(self, shape: &[usize]) -> Vec<usize> {
        match (self, shape) {
            (Shaping::Without(rows), [first, rest @ ..]) => {
                [&[first.saturating_sub(rows)], rest].concat()
            }
            _ => shape.to_vec(),
        }
    }

    /// The numbers of a weight `[rows x ...]` as the file has them.
    pub fn apply(self, mut numbers: Vec<f32>, rows: usize) -> Vec<f32> {
        match self {
            Shaping::AsItIs | Shaping::Computed => numbers,
            Shaping::Interleaved(heads) => interleaved(&numbers, rows, heads, false),
            Shaping::Without(idle) => {
                let width = numbers.len().checked_div(rows).unwrap_or(0);
                numbers.drain(..(idle * width).min(numbers.len()));
                numbers
            }
            Shaping::Scaled(scale) => {
                numbers.iter_mut().for_each(|number| *number *= scale);
                numbers
            }
        }
    }
}

/// A tensor to be written, and where its numbers come from.
struct Planned {
    entry: Entry,
    /// The key in the checkpoint and the shape there.
    key: String,
    shape: Vec<usize>,
    shaping: Shaping,
}

/// Everything that a file will hold.
struct Plan {
    about: Description,
    tensors: Vec<Planned>,
    left_out: usize,
}

impl Plan {
    fn of(about: Description, meant: &dyn Source, kind: Kind) -> Result<Plan> {
        let mut plan = Plan {
            about,
            tensors: Vec::new(),
            left_out: 0,
        };
        for key in meant.keys() {
            let shape = meant.shape(&key).unwrap_or_default();
            match plan.about.architecture.place(&key, plan.about.tied)? {
                Some((name, whole)) => {
                    let shaping = Shaping::of(&plan.about, &whole);
                    plan.add(name, key, shape, shaping, kind);
                }
                None => plan.left_out += 1,
            }
        }
        plan.add_extras(meant, kind)?;
        // By name, so that the same model gives the same bytes however its files were divided.
        plan.tensors.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        Ok(plan)
    }

    fn add(&mut self, name: String, key: String, shape: Vec<usize>, shaping: Shaping, kind: Kind) {
        // Tables of positions, types and distances are small, and llama.cpp keeps them in f32.
        let exact = ["position_embd", "token_types", "attn_rel_b"];
        let kind = match exact.iter().any(|word| name.contains(word)) {
            true => Kind::F32,
            false => kind,
        };
        let entry = Entry::new(name, shaping.shape(&shape), kind);
        self.tensors.push(Planned {
            entry,
            key,
            shape,
            shaping,
        });
    }

    /// Tensors that no weight of the checkpoint is as it stands: a scaled head that is otherwise the
    /// table of tokens, and the rope's divisors.
    fn add_extras(&mut self, meant: &dyn Source, kind: Kind) -> Result<()> {
        let table = self.tensors.iter().find(|planned| planned.entry.name == "token_embd.weight");
        let table = table.map(|planned| (planned.key.clone(), planned.shape.clone()));
        let Some((key, shape)) = table else {
            let path = meant.path().display().to_string();
            return Err(Error::no_form(path, GGUF, "it has no table of tokens"));
        };
        let has_head = self.tensors.iter().any(|planned| planned.entry.name == "output.weight");
        if let Some(scale) = self.about.head_scale.filter(|_| self.about.tied) {
            self.add("output.weight".to_owned(), key, shape, Shaping::Scaled(scale), kind);
        } else if !has_head && !self.about.tied && self.about.writes() {
            let reason = "llama.cpp would take the table of tokens for its head";
            return Err(Error::no_form("a decoder without an output head", GGUF, reason));
        }
        if let Some(factors) = &self.about.rope_factors {
            let shape = vec![factors.len()];
            let (name, key) = ("rope_freqs.weight".to_owned(), String::new());
            self.add(name, key, shape, Shaping::Computed, Kind::F32);
        }
        Ok(())
    }

    fn entries(&self) -> Vec<Entry> {
        self.tensors.iter().map(|planned| planned.entry.clone()).collect()
    }

    /// The numbers of a tensor as the file has them.
    fn numbers(&self, place: usize, meant: &dyn Source) -> crate::Result<Vec<f32>> {
        let planned = &self.tensors[place];
        if planned.shaping == Shaping::Computed {
            return Ok(self.about.rope_factors.clone().unwrap_or_default());
        }
        let numbers = meant.read_f32(&planned.key, &planned.shape)?;
        let rows = planned.shape.first().copied().unwrap_or(1);
        Ok(planned.shaping.apply(numbers, rows))
    }
}

impl Description {
    /// Whether the model has logits.
    fn writes(&self) -> bool {
        !matches!(
            self.architecture,
            Architecture::Bert | Architecture::ModernBert | Architecture::T5Encoder { .. }
        )
    }
}

/// Writes a base, or a base with its belt merged in, and reads it back from the file alone.
pub(crate) fn write_model(work: Work<'_>, changes: Changes, path: &Path) -> Result<Report> {
    let about = Description::of(work.config)?;
    let meant = Merged::new(work.checkpoint, changes);
    let plan = Plan::of(about, &meant, work.order.dtype.kind())?;
    let settings = general(&work, &plan)?;
    let entries = plan.entries();
    write::expect_distinct(path, &entries)?;
    write::file(path, &settings, &entries, |place| plan.numbers(place, &meant))?;
    let file = File::open(path)?;
    let mut weights = Weights::default();
    for (place, entry) in entries.iter().enumerate() {
        let expected = plan.numbers(place, &meant)?;
        let found = file.read_f32(&entry.name, &entry.shape)?;
        let allowed = |_: &str, numbers: &[f32], place: usize| entry.kind.rounding(numbers, place);
        weights.add(&entry.name, &expected, &found, &allowed);
    }
    drop(file);
    let base = open(path, Purpose::frozen(Precision::F32))?;
    let found = work.expected.again(&*base.network)?;
    let mut notes = plan.about.notes;
    if plan.left_out > 0 {
        notes.push(format!(
            "{} weights are left out: llama.cpp has no place for heads and poolers of an encoder, \
             and keeps tied weights once",
            plan.left_out
        ));
    }
    Ok(work.report(&found, Some(weights), notes))
}

/// All settings: what the file is, the model's, the tokenizer's.
fn general(work: &Work<'_>, plan: &Plan) -> Result<Vec<(String, Value)>> {
    let text = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
    let about = &plan.about;
    let mut settings = vec![
        text("general.architecture", about.architecture.name()),
        text("general.type", "model"),
    ];
    let folder = work.order.base.file_name();
    if let Some(name) = folder.and_then(|name| name.to_str()) {
        settings.push(text("general.name", name));
    }
    let file_type = work.order.dtype.kind().file_type();
    settings.push(("general.file_type".to_owned(), Value::U32(file_type)));
    settings.push(("general.quantization_version".to_owned(), Value::U32(2)));
    settings.extend(about.settings.iter().cloned());
    let tokenizer = tokenizer::Tokenizer::from_folder(&work.order.base)?;
    settings.extend(tokens::settings(&tokenizer, about, &work.order.base)?);
    Ok(settings)
}

/// A base whose weights lie in a GGUF file.
pub struct GgufBase {
    file: File,
    config: ConfigFile,
    /// The tensor and the shaping of each of the hub's keys.
    places: BTreeMap<String, (String, Shaping)>,
}

impl GgufBase {
    /// Reads a file's head, and finds for every tensor the key of the hub.
    pub fn open(path: &Path) -> crate::Result<GgufBase> {
        let file = File::open(path)?;
        let (architecture, config) = restore::config(&file)?;
        let about = Description::of(&config).map_err(|error| match error {
            Error::Model(error) => error,
            other => ModelError::config(path, "general.architecture", "a model", other),
        })?;
        let mut places = BTreeMap::new();
        for name in file.names() {
            if name == "rope_freqs.weight" {
                continue;
            }
            let Some(key) = architecture.key_of(name) else {
                let keys = vec![name.to_owned()];
                let path = path.to_owned();
                return Err(ModelError::SurplusTensors { path, keys });
            };
            let shaping = Shaping::of(&about, &key);
            places.insert(key, (name.to_owned(), shaping));
        }
        Ok(GgufBase {
            file,
            config,
            places,
        })
    }

    /// The configuration that the file's settings amount to.
    pub fn config(&self) -> &ConfigFile {
        &self.config
    }
}

impl Source for GgufBase {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn keys(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    fn shape(&self, key: &str) -> Option<Vec<usize>> {
        let (name, _) = self.places.get(key)?;
        self.file.shape(name).map(<[usize]>::to_vec)
    }

    /// A file that was read back has its tables of positions and its head as they are meant; only
    /// the order of rows must be undone.
    fn read_f32(&self, key: &str, expected: &[usize]) -> crate::Result<Vec<f32>> {
        let Some((name, shaping)) = self.places.get(key) else {
            return Err(ModelError::MissingTensor {
                path: self.file.path().to_owned(),
                key: key.to_owned(),
                expected: expected.to_vec(),
            });
        };
        let numbers = self.file.read_f32(name, expected)?;
        Ok(match shaping {
            Shaping::Interleaved(heads) => {
                interleaved(&numbers, expected.first().copied().unwrap_or(1), *heads, true)
            }
            _ => numbers,
        })
    }
}

/// Opens a base from a GGUF file alone.
pub fn open(path: &Path, purpose: Purpose) -> crate::Result<Base> {
    let source = GgufBase::open(path)?;
    let network = family::load(Loader::new(&source, purpose), &source.config)?;
    Ok(Base {
        network,
        config: source.config,
    })
}
