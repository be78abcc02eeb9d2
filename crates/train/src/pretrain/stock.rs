//! The stock of a pretraining: its tokenizer and the token ids of all its texts, made once from the
//! corpus and read again by every run that goes on.
//!
//! **Guarantee.** The folder `corpus` is built aside and published by one rename, so that a stock is
//! whole or not there; one that was made under other keys of the plan is refused.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skillbelt_engine::random::Stream;
use skillbelt_model::Tokenizer;
use skillbelt_model::tokenizer::learn::{self, Roles};

use super::corpus::{self, Counts, Document, Texts, documented};
use super::plan::{Aim, PlanFile};
use crate::disk::Disk;
use crate::error::{Error, Result};

const FOLDER: &str = "corpus";
const CARD: &str = "corpus.json";
const TOKENIZER: &str = "tokenizer.json";
const SETTINGS: &str = "tokenizer_config.json";
/// Tokens that are read or written at once.
const AT_ONCE: usize = 1 << 16;

/// What stands in the card of a stock.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Card {
    format: u32,
    /// All keys of the plan that the stock depends on.
    plan: Value,
    sources: IndexMap<String, Counts>,
}

const FORMAT: u32 = 1;

/// A stock on the disk.
pub struct Stock {
    folder: PathBuf,
    pub tokenizer: Tokenizer,
    pub sources: IndexMap<String, Counts>,
}

/// Which texts of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Train,
    HeldOut,
}

impl Part {
    fn file(self, source: usize) -> String {
        match self {
            Part::Train => format!("{source}.train.tokens"),
            Part::HeldOut => format!("{source}.held.tokens"),
        }
    }

    fn pairs(self, source: usize) -> String {
        match self {
            Part::Train => format!("{source}.train.jsonl"),
            Part::HeldOut => format!("{source}.held.jsonl"),
        }
    }

    fn told(self) -> &'static str {
        match self {
            Part::Train => "to learn from",
            Part::HeldOut => "held out",
        }
    }
}

/// Opens the stock of a run folder, or makes it first. `base` is the folder of the base to go on
/// from, whose tokenizer then is the stock's.
pub fn open(
    plan: &PlanFile,
    base: Option<&Path>,
    run: &Path,
    disk: &Disk,
    told: &mut dyn FnMut(&str),
) -> Result<Stock> {
    let folder = run.join(FOLDER);
    let depends = depends(plan, base)?;
    if !folder.exists() {
        fs_err::create_dir_all(run).map_err(|error| Error::io(run, error))?;
        disk.publish(&folder, |aside| {
            build(plan, base, &depends, aside, told)?;
            disk.sync_tree(aside)
        })?;
    }
    let path = folder.join(CARD);
    let text = fs_err::read(&path).map_err(|error| Error::io(&path, error))?;
    let card: Card = serde_json::from_slice(&text)
        .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))?;
    if card.format != FORMAT || card.plan != depends {
        return Err(Error::told(format_args!(
            "{} was made under other sources, another tokenizer, or another seed",
            folder.display()
        ))
        .with_hint("choose another output folder; a stock is never changed"));
    }
    Ok(Stock {
        tokenizer: Tokenizer::from_folder(&folder)?,
        sources: card.sources,
        folder,
    })
}

/// The keys of the plan that decide what the stock holds.
fn depends(plan: &PlanFile, base: Option<&Path>) -> Result<Value> {
    let tokenizer = match base.or(plan.tokenizer.folder.as_deref()) {
        Some(folder) => json!(Tokenizer::from_folder(folder)?.recipe()?.to_string().len()),
        None => json!([plan.objective, plan.tokenizer]),
    };
    let mut depends = json!({
        "sources": plan.sources,
        "held_out": {"share": plan.held_out.share, "projects": plan.held_out.projects},
        "tokenizer": tokenizer,
        "seed": plan.training.seed,
    });
    if plan.pairs().is_some() {
        depends["documented"] = json!(true);
    }
    Ok(depends)
}

