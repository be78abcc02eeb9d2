//! What goes where in a GGUF file: which tensor follows from which weight of a checkpoint, in which
//! shape, order of rows and kind of number. It writes nothing.

use super::Kind;
use super::names::{Architecture, interleaved};
use super::settings::Description;
use super::write::Entry;
use crate::base::Source;
use crate::export::Dtype;
use crate::export::error::{Error, GGUF, Result};

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
            whole
                .strip_suffix(".weight")
                .or(whole.strip_suffix(".bias"))
                .is_some_and(|whole| whole.ends_with(path))
        };
        match about.architecture {
            Architecture::Llama if is(".q_proj") => Shaping::Interleaved(about.heads),
            Architecture::Llama if is(".k_proj") => Shaping::Interleaved(about.kv_heads),
            Architecture::Bert if is(".position_embeddings") => {
                Shaping::Without(about.idle_positions)
            }
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
pub(super) struct Plan {
    pub about: Description,
    tensors: Vec<Planned>,
    /// How many weights llama.cpp has no place for.
    pub left_out: usize,
}

impl Plan {
    pub fn of(about: Description, meant: &dyn Source, kind: Kind) -> Result<Plan> {
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
        let table = self
            .tensors
            .iter()
            .find(|planned| planned.entry.name == "token_embd.weight");
        let table = table.map(|planned| (planned.key.clone(), planned.shape.clone()));
        let Some((key, shape)) = table else {
            let path = meant.path().display().to_string();
            return Err(Error::no_form(path, GGUF, "it has no table of tokens"));
        };
        let has_head = self
            .tensors
            .iter()
            .any(|planned| planned.entry.name == "output.weight");
        if let Some(scale) = self.about.head_scale.filter(|_| self.about.tied) {
            self.add(
                "output.weight".to_owned(),
                key,
                shape,
                Shaping::Scaled(scale),
                kind,
            );
        } else if !has_head && !self.about.tied && self.about.writes() {
            let reason = "llama.cpp would take the table of tokens for its head";
            return Err(Error::no_form(
                "a decoder without an output head",
                GGUF,
                reason,
            ));
        }
        if let Some(factors) = &self.about.rope_factors {
            let shape = vec![factors.len()];
            let (name, key) = ("rope_freqs.weight".to_owned(), String::new());
            self.add(name, key, shape, Shaping::Computed, Kind::F32);
        }
        Ok(())
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.tensors
            .iter()
            .map(|planned| planned.entry.clone())
            .collect()
    }

    /// The numbers of a tensor as the file has them.
    pub fn numbers(&self, place: usize, meant: &dyn Source) -> crate::Result<Vec<f32>> {
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
