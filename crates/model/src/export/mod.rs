//! Export: a base, a base with its belt merged in, or a belt alone, in the files of other programs.
//!
//! Every export here follows one path: compute what the original says of a few fixed token
//! sequences, write into a place beside the target, load what was written *from its files alone*,
//! compare every weight and every output, and only then give the target its name. It trains
//! nothing, and it knows no command line.
//!
//! **Guarantee.** A target exists only if what it holds was loaded and agreed. A failure leaves
//! nothing behind, and what stood there before stays as it was.

mod belt;
mod card;
mod compare;
mod error;
mod folder;
pub mod gguf;
mod kinds;
mod merge;
mod target;
#[cfg(test)]
mod tests;
mod trained;

use std::path::{Path, PathBuf};

use skillbelt_engine::Precision;

use crate::base::{self, Network, Purpose};
use crate::belt::Belt;
use crate::checkpoint::{Checkpoint, ConfigFile};

pub use compare::{Comparison, Outputs, Weights, What};
pub use error::{Error, Result};
pub use folder::MAX_SHARD_BYTES;
pub use merge::{Change, Changes, Merged, merged_weight};
pub use target::Target;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The belt in the `peft` library's own files.
    Peft,
    /// The belt in AdapterHub's own files.
    AdapterHub,
    /// The base with the belt merged in, as a complete folder in the hub's layout.
    Merged,
    /// The base with the belt merged in, for llama.cpp.
    Gguf,
    /// The belt alone, for llama.cpp beside a GGUF of the base.
    GgufLora,
    /// The base without any belt, for llama.cpp.
    GgufBase,
}

/// How numbers are stored in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dtype {
    #[default]
    F32,
    F16,
    Bf16,
    /// Blocks of 32 whole numbers of a byte with a common scale; GGUF only.
    Q8,
}

impl Dtype {
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::Q8 => "q8_0",
        }
    }
}

/// An export to be made.
#[derive(Debug, Clone)]
pub struct Order {
    /// The belt's folder; none for a base alone.
    pub belt: Option<PathBuf>,
    /// The base's folder.
    pub base: PathBuf,
    pub form: Form,
    pub out: PathBuf,
    pub dtype: Dtype,
    /// Replace what stands at `out`, once the new has been verified.
    pub force: bool,
    /// Weights per file of a merged folder, in bytes.
    pub shard_bytes: usize,
}

/// What was written and how it compared.
#[derive(Debug)]
pub struct Report {
    /// Files of the target with their sizes in bytes.
    pub files: Vec<(PathBuf, u64)>,
    pub outputs: Comparison,
    /// How the weights of the files stand to those meant, where the export writes weights.
    pub weights: Option<Weights>,
    /// What a user of the files should know.
    pub notes: Vec<String>,
    /// What the original says of the fixed sequences.
    pub expected: Outputs,
}

/// Makes an export. See the module's guarantee.
pub fn export(order: &Order) -> Result<Report> {
    export_through(order, &|_| ())
}

/// An export with something that happens to what was written before it is read back.
fn export_through(order: &Order, between: &dyn Fn(&Path)) -> Result<Report> {
    let target = Target::new(&order.out, order.force, &order.inputs())?;
    let config = ConfigFile::open(&order.base.join("config.json"))?;
    let (what, longest) = match order.form {
        Form::Gguf | Form::GgufBase | Form::GgufLora => gguf::sayable(&config)?,
        Form::Peft | Form::AdapterHub | Form::Merged => (What::Logits, usize::MAX),
    };
    let checkpoint = Checkpoint::open(&order.base)?;
    let left_behind = match &order.belt {
        Some(folder) => card::left_behind(folder, order, &checkpoint)?,
        None => Vec::new(),
    };
    let (network, belt, changes) = original(order)?;
    let work = Work {
        order,
        checkpoint: &checkpoint,
        config: &config,
        expected: Outputs::of(&*network, what, longest)?,
        between,
    };
    // The network and the weights being written are never in memory together.
    drop(network);
    let mut report = match (order.form, belt) {
        (Form::Peft | Form::AdapterHub, Some(belt)) => belt::write(work, &belt, target.aside())?,
        (form @ (Form::Peft | Form::AdapterHub), None) => {
            let reason = "it has nothing to write";
            return Err(Error::no_form("a base alone", kinds::name(form), reason));
        }
        (Form::Merged, belt) => {
            drop(belt);
            folder::write(work, changes, target.aside())?
        }
        (Form::Gguf | Form::GgufBase, belt) => {
            drop(belt);
            gguf::write_model(work, changes, target.aside())?
        }
        (Form::GgufLora, _) => gguf::write_lora(work, &changes, target.aside())?,
    };
    report.expect_agreement()?;
    report.notes.extend(left_behind);
    let files = target.commit()?;
    Ok(Report { files, ..report })
}

/// The base with the belt on it, which must be of a kind that the form can say, and what the belt
/// does to weights.
fn original(order: &Order) -> Result<(Box<dyn Network>, Option<Belt>, Changes)> {
    let Some(folder) = &order.belt else {
        let base = base::open(&order.base, Purpose::frozen(Precision::F32))?;
        return Ok((base.network, None, Changes::default()));
    };
    let purpose = Belt::purpose(folder, Precision::F32)?;
    let mut network = base::open(&order.base, purpose)?.network;
    let belt = Belt::attach(folder, &mut *network, false)?;
    kinds::expect_form(&belt, order.form)?;
    let changes = Changes::of(&mut *network, &belt, folder)?;
    Ok((network, Some(belt), changes))
}

impl Order {
    /// What is read, and must not be written over.
    fn inputs(&self) -> Vec<&Path> {
        let belt = self.belt.iter().map(PathBuf::as_path);
        belt.chain([&*self.base]).collect()
    }
}

/// What every form of export starts from.
pub(crate) struct Work<'o> {
    pub order: &'o Order,
    pub config: &'o ConfigFile,
    pub checkpoint: &'o Checkpoint,
    /// What the original says, the belt on it.
    pub expected: Outputs,
    /// Called with the path of what was written before it is read back.
    pub between: &'o dyn Fn(&Path),
}

impl Work<'_> {
    /// The report of an export whose files made a network that says `found`.
    pub fn report(self, found: &Outputs, weights: Option<Weights>, notes: Vec<String>) -> Report {
        Report {
            files: Vec::new(),
            outputs: self.expected.compare(found, self.order.dtype),
            weights,
            notes,
            expected: self.expected,
        }
    }
}

impl Report {
    /// A file that does not say what the original says is a failure.
    fn expect_agreement(&self) -> Result<()> {
        if let Some(weights) = self.weights.as_ref().filter(|weights| !weights.agrees()) {
            return Err(Error::Mismatch(weights.to_string()));
        }
        match self.outputs.agrees() {
            true => Ok(()),
            false => Err(Error::Mismatch(self.outputs.to_string())),
        }
    }
}