/// Reads the corpus, learns or copies the tokenizer, and writes the token ids of every text.
fn build(
    plan: &PlanFile,
    base: Option<&Path>,
    depends: &Value,
    folder: &Path,
    told: &mut dyn FnMut(&str),
) -> Result<()> {
    told("reading the corpus");
    let texts = corpus::texts(plan)?;
    for (name, texts) in &texts {
        told(&summary(name, &texts.counts));
    }
    match base.or(plan.tokenizer.folder.as_deref()) {
        Some(from) => copy_tokenizer(from, folder)?,
        None => {
            told("learning the tokenizer");
            learn_tokenizer(plan, &texts, folder)?;
        }
    }
    let tokenizer = Tokenizer::from_folder(folder)?;
    told("cutting texts into tokens");
    for (place, texts) in texts.values().enumerate() {
        for (part, documents) in [(Part::Train, &texts.train), (Part::HeldOut, &texts.held)] {
            write_tokens(&folder.join(part.file(place)), documents, &tokenizer)?;
        }
    }
    if plan.pairs().is_some() {
        told("looking for documented functions");
        for (place, (name, texts)) in texts.iter().enumerate() {
            for (part, documents) in [(Part::Train, &texts.train), (Part::HeldOut, &texts.held)] {
                let found = documented::write(&folder.join(part.pairs(place)), documents)?;
                told(&format!(
                    "{name}: {found} documented functions {}",
                    part.told()
                ));
            }
        }
    }
    let sources = texts.into_iter().map(|(name, texts)| (name, texts.counts));
    let card = Card {
        format: FORMAT,
        plan: depends.clone(),
        sources: sources.collect(),
    };
    let path = folder.join(CARD);
    let text = format!("{:#}\n", json!(card));
    fs_err::write(&path, text).map_err(|error| Error::io(&path, error))
}

/// What became of a source, in a line.
fn summary(name: &str, counts: &Counts) -> String {
    let left: Vec<String> = counts
        .left_out
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    format!(
        "{name}: {} files; {} texts of {} bytes to learn from, {} of {} held out in {} projects; left out: {}",
        counts.files,
        counts.train.texts,
        counts.train.bytes,
        counts.held_out.texts,
        counts.held_out.bytes,
        counts.held_out_projects.len(),
        match left.is_empty() {
            true => "none".to_owned(),
            false => left.join(", "),
        }
    )
}

fn copy_tokenizer(from: &Path, folder: &Path) -> Result<()> {
    for name in [TOKENIZER, SETTINGS] {
        let (from, to) = (from.join(name), folder.join(name));
        if name == TOKENIZER || from.exists() {
            fs_err::copy(&from, &to).map_err(|error| Error::io(&from, error))?;
        }
    }
    Ok(())
}

/// Learns a tokenizer from a sample of what is learnt from: of each source by its weight.
fn learn_tokenizer(plan: &PlanFile, texts: &IndexMap<String, Texts>, folder: &Path) -> Result<()> {
    let weights: Vec<f64> = plan
        .sources
        .iter()
        .map(|(name, source)| {
            weight(
                source.weight,
                texts.get(name).map_or(0, |t| t.counts.train.bytes),
            )
        })
        .collect();
    let all: f64 = weights.iter().sum();
    let mut sample: Vec<&str> = Vec::new();
    for (texts, weight) in texts.values().zip(weights) {
        let mut left = plan.tokenizer.sample_bytes as f64 * weight / all.max(f64::MIN_POSITIVE);
        for document in &texts.train {
            if left <= 0.0 {
                break;
            }
            left -= document.text.len() as f64;
            sample.push(&document.text);
        }
    }
    let roles = roles(plan.objective);
    let recipe = learn::learn(sample.into_iter(), plan.tokenizer.vocabulary, &roles)?;
    let write = |name: &str, value: &Value| {
        let path = folder.join(name);
        fs_err::write(&path, format!("{value:#}\n")).map_err(|error| Error::io(&path, error))
    };
    write(TOKENIZER, &recipe)?;
    write(SETTINGS, &settings(plan))
}

/// A source without a weight counts by its bytes.
pub fn weight(given: Option<f64>, bytes: u64) -> f64 {
    given.unwrap_or(bytes as f64)
}

pub fn roles(aim: Aim) -> Roles {
    match aim {
        Aim::Causal | Aim::Contrastive => Roles::decoder(),
        Aim::Masked => Roles::encoder(),
    }
}

/// What libraries ask of a tokenizer beside its file.
fn settings(plan: &PlanFile) -> Value {
    let mut settings = match plan.objective {
        Aim::Causal | Aim::Contrastive => json!({
            "bos_token": "<|endoftext|>",
            "eos_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
        }),
        Aim::Masked => json!({
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        }),
    };
    settings["tokenizer_class"] = json!("PreTrainedTokenizerFast");
    settings["clean_up_tokenization_spaces"] = json!(false);
    settings["model_max_length"] = json!(plan.network.positions);
    settings
}

