//! The reference files of the golden tests: which folders there are, and what is in them.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::Value;
use skillbelt_engine::ops::{Norm, NormKind, norm};
use skillbelt_engine::{Mat, Pass};
use skillbelt_model::base::Base;

/// Folders of bases that hold references: `tests/golden`, or what `SKILLBELT_GOLDEN` names.
pub fn bases() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let root = std::env::var_os("SKILLBELT_GOLDEN").map_or(own, PathBuf::from);
    folders(&root, "golden.json")
}

/// Kinds of belts, by the beginning of their folder's name, that are not read yet.
const NOT_YET: &[&str] = &["dora"];

/// Folders of the belts of a base.
pub fn belts(base: &Path) -> Vec<PathBuf> {
    let mut belts = folders(&base.join("adapters"), "adapter_config.json");
    belts.retain(|belt| {
        let name = belt.file_name().unwrap_or_default().to_string_lossy();
        !NOT_YET.iter().any(|kind| name.starts_with(kind))
    });
    belts
}

fn folders(root: &Path, holding: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(root).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join(holding).exists());
    folders.sort();
    folders
}

/// What the objective of a base is, as the references were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Masked language: places 1, 4, 7, ... predict their own token.
    Masked,
    /// Each token from the prompt's end on is predicted by the one before it.
    Causal,
    /// A target text is written from the input.
    Translating,
}

/// One `golden.json` with its tensors.
#[derive(Clone)]
pub struct Reference {
    pub style: Style,
    pub inputs: Vec<Vec<u32>>,
    pub prompt_lengths: Vec<usize>,
    /// Target tokens, and what the decoder reads for them.
    pub targets: Vec<Vec<u32>>,
    pub decoder_inputs: Vec<Vec<u32>>,
    pub learning_rate: f32,
    pub weight_decay: f32,
    pub loss: f64,
    pub full_losses: Vec<f64>,
    tensors: Vec<(String, Mat)>,
    /// Whether the hidden states were taken before the last norm: version 4 of the reference
    /// library lists them so for ModernBERT, and for no other family.
    before_norm: bool,
}

impl Reference {
    pub fn read(folder: &Path) -> Result<Reference, String> {
        let json = read_json(&folder.join("golden.json"))?;
        let config = read_json(&folder.join("config.json"))?;
        let style = match json["style"].as_str() {
            Some("bert") => Style::Masked,
            Some("gpt") => Style::Causal,
            Some("t5") => Style::Translating,
            other => return Err(format!("style {other:?}")),
        };
        let targets = sequences(&json["targets"]);
        let start = config["decoder_start_token_id"].as_u64().unwrap_or(0) as u32;
        let shifted = |target: &Vec<u32>| {
            let before = target.iter().copied().take(target.len() - 1);
            std::iter::once(start).chain(before).collect()
        };
        Ok(Reference {
            style,
            inputs: sequences(&json["inputs"]),
            prompt_lengths: integers(&json["prompt_lens"])
                .map(|length| length as usize)
                .collect(),
            decoder_inputs: targets.iter().map(shifted).collect(),
            targets,
            learning_rate: json["lr"].as_f64().ok_or("lr")? as f32,
            weight_decay: json["weight_decay"].as_f64().ok_or("weight_decay")? as f32,
            loss: json["loss"].as_f64().ok_or("loss")?,
            full_losses: numbers(&json["full_losses"]),
            tensors: read_tensors(&folder.join("golden.safetensors"))?,
            before_norm: config["model_type"] == "modernbert"
                && json["transformers"]
                    .as_str()
                    .is_some_and(|version| version.starts_with("4.")),
        })
    }

    /// The same with hidden states as a base gives them: after the last norm.
    pub fn normed_as(mut self, base: &Base) -> Result<Reference, String> {
        if !self.before_norm {
            return Ok(self);
        }
        let params = base.network.params();
        let named = |name: &str| params.iter().find(|param| param.name() == name).cloned();
        let last = Norm {
            name: "model.final_norm".into(),
            weight: named("model.final_norm.weight").ok_or("no last norm")?,
            bias: named("model.final_norm.bias"),
            kind: NormKind::Layer,
            eps: base
                .config
                .f64("norm_eps")
                .map_err(|error| error.to_string())? as f32,
        };
        for (name, hidden) in &mut self.tensors {
            if name == "out.hidden" {
                let pass = Pass::inference();
                let before = pass.constant(hidden.clone());
                let after = norm(&pass, &before, &last).map_err(|error| error.to_string())?;
                *hidden = after.into_mat();
            }
        }
        Ok(self)
    }

    /// The reference of a belt, and the folder of its base, whose inputs it shares.
    pub fn read_belt(folder: &Path) -> Result<(PathBuf, Reference), String> {
        let base = folder
            .parent()
            .and_then(Path::parent)
            .ok_or("a belt without a base")?;
        let json = read_json(&folder.join("golden.json"))?;
        let reference = Reference {
            loss: json["loss"].as_f64().ok_or("loss")?,
            full_losses: numbers(&json["losses"]),
            tensors: read_tensors(&folder.join("golden.safetensors"))?,
            ..Reference::read(base)?
        };
        Ok((base.to_owned(), reference))
    }

    /// The same with one of its sequences only.
    pub fn only(&self, place: usize) -> Reference {
        let one = |all: &Vec<Vec<u32>>| all.get(place).cloned().into_iter().collect();
        Reference {
            inputs: one(&self.inputs),
            targets: one(&self.targets),
            decoder_inputs: one(&self.decoder_inputs),
            ..self.clone()
        }
    }

    pub fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.tensors.iter().map(|(name, _)| name.as_str());
        names.filter(move |name| name.starts_with(prefix))
    }

    pub fn tensor(&self, name: &str) -> Result<&Mat, String> {
        let found = self.tensors.iter().find(|(key, _)| key == name);
        found
            .map(|(_, mat)| mat)
            .ok_or(format!("the reference has no {name}"))
    }

    /// The same in another shape: libraries store some matrices as one long vector.
    pub fn tensor_as(&self, name: &str, (rows, cols): (usize, usize)) -> Result<Mat, String> {
        let tensor = self.tensor(name)?;
        match tensor.rows() == 1 && tensor.len() == rows * cols {
            true => Ok(Mat::from_vec(rows, cols, tensor.data().to_vec())),
            false => Ok(tensor.clone()),
        }
    }
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn integers(value: &Value) -> impl Iterator<Item = u64> + '_ {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect()
}

fn sequences(value: &Value) -> Vec<Vec<u32>> {
    let rows = value.as_array().into_iter().flatten();
    rows.map(|row| integers(row).map(|id| id as u32).collect())
        .collect()
}

/// Every tensor as a matrix; a vector becomes one row.
fn read_tensors(path: &Path) -> Result<Vec<(String, Mat)>, String> {
    let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let mats = tensors.iter().map(|(name, view)| {
        let cols = view.shape().last().copied().unwrap_or(1);
        let numbers: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        let mat = Mat::from_vec(numbers.len() / cols.max(1), cols, numbers);
        (name.to_owned(), mat)
    });
    Ok(mats.collect())
}
