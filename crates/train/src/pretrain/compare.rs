//! How many bits a byte of the held-out files costs: by bases, and by what needs no network at all.
//!
//! All are asked the same files. Networks and the model of five tokens read each file for itself, with
//! what the plan calls a window; gzip and xz read all files of a source as one, which favours them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use skillbelt_engine::{Keep, Precision};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{self, Purpose};

use super::causal::Causal;
use super::five::{Five, MOST_TOKENS};
use super::pieces::Pieces;
use super::plan::{Aim, PlanFile};
use super::stock::{Part, Stock};
use crate::error::{Error, Result};
use crate::evaluate::Draws;
use crate::task::{Answer, Objective, Stage};
use crate::watch::Watch;

/// Bits per byte, by source and reader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    pub readers: Vec<String>,
    pub sources: Vec<Weighed>,
}

/// The held-out files of one source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weighed {
    pub source: String,
    pub files: usize,
    pub bytes: u64,
    /// Bits of all files together, by reader; nothing where a reader is not on this machine.
    pub bits: Vec<Option<f64>>,
    /// Bytes of each file.
    pub sizes: Vec<u64>,
    /// Bits of each file, by reader; nothing for readers that take all files as one.
    pub each: Vec<Option<Vec<f64>>>,
}

/// What a reader needs for the files of a source.
enum Bits {
    Each(Vec<f64>),
    Whole(Option<f64>),
}

impl Compared {
    /// A line for each source, and one for all of them together.
    pub fn table(&self) -> String {
        let mut text = format!("{:12} {:>6} {:>10}", "held out", "files", "bytes");
        self.readers
            .iter()
            .for_each(|reader| text += &format!(" {reader:>12}"));
        text.push('\n');
        let mut all = Weighed {
            source: "all".into(),
            files: 0,
            bytes: 0,
            bits: vec![Some(0.0); self.readers.len()],
            sizes: Vec::new(),
            each: Vec::new(),
        };
        for one in &self.sources {
            text += &line(one);
            all.files += one.files;
            all.bytes += one.bytes;
            let sums = all.bits.iter_mut().zip(&one.bits);
            sums.for_each(|(sum, bits)| *sum = sum.zip(*bits).map(|(a, b)| a + b));
        }
        text + &line(&all) + &self.sureness()
    }

    /// How far the numbers of all files are those of these very files: of readers that take each file for
    /// itself the interval over draws of files, and of the first of them what it is ahead of the others.
    fn sureness(&self) -> String {
        let alone: Vec<(usize, Vec<f64>)> = (0..self.readers.len())
            .filter_map(|reader| Some((reader, self.each(reader)?)))
            .collect();
        let Some((first, best)) = alone.first() else {
            return String::new();
        };
        let mut text = String::from("over draws of the files, 95% of them:\n");
        for (reader, bits) in &alone {
            let name = &self.readers[*reader];
            text += &format!("  {name:12} {}\n", self.drawn(bits));
            if reader != first {
                let ahead: Vec<f64> = bits.iter().zip(best).map(|(one, own)| one - own).collect();
                let told = self.drawn(&ahead);
                text += &format!("  {} less than {name} by {told}\n", self.readers[*first]);
            }
        }
        text
    }

    /// Bits of every file of all sources.
    fn each(&self, reader: usize) -> Option<Vec<f64>> {
        let each = self.sources.iter().map(|one| one.each[reader].as_deref());
        Some(each.collect::<Option<Vec<_>>>()?.concat())
    }

    /// Bits per byte and their interval.
    fn drawn(&self, bits: &[f64]) -> String {
        let sizes: Vec<u64> = self
            .sources
            .iter()
            .flat_map(|one| one.sizes.clone())
            .collect();
        let per_byte = |times: &[u32]| {
            let bytes: f64 = sizes
                .iter()
                .zip(times)
                .map(|(size, n)| *size as f64 * f64::from(*n))
                .sum();
            let bits: f64 = bits
                .iter()
                .zip(times)
                .map(|(bits, n)| bits * f64::from(*n))
                .sum();
            (bytes > 0.0).then_some(bits / bytes)
        };
        let draws = Draws::default();
        let all = per_byte(&vec![1; sizes.len()]).unwrap_or_default();
        match draws.interval(&draws.values(sizes.len(), per_byte)) {
            Some(interval) => format!("{all:.4} ({:.4} to {:.4})", interval.low, interval.high),
            None => format!("{all:.4}"),
        }
    }
}

fn line(one: &Weighed) -> String {
    let mut text = format!("{:12} {:>6} {:>10}", one.source, one.files, one.bytes);
    for bits in &one.bits {
        text += &match bits {
            Some(bits) => format!(" {:>12.4}", bits / one.bytes.max(1) as f64),
            None => format!(" {:>12}", "-"),
        };
    }
    text + "\n"
}

