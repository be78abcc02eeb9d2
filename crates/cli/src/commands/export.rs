//! `skillbelt export`: a base, a merged base or a belt in the files of other programs, verified.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use skillbelt_model::checkpoint::write;
use skillbelt_model::export::{self, Dtype, Form, MAX_SHARD_BYTES, Order, Report};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::locate::Which;
use crate::output::Lines;

/// Write a belt, a base with its belt merged in, or a base alone in the files of other programs.
///
/// What was written is loaded from its files and compared with the original: every weight, and the
/// outputs for fixed token sequences. Only if they agree does the target get its name; otherwise
/// nothing is left behind, and the exit code is 2.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt export ./belt --base ./codebert-base --to merged --out ./merged --dtype bf16
  skillbelt export ./belt --base Qwen/Qwen2.5-Coder-0.5B --to gguf --out merged.gguf --dtype q8_0
  skillbelt export ./belt --base ./qwen --to gguf-lora --out belt.gguf
  skillbelt export - --base ./qwen --to gguf-base --out base.gguf --dtype f16

Forms:
  peft               LoRA, DoRA or a decoder's prefix, in the library's own files
  adapterhub         adapters or another prefix, likewise, the weights also as a torch file
  merged             the base's folder with the belt in its weights (LoRA, DoRA, full)
  gguf, gguf-base    the merged base, or the base without a belt, for llama.cpp
  gguf-lora          the LoRA alone, for llama.cpp's --lora beside a GGUF of the base")]
pub struct Export {
    /// The belt's folder; `-` for none
    #[arg(value_name = "BELT_FOLDER")]
    belt: PathBuf,
    /// The belt's base: a folder, or a name on the hub as `owner/name`
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: String,
    /// Branch, tag or commit of a base on the hub [default: main]
    #[arg(long)]
    revision: Option<String>,
    /// What to write
    #[arg(long, value_enum)]
    to: To,
    /// The file or folder to write
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// How numbers are stored; merging itself is always done in f32
    #[arg(long, value_enum, default_value_t = As::F32)]
    dtype: As,
    /// Replace what is at --out, once the new has been verified
    #[arg(long)]
    force: bool,
    /// Write the token sequences and the original's outputs for them to a JSON file too
    #[arg(long, value_name = "FILE")]
    logits: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    Peft,
    Adapterhub,
    Merged,
    Gguf,
    GgufLora,
    GgufBase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    F32,
    F16,
    Bf16,
    #[value(name = "q8_0")]
    Q8,
}

impl Export {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let order = self.order(everywhere)?;
        let report = export::export(&order)?;
        if let Some(path) = &self.logits {
            let text = report.expected.json().to_string();
            write::file(path, |out| out.write_all(text.as_bytes()))?;
        }
        if !everywhere.quiet {
            for note in &report.notes {
                say(format_args!("note: {note}"));
            }
        }
        let mut lines = Lines::new();
        lines.text(&told(&report, &order.out))
    }

    /// Refuses what contradicts itself before anything is opened.
    fn order(&self, everywhere: &Everywhere) -> Result<Order, Failure> {
        let none = self.belt == Path::new("-");
        if none != (self.to == To::GgufBase) {
            return Err(match none {
                true => Failure::told("--to gguf-base is the only export without a belt")
                    .with_hint("name the belt's folder instead of `-`"),
                false => Failure::told("--to gguf-base writes the base without any belt")
                    .with_hint("put `-` in the place of the belt, or use --to gguf"),
            });
        }
        let which = Which::named(self.base.clone(), self.revision.clone());
        Ok(Order {
            belt: (!none).then(|| self.belt.clone()),
            base: which.folder(everywhere)?,
            form: match self.to {
                To::Peft => Form::Peft,
                To::Adapterhub => Form::AdapterHub,
                To::Merged => Form::Merged,
                To::Gguf => Form::Gguf,
                To::GgufLora => Form::GgufLora,
                To::GgufBase => Form::GgufBase,
            },
            out: self.out.clone(),
            dtype: match self.dtype {
                As::F32 => Dtype::F32,
                As::F16 => Dtype::F16,
                As::Bf16 => Dtype::Bf16,
                As::Q8 => Dtype::Q8,
            },
            force: self.force,
            shard_bytes: MAX_SHARD_BYTES,
        })
    }
}

/// What was written and how it compared, in lines.
fn told(report: &Report, out: &Path) -> String {
    let bytes: u64 = report.files.iter().map(|(_, size)| size).sum();
    let count = report.files.len();
    let files = if count == 1 { "file" } else { "files" };
    let mut text = format!("wrote {}: {count} {files}, {bytes} bytes\n", out.display());
    if let Some(weights) = &report.weights {
        text += &format!("{weights}\n");
    }
    text + &format!("{}\n", report.outputs)
}
