//! `skillbelt base generate`: prompts in, what the base writes out.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
use skillbelt_engine::Precision;
use skillbelt_model::generate::{
    Beams, Choice, EarlyStopping, Habits, Options, Prompt, Sampling, Writer, Written,
};
use skillbelt_model::tokenizer::chat::{ChatTemplates, Conversation};
use skillbelt_model::tokenizer::{self, UnixcoderMode};

use super::Everywhere;
use crate::exit::Failure;
use crate::input::{Content, Input, Inputs, Sources};
use crate::locate::Which;
use crate::output::Lines;

/// Let a base write: one JSON object per prompt, in the order of the prompts.
///
/// A decoder continues the prompt; an encoder-decoder (T5) answers it; UniXcoder does either, by
/// --mode. Out comes {"id":..,"text":..,"finish_reason":"stop|length|context","prompt_tokens":..,
/// "new_tokens":..}: `stop` an end token or --stop, `length` --max-new-tokens, `context` the longest
/// sequence that the base reads. The likeliest token is taken unless --temperature, --top-k or
/// --top-p ask for chance, or --beams for a search. A row that cannot be used is told on stderr,
/// the others are done, and the exit code is 2.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt base generate Qwen/Qwen2.5-Coder-0.5B --prompt \"fn fibonacci(n: u64) -> u64 {\" --stream
  skillbelt base generate ./codet5-base-sum --jsonl functions.jsonl --field code --beams 5
  skillbelt base generate ./qwen2.5-coder-instruct --chat --prompt \"Explain RAII.\" \\
      --temperature 0.7 --top-p 0.9 --seed 1 --precision int8")]
pub struct Generate {
    #[command(flatten)]
    which: Which,
    /// A prompt. May be repeated
    #[arg(long, value_name = "TEXT")]
    prompt: Vec<String>,
    #[command(flatten)]
    sources: Sources,
    /// Most tokens that are written for a prompt
    #[arg(long, value_name = "N", default_value_t = 128)]
    max_new_tokens: usize,
    /// Fewest tokens before an end token is allowed
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_new_tokens: usize,
    /// Draw tokens at random, more evenly the higher; 0 is greedy
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// Draw from the K likeliest tokens only
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Draw from the likeliest tokens that make up this probability only
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Of the randomness; the same seed gives the same texts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Follow this many texts at once and take the likeliest
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["temperature", "top_k", "top_p"])]
    beams: usize,
    /// With --beams: above 0 favours longer texts, below 0 shorter ones
    #[arg(
        long,
        value_name = "X",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    length_penalty: f32,
    /// With --beams: end as soon as so many texts are finished
    #[arg(long)]
    early_stopping: bool,
    /// Above 1, tokens that occurred become less likely
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// A text that ends the writing and is not part of it. May be repeated
    #[arg(long, value_name = "S")]
    stop: Vec<String>,
    /// Frame each prompt by the base's chat template; rows may have `messages` instead of a text
    #[arg(long)]
    chat: bool,
    /// With --chat: what the base is told before each prompt
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// How the weights are held: f32, bf16, int8 or nf4
    #[arg(long, value_parser = super::precision, default_value = "f32")]
    precision: Precision,
    /// Print the text itself while it is written, prompt after prompt, instead of JSON
    #[arg(long)]
    stream: bool,
    /// Also give the ids of the new tokens
    #[arg(long, conflicts_with = "stream")]
    ids: bool,
    /// Tokens, read and to be written, that are worked on at once
    #[arg(long, value_name = "N", default_value_t = 8192)]
    batch_tokens: usize,
    /// UniXcoder's way of writing
    #[arg(long, value_enum)]
    mode: Option<WritingMode>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WritingMode {
    DecoderOnly,
    EncoderDecoder,
}

#[derive(Serialize)]
struct Line<'l> {
    id: &'l Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    text: &'l str,
    finish_reason: &'static str,
    prompt_tokens: usize,
    new_tokens: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<&'l [u32]>,
}

