//! A served model as what is asked. Lengths are foreseen, three bytes for a token; failures come as
//! the client counts them.

use serde_json::{Value, json};

use super::model::{Embedding, Manner, Model, Said, Scored};
use crate::endpoint::limits::foreseen_tokens;
use crate::endpoint::{Answered, Client, Costs, Heard, Message, Outcome, Request, Writing};
use crate::error::{Error, Result};
use crate::recipe::{Api, EndpointSettings};

/// Tokens that a conversation puts around its messages, at most.
const AROUND: usize = 16;

/// A model behind an endpoint.
pub struct Remote<'r> {
    /// Nothing where prompts are only looked at.
    pub client: Option<Client>,
    pub settings: &'r EndpointSettings,
    pub system: Option<String>,
    /// Hears how many answers are there.
    pub heard: &'r Heard<'r>,
}

impl Remote<'_> {
    fn ask(&self, requests: &[Request]) -> Result<Vec<Answered>> {
        match &self.client {
            Some(client) => client.ask(requests, self.heard),
            None => Err(Error::told("prompts are only looked at; nothing is asked")),
        }
    }

    fn request(&self, prompt: &str, manner: &Manner) -> Request {
        let writing = Writing {
            max_tokens: manner.max_tokens,
            temperature: manner.temperature,
            seed: manner.seed,
            stop: manner.stop.clone(),
        };
        match self.settings.api {
            Api::Chat => {
                let system = self.system.clone().map(Message::system);
                let user = Message::user(prompt.to_owned());
                Request::Chat {
                    messages: system.into_iter().chain([user]).collect(),
                    writing,
                }
            }
            Api::Completions => Request::Complete {
                prompt: prompt.to_owned(),
                writing,
            },
        }
    }
}

fn strange(answered: &Answered) -> String {
    match &answered.outcome {
        Outcome::Failed(reason) => reason.clone(),
        _ => "wrong shape: an answer to another kind of request".to_owned(),
    }
}

impl Model for Remote<'_> {
    fn card(&self) -> Value {
        json!({
            "endpoint": self.settings.url,
            "model": self.settings.model,
            "api": self.settings.api,
            "system": self.system,
        })
    }

    fn converses(&self) -> bool {
        self.settings.api == Api::Chat
    }

    fn tokens(&self, text: &str) -> Result<usize> {
        Ok(foreseen_tokens(text))
    }

    fn room(&self, more: usize) -> Option<usize> {
        Some(self.settings.context?.saturating_sub(more))
    }

    fn prompt_tokens(&self, prompt: &str) -> Result<usize> {
        let system = self.system.as_deref().map_or(0, foreseen_tokens);
        Ok(foreseen_tokens(prompt) + system + AROUND)
    }

    fn write(&self, prompts: &[String], manner: &Manner) -> Result<Vec<Said>> {
        let requests: Vec<Request> = prompts.iter().map(|p| self.request(p, manner)).collect();
        let answers = self.ask(&requests)?;
        let said = |answered: Answered| match answered.outcome {
            Outcome::Text { text, .. } => Ok(text),
            _ => Err(strange(&answered)),
        };
        Ok(answers.into_iter().map(said).collect())
    }

    fn score(
        &self,
        prompts: &[String],
        words: &[String],
    ) -> Result<Vec<std::result::Result<Vec<Scored>, String>>> {
        if self.settings.api == Api::Chat {
            let told = Error::told("a conversation gives no log-probabilities of given words");
            return Err(told.with_hint(
                "set `prompting.labels: generation`, or `prompting.endpoint.api: completions`",
            ));
        }
        let mut requests = Vec::with_capacity(prompts.len() * words.len());
        for prompt in prompts {
            let space = match prompt.ends_with(char::is_whitespace) {
                true => "",
                false => " ",
            };
            requests.extend(words.iter().map(|word| Request::Score {
                prompt: prompt.clone(),
                continuation: format!("{space}{word}"),
            }));
        }
        let answers = self.ask(&requests)?;
        let one = |answered: &Answered| match &answered.outcome {
            Outcome::Scores(scores) => Ok(Scored {
                sum: scores.iter().sum(),
                tokens: scores.len(),
            }),
            _ => Err(strange(answered)),
        };
        let of_prompt = |answers: &[Answered]| answers.iter().map(one).collect();
        Ok(answers.chunks(words.len().max(1)).map(of_prompt).collect())
    }

    fn embed(
        &self,
        texts: &[String],
        _how: &Embedding<'_>,
    ) -> Result<Vec<std::result::Result<Vec<f32>, String>>> {
        let request = |text: &String| Request::Embed { text: text.clone() };
        let requests: Vec<Request> = texts.iter().map(request).collect();
        let answers = self.ask(&requests)?;
        let vector = |answered: &Answered| match &answered.outcome {
            Outcome::Vector(vector) => super::search::unit(vector),
            _ => Err(strange(answered)),
        };
        let vectors: Vec<_> = answers.iter().map(vector).collect();
        let mut widths = vectors.iter().flatten().map(Vec::len);
        let width = widths.next();
        match widths.find(|other| Some(*other) != width) {
            Some(other) => Err(Error::told(format_args!(
                "the endpoint gives vectors of {} and of {other} numbers",
                width.unwrap_or(0)
            ))),
            None => Ok(vectors),
        }
    }

    fn costs(&self) -> Option<Costs> {
        Some(self.client.as_ref()?.costs())
    }
}
