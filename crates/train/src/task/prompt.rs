//! From a source to the tokens that an answer is written from: what the recipe and the base put
//! around it, and how it is cut.

use std::sync::Arc;

use serde_json::Value;
use skillbelt_model::Tokenizer;
use skillbelt_model::tokenizer::chat::{ChatTemplates, Conversation};

use super::frame::Frame;
use super::given::Given;
use crate::data::Source;
use crate::error::{Error, Result};
use crate::recipe::TaskSettings;

/// How sources are laid out.
pub struct Prompting {
    /// Of the base: before the prompt, and after it where the base reads it whole.
    before: Vec<u32>,
    after: Vec<u32>,
    prefix: String,
    suffix: String,
    suffix_ids: Vec<u32>,
    chat: Option<Arc<ChatTemplates>>,
    limit: usize,
}

/// Token ids, or why there are none.
pub type Ids = std::result::Result<Vec<u32>, &'static str>;

impl Prompting {
    /// `whole`: the base reads the prompt whole before it writes, and wants its end marked; else it
    /// goes on from the last token. Prefix and suffix must leave room for at least half of a prompt.
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        given: &Given<'_>,
        limit: usize,
        whole: bool,
    ) -> Result<Prompting> {
        let frame = Frame::of(given.tokenizer)?;
        let prefix = settings.prompt_prefix.clone().unwrap_or_default();
        let suffix = settings.prompt_suffix.clone().unwrap_or_default();
        let suffix_ids = given.tokenizer.encode(&suffix, false)?;
        let around =
            given.tokenizer.encode(&prefix, false)?.len() + suffix_ids.len() + frame.around();
        if 2 * around > limit {
            return Err(Error::Setting {
                origin: format!("tasks.{task}"),
                key: "max_length".into(),
                message: format!(
                    "{limit} tokens, {around} of them for what stands around a source"
                ),
                hint: Some("shorten the prompt, or allow longer texts".into()),
            });
        }
        Ok(Prompting {
            before: frame.before().to_vec(),
            after: if whole {
                frame.after().to_vec()
            } else {
                Vec::new()
            },
            prefix,
            suffix,
            suffix_ids,
            chat: given.chat.clone(),
            limit,
        })
    }

    /// The tokens of a prompt. A text loses its tail; a conversation that a template laid out is not
    /// cut, because its parts depend on each other.
    pub fn ids(&self, source: &Source, tokenizer: &Tokenizer) -> Result<Ids> {
        match (source, &self.chat) {
            (Source::Text(text), _) => self.text(text, tokenizer),
            (Source::Messages(messages), Some(chat)) => self.rendered(messages, chat, tokenizer),
            (Source::Messages(messages), None) => match contents(messages) {
                Some(text) => self.text(&text, tokenizer),
                None => Ok(Err("messages without text")),
            },
        }
    }

    fn text(&self, source: &str, tokenizer: &Tokenizer) -> Result<Ids> {
        if tokenizer.encode(source, false)?.is_empty() {
            return Ok(Err("empty source"));
        }
        let room = self.limit - self.before.len() - self.after.len();
        let whole = [&self.prefix, source, &self.suffix].concat();
        let mut body = tokenizer.encode(&whole, false)?;
        if body.len() > room {
            body = tokenizer.encode(&[&self.prefix, source].concat(), false)?;
            body.truncate(room - self.suffix_ids.len());
            body.extend_from_slice(&self.suffix_ids);
        }
        Ok(Ok([&self.before, &body[..], &self.after].concat()))
    }

    fn rendered(
        &self,
        messages: &Value,
        chat: &ChatTemplates,
        tokenizer: &Tokenizer,
    ) -> Result<Ids> {
        let conversation = Conversation {
            messages,
            tools: None,
            add_generation_prompt: true,
            template: None,
        };
        // A template may refuse some order of roles; that is the row's fault.
        let Ok(text) = chat.render(&conversation) else {
            return Ok(Err("messages that the chat template refuses"));
        };
        let ids = tokenizer.encode(&text, false)?;
        Ok(match ids.len() {
            0 => Err("empty source"),
            tokens if tokens > self.limit => Err("conversation longer than max_length"),
            _ => Ok(ids),
        })
    }
}

/// What was said, line by line, for a base that has no form of its own for conversations.
fn contents(messages: &Value) -> Option<String> {
    let said = messages
        .as_array()?
        .iter()
        .map(|message| message["content"].as_str());
    Some(said.collect::<Option<Vec<_>>>()?.join("\n"))
}