/// Weighs the held-out files of every source.
pub fn compare(
    plan: &PlanFile,
    stock: &Stock,
    bases: &[(String, PathBuf)],
    watch: &mut dyn Watch,
) -> Result<Compared> {
    let texts = plan.sources.keys().enumerate().map(|(place, name)| {
        Ok((
            name.clone(),
            stock.held_texts(place, plan.held_out.max_bytes)?,
        ))
    });
    let texts: Vec<(String, Vec<String>)> = texts.collect::<Result<_>>()?;
    let mut compared = Compared {
        readers: Vec::new(),
        sources: texts
            .iter()
            .map(|(name, texts)| weighed(name, texts))
            .collect(),
    };
    let mut add = |reader: &str, bits: Vec<Bits>| {
        compared.readers.push(reader.to_owned());
        for (source, bits) in compared.sources.iter_mut().zip(bits) {
            let (all, each) = match bits {
                Bits::Each(each) => (Some(each.iter().sum()), Some(each)),
                Bits::Whole(all) => (all, None),
            };
            source.bits.push(all);
            source.each.push(each);
        }
    };
    for (name, folder) in bases {
        watch.told(&format!("{name} reads"));
        let short = Path::new(name)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        add(&short, by_base(plan, folder, &texts)?);
    }
    watch.told("counting runs of five tokens");
    add("five tokens", by_five(plan, stock, &texts)?);
    add(
        "gzip -9",
        texts
            .iter()
            .map(|(_, texts)| Ok(Bits::Whole(gzip(texts)?)))
            .collect::<Result<_>>()?,
    );
    add(
        "xz -9",
        texts
            .iter()
            .map(|(_, texts)| Ok(Bits::Whole(xz(texts))))
            .collect::<Result<_>>()?,
    );
    Ok(compared)
}

fn weighed(name: &str, texts: &[String]) -> Weighed {
    Weighed {
        source: name.to_owned(),
        files: texts.len(),
        bytes: texts.iter().map(|text| text.len() as u64).sum(),
        bits: Vec::new(),
        sizes: texts.iter().map(|text| text.len() as u64).collect(),
        each: Vec::new(),
    }
}

/// A base with its own tokenizer.
fn by_base(plan: &PlanFile, folder: &Path, texts: &[(String, Vec<String>)]) -> Result<Vec<Bits>> {
    let tokenizer = Tokenizer::from_folder(folder)?;
    let opened = base::open(folder, Purpose::frozen(Precision::F32))?;
    let causal = PlanFile {
        objective: Aim::Causal,
        ..plan.clone()
    };
    let windows = super::windows(&causal, &tokenizer)?;
    let objective = Causal {
        pieces: Pieces {
            bytes: vec![0; opened.network.sizes().vocabulary],
        },
    };
    let stage = Stage {
        network: &*opened.network,
        tokenizer: &tokenizer,
        task: 0,
        seed: 0,
        step: 0,
        pack_tokens: plan.training.pack_tokens,
        keep: Keep::Exact,
        recompute: false,
    };
    let bits = |name: &str, tokens: Vec<u32>| {
        let set = windows.set(&[tokens], plan.training.seed, name)?;
        let answers = objective.answer(&stage, &set)?;
        let nats = answers.iter().filter_map(|answer| match answer {
            Answer::Text { loss, .. } => loss.map(|(nats, _)| nats),
            _ => None,
        });
        Ok(nats.sum::<f64>() / std::f64::consts::LN_2)
    };
    let sources = texts.iter().map(|(name, texts)| {
        let tokens = tokenizer.encode_batch(texts, false)?.into_iter();
        let each = tokens.map(|tokens| bits(name, tokens));
        Ok(Bits::Each(each.collect::<Result<_>>()?))
    });
    sources.collect()
}

/// The model of five tokens, with the stock's tokenizer, of all that the plan learns from.
fn by_five(plan: &PlanFile, stock: &Stock, texts: &[(String, Vec<String>)]) -> Result<Vec<Bits>> {
    let vocabulary = stock.tokenizer.vocab_size();
    if vocabulary > MOST_TOKENS {
        return Ok(texts.iter().map(|_| Bits::Whole(None)).collect());
    }
    let windows = super::windows(plan, &stock.tokenizer)?;
    let mut learnt = Vec::new();
    for place in 0..plan.sources.len() {
        learnt.append(&mut stock.tokens(place, Part::Train)?);
    }
    let five = Five::train(&learnt, vocabulary, windows.begin, windows.end);
    drop(learnt);
    let bits = texts.iter().map(|(_, texts)| {
        let tokens = stock.tokenizer.encode_batch(texts, false)?;
        Ok(Bits::Each(
            tokens.iter().map(|text| five.bits(text)).collect(),
        ))
    });
    bits.collect()
}

fn gzip(texts: &[String]) -> Result<Option<f64>> {
    let told = |error| Error::io(Path::new("gzip"), error);
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    for text in texts {
        out.write_all(text.as_bytes()).map_err(told)?;
    }
    Ok(Some(8.0 * out.finish().map_err(told)?.len() as f64))
}

/// By the program of that name; nothing where it is not installed.
fn xz(texts: &[String]) -> Option<f64> {
    let mut process = Command::new("xz")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = process.stdin.take()?;
    let all: Vec<u8> = texts.iter().flat_map(|text| text.bytes()).collect();
    // It writes while it reads: both at once, or both would wait for ever.
    let writing = std::thread::spawn(move || input.write_all(&all).is_ok());
    let out = process.wait_with_output().ok()?;
    let written = writing.join().unwrap_or(false);
    (written && out.status.success()).then_some(8.0 * out.stdout.len() as f64)
}
