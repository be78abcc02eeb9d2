//! `skillbelt base embed`: texts in, one vector each out.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use skillbelt_engine::ops::{self, Pool};
use skillbelt_engine::{Mat, Pass, Precision};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{Base, Batch};
use skillbelt_model::tokenizer::UnixcoderMode;

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::input::{Content, Input, Inputs, Sources};
use crate::locate::Which;
use crate::output::Lines;

/// Turn texts into vectors: one JSON object per text, in the order of the texts.
///
/// Out comes {"id":..,"tokens":..,"embedding":[..]}, with "line" where the text is a row of a file
/// and "truncated":true where the base could not read it whole. Texts are read as they are needed,
/// so the input may be larger than memory. A row that cannot be used is told on stderr, the others
/// are done, and the exit code is 2.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt base embed ./codebert-base \"def add(a, b): return a + b\"
  skillbelt base embed ./unixcoder-base --mode encoder-only --normalize --file lib.rs
  git ls-files '*.py' | jq -Rc '{id: ., text: .}' | skillbelt base embed ./codebert-base --jsonl -")]
pub struct Embed {
    #[command(flatten)]
    which: Which,
    /// Texts to embed
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    #[command(flatten)]
    sources: Sources,
    /// How the vectors of the tokens become one
    #[arg(long, value_enum, default_value = "mean")]
    pool: PoolName,
    /// Scale each vector to length 1
    #[arg(long)]
    normalize: bool,
    /// How the weights are held: f32, bf16, int8 or nf4
    #[arg(long, value_parser = super::precision, default_value = "f32")]
    precision: Precision,
    /// Cut longer texts to this many tokens [default: what the base can read]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Tokens that are computed at once
    #[arg(long, value_name = "N", default_value_t = 4096)]
    batch_tokens: usize,
    /// UniXcoder's way of reading
    #[arg(long, value_enum)]
    mode: Option<ReadingMode>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PoolName {
    Mean,
    First,
    Last,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReadingMode {
    EncoderOnly,
}

/// A text that is ready to be computed.
struct Ready {
    input: Input,
    ids: Vec<u32>,
    truncated: bool,
}

#[derive(Serialize)]
struct Vector<'v> {
    id: &'v Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    tokens: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    embedding: &'v [f32],
}

impl Embed {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let mut inputs = self.sources.open(&self.texts, false)?;
        let (_, base, tokenizer) = self.which.open(everywhere, self.precision)?;
        let limit = self.limit(&base)?;
        let mut lines = Lines::new();
        let (mut batch, mut tokens, mut truncated) = (Vec::new(), 0, 0);
        while let Some(ready) = self.next(&mut inputs, &tokenizer, limit)? {
            if !batch.is_empty() && tokens + ready.ids.len() > self.batch_tokens {
                self.compute(&base, &std::mem::take(&mut batch), &mut lines)?;
                tokens = 0;
            }
            tokens += ready.ids.len();
            truncated += usize::from(ready.truncated);
            batch.push(ready);
        }
        if !batch.is_empty() {
            self.compute(&base, &batch, &mut lines)?;
        }
        if truncated > 0 && !everywhere.quiet {
            say(format_args!(
                "note: {truncated} texts were longer than {limit} tokens and were cut"
            ));
        }
        inputs.finish()
    }

    /// The longest text in tokens.
    fn limit(&self, base: &Base) -> Result<usize, Failure> {
        let positions = base.network.sizes().positions;
        match (self.max_tokens, positions) {
            (Some(wish), Some(positions)) if wish > positions => Err(Failure::told(format_args!(
                "--max-tokens {wish}: the base reads at most {positions}"
            ))),
            (Some(wish), _) => Ok(wish),
            (None, positions) => Ok(positions.unwrap_or(usize::MAX)),
        }
    }

    /// The next input that has tokens.
    fn next(
        &self,
        inputs: &mut Inputs,
        tokenizer: &Tokenizer,
        limit: usize,
    ) -> Result<Option<Ready>, Failure> {
        while let Some(input) = inputs.next()? {
            let Content::Text(text) = &input.content else {
                continue;
            };
            match self.encode(tokenizer, text, limit) {
                Ok((ids, _)) if ids.is_empty() => inputs.reject(&input, "the text has no tokens"),
                Ok((ids, truncated)) => {
                    return Ok(Some(Ready {
                        input,
                        ids,
                        truncated,
                    }));
                }
                Err(error) => inputs.reject(&input, error),
            }
        }
        Ok(None)
    }

    /// Token ids, and whether the text was cut.
    fn encode(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        limit: usize,
    ) -> Result<(Vec<u32>, bool), skillbelt_model::tokenizer::Error> {
        if self.mode.is_some() {
            let mode = UnixcoderMode::EncoderOnly;
            let ids = tokenizer.encode_unixcoder(text, mode, limit)?;
            let whole = ids.len() < limit
                || tokenizer.encode_unixcoder(text, mode, usize::MAX)?.len() == ids.len();
            return Ok((ids, !whole));
        }
        let ids = tokenizer.encode(text, true)?;
        match ids.len() > limit {
            true => Ok((tokenizer.encode_truncated(text, limit)?, true)),
            false => Ok((ids, false)),
        }
    }

    fn compute(&self, base: &Base, batch: &[Ready], lines: &mut Lines) -> Result<(), Failure> {
        let ids: Vec<&[u32]> = batch.iter().map(|ready| &ready.ids[..]).collect();
        let packed = Batch::pack(&ids)?;
        let pass = Pass::inference();
        let hidden = base.network.hidden(&pass, &packed, None)?;
        let mut pooled = ops::pool(&pass, &hidden, &packed.spans, self.pool.into())?.into_mat();
        if self.normalize {
            normalize(&mut pooled);
        }
        for (row, ready) in batch.iter().enumerate() {
            lines.object(&Vector {
                id: &ready.input.id,
                line: ready.input.line,
                tokens: ready.ids.len(),
                truncated: ready.truncated,
                embedding: pooled.row(row),
            })?;
        }
        lines.flush()
    }
}

impl From<PoolName> for Pool {
    fn from(name: PoolName) -> Pool {
        match name {
            PoolName::Mean => Pool::Mean,
            PoolName::First => Pool::First,
            PoolName::Last => Pool::Last,
        }
    }
}

/// Every row `[1 x C]` to length 1; a row of zeros stays.
fn normalize(rows: &mut Mat) {
    for row in 0..rows.rows() {
        let row = rows.row_mut(row);
        let length = row
            .iter()
            .map(|x| f64::from(*x).powi(2))
            .sum::<f64>()
            .sqrt();
        if length > 0.0 {
            row.iter_mut()
                .for_each(|x| *x = (f64::from(*x) / length) as f32);
        }
    }
}
