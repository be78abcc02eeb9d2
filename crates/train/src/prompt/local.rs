//! A base on this machine as what is asked. Everything is exact: scores come from the engine's
//! language-model loss over the whole vocabulary, lengths from the base's own tokenizer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use skillbelt_engine::{Keep, ops};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{Batch, Network, Shape};
use skillbelt_model::generate::{Choice, Finish, Habits, Options, Prompt, Sampling, Writer};
use skillbelt_model::tokenizer::chat::{ChatTemplates, Conversation};

use super::model::{Embedding, Manner, Model, Said, Scored};
use crate::data::Shelf;
use crate::error::{Error, Result};
use crate::task::frame::Frame;
use crate::task::packs::stretches;
use crate::task::{Stage, vectors};

/// Writing remembers keys and values only, so more sequences fit than in other passes.
const WRITTEN_TOKENS: usize = 8192;

/// A base with its tokenizer.
pub struct Local<'b> {
    pub name: String,
    pub network: &'b dyn Network,
    pub tokenizer: &'b Tokenizer,
    pub habits: Habits,
    /// The form of its conversations, if prompts are laid out so.
    pub chat: Option<ChatTemplates>,
    pub system: Option<String>,
    pub frame: Frame,
    /// Tokens that are computed at once.
    pub pack_tokens: usize,
    /// The wish to stop, looked at before each pack.
    pub stop: Arc<AtomicBool>,
}

/// One sequence that is read, and the tokens that are scored in it.
struct Feed {
    prompt: usize,
    /// Tokens after the prompt that are read.
    prefix: Vec<u32>,
    /// Numbers of the words, each whose tokens but the last are `prefix`.
    words: Vec<usize>,
}