impl Generate {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let mut inputs = self.sources.open(&self.prompt, self.chat)?;
        let options = self.options();
        let (folder, base, tokenizer) = self.which.open(everywhere, self.precision)?;
        let habits = Habits::read(&folder, &base.config, &tokenizer)?;
        let writer = match self.mode {
            None => Writer::new(&*base.network, &tokenizer, habits)?,
            Some(mode) => Writer::unixcoder(&*base.network, &tokenizer, habits, mode.into())?,
        };
        let templates = match self.chat {
            true => Some(ChatTemplates::from_folder(&folder)?.ok_or_else(|| {
                Failure::told(format_args!("{}: no chat template", folder.display()))
                    .with_hint("without --chat the prompt is continued as it is")
            })?),
            false => None,
        };
        let mut lines = Lines::new();
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while let Some(ready) = self.next(&mut inputs, &writer, templates.as_ref())? {
            let cost = (ready.1.ids.len() + self.max_new_tokens) * self.beams.max(1);
            if !batch.is_empty() && (self.stream || tokens + cost > self.batch_tokens) {
                self.write(&writer, &options, std::mem::take(&mut batch), &mut lines)?;
                tokens = 0;
            }
            tokens += cost;
            batch.push(ready);
        }
        self.write(&writer, &options, batch, &mut lines)?;
        inputs.finish()
    }

    fn options(&self) -> Options {
        let chance = self.top_k.is_some() || self.top_p.is_some();
        let choice = match self.temperature {
            _ if self.beams != 1 => Choice::Beams(Beams {
                count: self.beams,
                length_penalty: self.length_penalty,
                stopping: match self.early_stopping {
                    true => EarlyStopping::Full,
                    false => EarlyStopping::Likely,
                },
            }),
            Some(0.0) => Choice::Greedy,
            None if !chance => Choice::Greedy,
            temperature => Choice::Sample(Sampling {
                temperature: temperature.unwrap_or(1.0),
                top_k: self.top_k,
                top_p: self.top_p.unwrap_or(1.0),
                seed: self.seed,
            }),
        };
        Options {
            choice,
            max_new_tokens: self.max_new_tokens,
            min_new_tokens: self.min_new_tokens,
            repetition_penalty: self.repetition_penalty,
            stop: self.stop.clone(),
        }
    }

    /// The next input that can be a prompt, with its number as the prompt's.
    fn next(
        &self,
        inputs: &mut Inputs,
        writer: &Writer<'_>,
        templates: Option<&ChatTemplates>,
    ) -> Result<Option<(Input, Prompt)>, Failure> {
        while let Some(input) = inputs.next()? {
            let text = match (templates, &input.content) {
                (Some(templates), content) => self.framed(templates, content),
                (None, Content::Text(text)) => Ok(text.clone()),
                (None, Content::Messages(_)) => continue,
            };
            let ids = text
                .map_err(Failure::from)
                .and_then(|text| Ok(writer.encode(&text, self.chat)?));
            let prompt = ids.and_then(|ids| {
                let prompt = Prompt {
                    ids,
                    number: inputs.number() as u64,
                };
                writer.check(&prompt)?;
                Ok(prompt)
            });
            match prompt {
                Ok(prompt) => return Ok(Some((input, prompt))),
                Err(Failure::Told { message, .. }) => inputs.reject(&input, message),
                Err(other) => return Err(other),
            }
        }
        Ok(None)
    }

    /// The text of a conversation.
    fn framed(
        &self,
        templates: &ChatTemplates,
        content: &Content,
    ) -> Result<String, tokenizer::Error> {
        let messages = match content {
            Content::Messages(messages) => messages.clone(),
            Content::Text(text) => {
                let system = self
                    .system
                    .iter()
                    .map(|text| json!({"role": "system", "content": text}));
                system
                    .chain([json!({"role": "user", "content": text})])
                    .collect()
            }
        };
        templates.render(&Conversation {
            messages: &messages,
            tools: None,
            add_generation_prompt: true,
            template: None,
        })
    }

    fn write(
        &self,
        writer: &Writer<'_>,
        options: &Options,
        batch: Vec<(Input, Prompt)>,
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        let (inputs, prompts): (Vec<Input>, Vec<Prompt>) = batch.into_iter().unzip();
        let mut heard = Ok(());
        let all = writer.write(&prompts, options, &mut |_, piece| {
            if self.stream && heard.is_ok() {
                heard = lines.text(piece);
            }
        })?;
        heard?;
        for (input, written) in inputs.iter().zip(&all) {
            match self.stream {
                true => lines.text("\n")?,
                false => lines.object(&self.line(input, written))?,
            }
        }
        lines.flush()
    }

    fn line<'l>(&self, input: &'l Input, written: &'l Written) -> Line<'l> {
        Line {
            id: &input.id,
            line: input.line,
            text: &written.text,
            finish_reason: written.finish.name(),
            prompt_tokens: written.prompt_tokens,
            new_tokens: written.ids.len(),
            score: written.score,
            ids: self.ids.then_some(&written.ids[..]),
        }
    }
}

impl From<WritingMode> for UnixcoderMode {
    fn from(mode: WritingMode) -> UnixcoderMode {
        match mode {
            WritingMode::DecoderOnly => UnixcoderMode::DecoderOnly,
            WritingMode::EncoderDecoder => UnixcoderMode::EncoderDecoder,
        }
    }
}
