//! A whole model as a GGUF file: the writing, and the reading back as a base.

use std::collections::BTreeMap;
use std::path::Path;

use skillbelt_engine::Precision;

use super::names::{Architecture, interleaved};
use super::plan::{Plan, Shaping};
use super::read::File;
use super::settings::Description;
use super::value::Value;
use super::{restore, tokens, write};
use crate::base::{Base, Loader, Purpose, Source};
use crate::checkpoint::ConfigFile;
use crate::error::Error as ModelError;
use crate::export::compare::{Weights, What};
use crate::export::error::{Error, Result};
use crate::export::merge::{Changes, Merged};
use crate::export::{Report, Work};
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

/// Writes a base, or a base with its belt merged in, and reads it back from the file alone.
pub(crate) fn write_model(work: Work<'_>, changes: Changes, path: &Path) -> Result<Report> {
    let about = Description::of(work.config)?;
    let meant = Merged::new(work.checkpoint, changes);
    let plan = Plan::of(about, &meant, work.order.dtype.kind())?;
    let settings = general(&work, &plan)?;
    let entries = plan.entries();
    write::expect_distinct(path, &entries)?;
    write::file(path, &settings, &entries, |place| {
        plan.numbers(place, &meant)
    })?;
    (work.between)(path);
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
            // Without its head ModernBERT is a checkpoint whose keys lack their front.
            let bare = match architecture {
                Architecture::ModernBert => key.strip_prefix("model.").map(str::to_owned),
                _ => None,
            };
            places.insert(bare.unwrap_or(key), (name.to_owned(), shaping));
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
            Shaping::Interleaved(heads) => interleaved(
                &numbers,
                expected.first().copied().unwrap_or(1),
                *heads,
                true,
            ),
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