impl Local<'_> {
    /// The start token of the answer where the base reads the prompt whole.
    fn start(&self) -> Option<u32> {
        match self.network.shape() {
            Shape::EncoderDecoder => self.habits.start,
            Shape::Encoder | Shape::Decoder => None,
        }
    }

    /// The text that is taken apart into tokens.
    fn laid_out(&self, prompt: &str) -> Result<String> {
        let Some(chat) = &self.chat else {
            return Ok(prompt.to_owned());
        };
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let system = self.system.iter().map(|text| message("system", text));
        let messages: Value = system.chain([message("user", prompt)]).collect();
        Ok(chat.render(&Conversation {
            messages: &messages,
            tools: None,
            add_generation_prompt: true,
            template: None,
        })?)
    }

    fn go_on(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::told("stopped")),
            false => Ok(()),
        }
    }

    /// What stands around a prompt's tokens.
    fn framed(&self, body: &[u32]) -> Vec<u32> {
        match (&self.chat, self.start()) {
            (Some(_), _) => body.to_vec(),
            (None, Some(_)) => [self.frame.before(), body, self.frame.after()].concat(),
            (None, None) => [self.frame.before(), body].concat(),
        }
    }

    fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        let body = self.tokenizer.encode(&self.laid_out(prompt)?, false)?;
        Ok(self.framed(&body))
    }

    /// The tokens of a word as the beginning of the answer. A base that continues the prompt sees
    /// them as they follow it; where the word changes the prompt's own last tokens, it is taken
    /// apart alone.
    fn word(&self, laid: &str, body: &[u32], word: &str) -> Result<Vec<u32>> {
        let alone = |text: &str| self.tokenizer.encode(text, false);
        if self.start().is_some() {
            return Ok(alone(word)?);
        }
        let parted = match self.chat.is_some() || laid.ends_with(char::is_whitespace) {
            true => word.to_owned(),
            false => format!(" {word}"),
        };
        let whole = alone(&format!("{laid}{parted}"))?;
        match whole.strip_prefix(body) {
            Some(rest) if !rest.is_empty() => Ok(rest.to_vec()),
            _ => Ok(alone(&parted)?),
        }
    }

    /// What is read for the words of a prompt: words that differ in their last token only share it.
    fn feeds(&self, prompt: usize, words: &[Vec<u32>]) -> Vec<Feed> {
        let mut feeds: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
        for (number, ids) in words.iter().enumerate() {
            let prefix = ids[..ids.len() - 1].to_vec();
            feeds.entry(prefix).or_default().push(number);
        }
        let feed = |(prefix, words)| Feed {
            prompt,
            prefix,
            words,
        };
        feeds.into_iter().map(feed).collect()
    }

    /// Scores the words of feeds that fit together, into `sums` of prompt and word.
    fn score_pack(
        &self,
        feeds: &[&Feed],
        prompts: &[Vec<u32>],
        words: &[Vec<Vec<u32>>],
        sums: &mut [Vec<f64>],
    ) -> Result<()> {
        let head = self
            .network
            .head()
            .ok_or_else(|| self.network.cannot("score words"))?;
        let pass = skillbelt_engine::Pass::inference();
        let start = self.start();
        let read = |feed: &&Feed| match start {
            Some(start) => [&[start], &feed.prefix[..]].concat(),
            None => [&prompts[feed.prompt][..], &feed.prefix].concat(),
        };
        let inputs: Vec<Vec<u32>> = feeds.iter().map(read).collect();
        let batch = Batch::pack(&inputs)?;
        let hidden = match start {
            Some(_) => {
                let sources: Vec<&[u32]> = feeds.iter().map(|f| &prompts[f.prompt][..]).collect();
                let sources = Batch::pack(&sources)?;
                let encoded = self.network.hidden(&pass, &sources, None)?;
                self.network
                    .decode(&pass, &encoded, &sources.spans, &batch, None)?
            }
            None => self.network.hidden(&pass, &batch, None)?,
        };
        let (mut rows, mut targets, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (feed, range) in feeds.iter().zip(batch.spans.ranges()) {
            let first = range.end - 1 - feed.prefix.len();
            for word in &feed.words {
                for (step, target) in words[feed.prompt][*word].iter().enumerate() {
                    rows.push(first + step);
                    targets.push(*target);
                    owners.push((feed.prompt, *word));
                }
            }
        }
        let wanted = ops::take_rows(&pass, &hidden, &rows)?;
        let ready = self.network.before_head(&pass, &wanted)?;
        let losses = ops::lm_score(&pass, &ready, head, &targets)?;
        for ((prompt, word), loss) in owners.into_iter().zip(losses) {
            sums[prompt][word] -= f64::from(loss);
        }
        Ok(())
    }
}