/// Length of each text, then the ids, each text after the other; all little-endian.
fn write_tokens(path: &Path, documents: &[Document], tokenizer: &Tokenizer) -> Result<()> {
    let texts: Vec<&str> = documents.iter().map(|one| one.text.as_str()).collect();
    let all = tokenizer.encode_batch(&texts, false)?;
    let told = |error| Error::io(path, error);
    let file = fs_err::File::create(path).map_err(told)?;
    let mut out = std::io::BufWriter::with_capacity(AT_ONCE, file);
    let lengths = all.iter().map(|ids| ids.len() as u32);
    let numbers = [all.len() as u32]
        .into_iter()
        .chain(lengths)
        .chain(all.iter().flatten().copied());
    for number in numbers {
        out.write_all(&number.to_le_bytes()).map_err(told)?;
    }
    out.flush().map_err(told)
}

impl Stock {
    /// Puts the tokenizer's files into another folder.
    pub fn copy_tokenizer(&self, folder: &Path) -> Result<()> {
        copy_tokenizer(&self.folder, folder)
    }

    /// The documented functions of a part, if it has any.
    pub fn pairs(&self, source: usize, part: Part) -> Option<PathBuf> {
        let path = self.folder.join(part.pairs(source));
        let some = fs_err::metadata(&path).is_ok_and(|about| about.len() > 0);
        some.then_some(path)
    }

    /// The token ids of each text of a part, in the order of the corpus.
    pub fn tokens(&self, source: usize, part: Part) -> Result<Vec<Vec<u32>>> {
        let path = self.folder.join(part.file(source));
        let damaged = || Error::told(format_args!("{}: damaged", path.display()));
        let mut bytes = Vec::new();
        fs_err::File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| Error::io(&path, error))?;
        let mut numbers = bytes
            .chunks_exact(4)
            .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let texts = numbers.next().ok_or_else(damaged)? as usize;
        let lengths: Vec<usize> = numbers.by_ref().take(texts).map(|n| n as usize).collect();
        let ids: Vec<u32> = numbers.collect();
        let most = self.tokenizer.vocab_size() as u32;
        let whole = lengths
            .iter()
            .try_fold(0usize, |sum, length| sum.checked_add(*length));
        if lengths.len() != texts
            || whole != Some(ids.len())
            || bytes.len() % 4 != 0
            || ids.iter().any(|id| *id >= most)
        {
            return Err(damaged());
        }
        let mut rest = &ids[..];
        let mut all = Vec::with_capacity(texts);
        for length in lengths {
            let (own, others) = rest.split_at(length);
            all.push(own.to_vec());
            rest = others;
        }
        Ok(all)
    }

    /// The texts of a part again, as they were, at most so many bytes in the order that the seed
    /// draws; the same ones that an evaluation asks.
    pub fn held_texts(&self, source: usize, most: u64) -> Result<Vec<String>> {
        let tokens = held(self.tokens(source, Part::HeldOut)?, most, |ids| {
            Ok(self.tokenizer.decode(ids, false)?.len() as u64)
        })?;
        let texts = tokens
            .iter()
            .map(|ids| Ok(self.tokenizer.decode(ids, false)?));
        texts.collect()
    }

    /// The tokens that an evaluation asks.
    pub fn held_tokens(&self, source: usize, most: u64, lengths: &[u32]) -> Result<Vec<Vec<u32>>> {
        held(self.tokens(source, Part::HeldOut)?, most, |ids| {
            Ok(ids.iter().map(|id| u64::from(lengths[*id as usize])).sum())
        })
    }
}

/// Whole texts in an order of their own until there are so many bytes; at least one text.
fn held(
    texts: Vec<Vec<u32>>,
    most: u64,
    bytes: impl Fn(&[u32]) -> Result<u64>,
) -> Result<Vec<Vec<u32>>> {
    let stream = Stream::new(0, 0, "what is asked");
    let mut keyed: Vec<(u64, Vec<u32>)> = texts
        .into_iter()
        .enumerate()
        .map(|(place, ids)| (stream.bits(place as u64), ids))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    let (mut all, mut sum) = (Vec::new(), 0);
    for (_, ids) in keyed {
        let own = bytes(&ids)?;
        if all.is_empty() || sum + own <= most {
            sum += own;
            all.push(ids);
        }
    }
    Ok(all)
}
