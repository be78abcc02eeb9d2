//! `skillbelt base show`: what a base is, from its configuration and headers alone.

use std::fmt::Write;

use clap::Args;
use serde_json::json;
use skillbelt_model::base::portrait::{HOOKS, Portrait};
use skillbelt_model::tokenizer::chat::ChatTemplates;
use skillbelt_model::{Checkpoint, ConfigFile, Tokenizer};

use super::Everywhere;
use crate::exit::Failure;
use crate::locate::Which;
use crate::output::Lines;

/// Describe a base: family, sizes, memory by precision, and the sites where a belt can act.
///
/// Reads config.json, the tokenizer and the headers of the weights. The weights themselves are read
/// once, for the hash of their content (--no-hash leaves it out); they are never loaded.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt base show ./codebert-base
  skillbelt base show Qwen/Qwen2.5-Coder-0.5B --revision main
  skillbelt base show ./unixcoder-base --json | jq .sites")]
pub struct Show {
    #[command(flatten)]
    which: Which,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Do not read the weights to hash them
    #[arg(long)]
    no_hash: bool,
}

impl Show {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let folder = self.which.folder(everywhere)?;
        let config = ConfigFile::open(&folder.join("config.json"))?;
        let checkpoint = Checkpoint::open(&folder)?;
        let tokenizer = Tokenizer::from_folder(&folder)?;
        let facts = Facts {
            folder: folder.display().to_string(),
            portrait: Portrait::of(&config, &checkpoint)?,
            files: checkpoint
                .files()
                .map(|file| file.display().to_string())
                .collect(),
            tokens: tokenizer.vocab_size(),
            rows: config.usize_optional("vocab_size")?,
            tokenizer: tokenizer.path().display().to_string(),
            chat: ChatTemplates::from_folder(&folder)?.is_some(),
            hash: (!self.no_hash).then(|| checkpoint.content_hash()),
        };
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&facts.json())?,
            false => lines.text(&facts.text())?,
        }
        lines.flush()
    }
}

struct Facts {
    folder: String,
    portrait: Portrait,
    files: Vec<String>,
    /// Of the tokenizer, and of the table of embeddings.
    tokens: usize,
    rows: Option<usize>,
    tokenizer: String,
    chat: bool,
    hash: Option<String>,
}

impl Facts {
    fn json(&self) -> serde_json::Value {
        let mut all = json!(self.portrait);
        if let Some(all) = all.as_object_mut() {
            all.insert("folder".into(), json!(self.folder));
            all.insert("hooks".into(), json!(HOOKS));
            all.insert("vocabulary".into(), json!(self.rows));
            all.insert(
                "tokenizer".into(),
                json!({"file": self.tokenizer, "tokens": self.tokens}),
            );
            all.insert("chat_template".into(), json!(self.chat));
            all.insert("files".into(), json!(self.files));
            all.insert("hash".into(), json!(self.hash));
        }
        all
    }

    fn text(&self) -> String {
        let portrait = &self.portrait;
        let size = |size: Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
        let mut rows = vec![
            ("folder", self.folder.clone()),
            (
                "family",
                format!("{} ({})", portrait.family, portrait.shape),
            ),
            (
                "sizes",
                format!(
                    "width {}, layers {}, heads {}",
                    size(portrait.width),
                    size(portrait.layers),
                    size(portrait.heads)
                ),
            ),
            ("parameters", grouped(portrait.parameters)),
            ("vocabulary", size(self.rows)),
            (
                "positions",
                portrait
                    .positions
                    .map_or("no bound".to_owned(), |p| p.to_string()),
            ),
            (
                "tokenizer",
                format!("{} ({} tokens)", self.tokenizer, self.tokens),
            ),
            (
                "chat template",
                if self.chat { "yes" } else { "no" }.to_owned(),
            ),
        ];
        let kinds = portrait
            .dtypes
            .iter()
            .map(|(name, count)| format!("{name} in {count} weights"));
        rows.push(("numbers", kinds.collect::<Vec<_>>().join(", ")));
        for file in &self.files {
            rows.push(("file", file.clone()));
        }
        if let Some(hash) = &self.hash {
            rows.push(("content hash", format!("blake3 {hash}")));
        }
        let mut text = String::new();
        for (name, value) in rows {
            let _infallible = writeln!(text, "{name:<14} {value}");
        }
        text + &self.memory() + &self.sites()
    }

    fn memory(&self) -> String {
        let mut text = "\nmemory of the frozen weights, by --precision\n".to_owned();
        for precision in skillbelt_engine::Precision::ALL {
            let bytes = self
                .portrait
                .memory
                .get(precision.name())
                .copied()
                .unwrap_or(0);
            let _infallible = writeln!(text, "  {:<6} {:>12}", precision.name(), size_text(bytes));
        }
        text
    }

    fn sites(&self) -> String {
        let mut text = "\nsites where a belt can act: linear maps (outputs x inputs)\n".to_owned();
        for site in &self.portrait.sites {
            let shape = format!("{} x {}", site.outputs, site.inputs);
            let _infallible = writeln!(
                text,
                "  {:>3} of {:<14} {}",
                site.count, shape, site.pattern
            );
        }
        let _infallible = writeln!(text, "and in every layer: {}", HOOKS.join(", "));
        text
    }
}

/// `1 234 567`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// In the unit that leaves at most four digits.
fn size_text(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} GiB")
}