impl Model for Local<'_> {
    fn card(&self) -> Value {
        json!({
            "base": self.name,
            "family": self.network.family(),
            "chat_template": self.chat.is_some(),
            "system": self.system,
        })
    }

    fn converses(&self) -> bool {
        self.chat.is_some()
    }

    fn tokens(&self, text: &str) -> Result<usize> {
        Ok(self.tokenizer.encode(text, false)?.len())
    }

    fn room(&self, more: usize) -> Option<usize> {
        match self.start() {
            Some(_) => self.network.sizes().positions,
            None => Some(self.network.sizes().positions?.saturating_sub(more)),
        }
    }

    fn prompt_tokens(&self, prompt: &str) -> Result<usize> {
        Ok(self.ids(prompt)?.len())
    }

    fn write(&self, prompts: &[String], manner: &Manner) -> Result<Vec<Said>> {
        let writer = Writer::new(self.network, self.tokenizer, self.habits.clone())?;
        let options = Options {
            choice: match manner.temperature > 0.0 {
                true => Choice::Sample(Sampling {
                    temperature: manner.temperature as f32,
                    seed: manner.seed,
                    ..Sampling::default()
                }),
                false => Choice::Greedy,
            },
            max_new_tokens: manner.max_tokens,
            stop: manner.stop.clone(),
            ..Options::default()
        };
        let ids = prompts.iter().map(|prompt| self.ids(prompt));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|place| (ids[*place].len(), *place));
        let lengths: Vec<usize> = order
            .iter()
            .map(|i| ids[*i].len() + manner.max_tokens)
            .collect();
        let mut said: Vec<Said> = vec![Err("not asked".into()); ids.len()];
        for stretch in stretches(&lengths, self.pack_tokens.max(WRITTEN_TOKENS)) {
            self.go_on()?;
            let places = &order[stretch];
            let prompt = |place: &usize| Prompt {
                ids: ids[*place].clone(),
                number: *place as u64,
            };
            let batch: Vec<Prompt> = places.iter().map(prompt).collect();
            for (place, text) in
                places
                    .iter()
                    .zip(writer.write(&batch, &options, &mut |_, _| {})?)
            {
                said[*place] = match text.finish {
                    Finish::Stop => Ok(text.text),
                    Finish::Length => Err("cut by the limit on tokens".into()),
                    Finish::Context => Err("cut by the longest sequence".into()),
                };
            }
        }
        Ok(said)
    }

    fn score(
        &self,
        prompts: &[String],
        words: &[String],
    ) -> Result<Vec<std::result::Result<Vec<Scored>, String>>> {
        // Refuses a base that does not write.
        Writer::new(self.network, self.tokenizer, self.habits.clone())?;
        let (mut ids, mut tokens) = (Vec::new(), Vec::new());
        for prompt in prompts {
            let laid = self.laid_out(prompt)?;
            let body = self.tokenizer.encode(&laid, false)?;
            let each = words.iter().map(|word| self.word(&laid, &body, word));
            let each = each.collect::<Result<Vec<_>>>()?;
            if let Some(empty) = each.iter().position(Vec::is_empty) {
                let word = &words[empty];
                return Err(Error::told(format_args!(
                    "the base has no token of the word `{word}`"
                )));
            }
            ids.push(self.framed(&body));
            tokens.push(each);
        }
        let feeds = tokens.iter().enumerate();
        let mut feeds: Vec<Feed> = feeds
            .flat_map(|(at, words)| self.feeds(at, words))
            .collect();
        let length = |feed: &Feed| ids[feed.prompt].len() + feed.prefix.len() + 1;
        // A stable sort: feeds of one length keep the order of their prompts.
        feeds.sort_by_key(|feed| length(feed));
        let lengths: Vec<usize> = feeds.iter().map(length).collect();
        let mut sums = vec![vec![0.0; words.len()]; prompts.len()];
        for stretch in stretches(&lengths, self.pack_tokens) {
            self.go_on()?;
            let pack: Vec<&Feed> = feeds[stretch].iter().collect();
            self.score_pack(&pack, &ids, &tokens, &mut sums)?;
        }
        let scored = |(sums, tokens): (Vec<f64>, &Vec<Vec<u32>>)| {
            if sums.iter().any(|sum| !sum.is_finite()) {
                return Err("a score that is no number".to_owned());
            }
            let one = |(sum, ids): (f64, &Vec<u32>)| Scored {
                sum,
                tokens: ids.len(),
            };
            Ok(sums.into_iter().zip(tokens).map(one).collect())
        };
        Ok(sums.into_iter().zip(&tokens).map(scored).collect())
    }

    fn embed(
        &self,
        texts: &[String],
        how: &Embedding<'_>,
    ) -> Result<Vec<std::result::Result<Vec<f32>, String>>> {
        let pooling = vectors::pooling(how.task, how.settings, self.network)?;
        let bound = self.network.sizes().positions.unwrap_or(usize::MAX);
        let mut shelf = Shelf::new();
        let mut places = Vec::with_capacity(texts.len());
        for text in texts {
            let ids = self.tokenizer.encode(text, false)?;
            let ids = self.frame.text(&ids, how.limit.min(bound));
            places.push(shelf.put(&ids).map_err(vectors::unreadable)?);
        }
        let stage = Stage {
            network: self.network,
            tokenizer: self.tokenizer,
            task: 0,
            seed: 0,
            step: 0,
            pack_tokens: self.pack_tokens,
            keep: Keep::Exact,
            recompute: false,
        };
        let found = vectors::answer(&stage, &shelf, &places, pooling)?;
        Ok((0..found.rows())
            .map(|row| super::search::unit(found.row(row)))
            .collect())
    }
}
