//! Greedy and sampled writing: each sequence is one line of tokens, and leaves the batch when it
//! ends.

use skillbelt_engine::Mat;

use super::error::Result;
use super::reader::Reader;
use super::stop::{Heard, StopWatch};
use super::{Choice, Finish, Job, Listener, Options, Written, choose};
use crate::tokenizer::{Decoder, Tokenizer};

/// One sequence while it is written.
pub(super) struct Line<'t> {
    /// Place of its prompt in the batch.
    prompt: usize,
    ids: Vec<u32>,
    text: String,
    decoder: Option<Decoder<'t>>,
    watch: Option<StopWatch>,
    finish: Option<Finish>,
}

/// Writes all lines of a batch.
pub(super) fn write(
    job: &Job<'_>,
    reader: &mut dyn Reader,
    listener: Listener<'_>,
) -> Result<Vec<Written>> {
    let mut lines: Vec<Line<'_>> = (0..job.prompts.len())
        .map(|prompt| Line::begin(job.tokenizer, job.options, prompt))
        .collect();
    let openings: Vec<&[u32]> = job.openings.iter().map(|ids| &ids[..]).collect();
    let mut logits = reader.read(&openings)?;
    let mut done = Vec::new();
    loop {
        for (row, line) in lines.iter_mut().enumerate() {
            line.step(job, &mut logits, row, listener)?;
        }
        let left: Vec<usize> = (0..lines.len())
            .filter(|row| !lines[*row].has_ended())
            .collect();
        if left.len() < lines.len() {
            let (ended, running) = lines.into_iter().partition(Line::has_ended);
            done.extend::<Vec<_>>(ended);
            lines = running;
            reader.select(&left);
        }
        if lines.is_empty() {
            break;
        }
        let last: Vec<&[u32]> = lines.iter().map(Line::last).collect();
        logits = reader.read(&last)?;
    }
    done.sort_by_key(|line| line.prompt);
    Ok(done
        .into_iter()
        .map(|line| line.into_written(job))
        .collect())
}

impl<'t> Line<'t> {
    pub(super) fn begin(tokenizer: &'t Tokenizer, options: &Options, prompt: usize) -> Line<'t> {
        Line {
            prompt,
            ids: Vec::new(),
            text: String::new(),
            decoder: Some(tokenizer.decoder(true)),
            watch: Some(StopWatch::new(&options.stop)),
            finish: None,
        }
    }

    /// Chooses the next token from its row of the logits `[S x V]`, and notes if the line ends.
    pub(super) fn step(
        &mut self,
        job: &Job<'_>,
        logits: &mut Mat,
        row: usize,
        listener: Listener<'_>,
    ) -> Result<()> {
        let scores = logits.row_mut(row);
        job.adjust(scores, self.prompt, &self.ids);
        let (number, step) = (job.prompts[self.prompt].number, self.ids.len());
        let token = match &job.options.choice {
            Choice::Sample(how) => choose::sample(scores, how, number, step as u64),
            _ => choose::greedy(scores),
        };
        let token = token.ok_or_else(|| job.not_finite(self.prompt, step))?;
        self.ids.push(token);
        let room = job.rooms[self.prompt];
        if job.ends.contains(&token) {
            self.finish = Some(Finish::Stop);
        } else if self.hear(token, listener)? {
            self.finish = Some(Finish::Stop);
            return Ok(());
        } else if self.ids.len() >= room.tokens {
            self.finish = Some(room.reason);
        }
        match self.finish {
            Some(_) => self.flush(listener),
            None => Ok(()),
        }
    }

    /// Adds a token's text; true if a stop string ended it.
    fn hear(&mut self, token: u32, listener: Listener<'_>) -> Result<bool> {
        let piece = match &mut self.decoder {
            Some(decoder) => decoder.push(token)?,
            None => None,
        };
        Ok(piece.is_some_and(|piece| self.take(&piece, listener)))
    }

    /// The text's last characters, which were still waiting for more.
    fn flush(&mut self, listener: Listener<'_>) -> Result<()> {
        let rest = match self.decoder.take() {
            Some(decoder) => decoder.finish()?,
            None => String::new(),
        };
        if self.take(&rest, listener) {
            self.finish = Some(Finish::Stop);
        } else if let Some(watch) = self.watch.take() {
            self.say(&watch.finish(), listener);
        }
        Ok(())
    }

    fn take(&mut self, piece: &str, listener: Listener<'_>) -> bool {
        let heard = self.watch.as_mut().map(|watch| watch.hear(piece));
        match heard {
            Some(Heard::More(text)) => {
                self.say(&text, listener);
                false
            }
            Some(Heard::Stopped(text)) => {
                self.say(&text, listener);
                true
            }
            None => false,
        }
    }

    fn say(&mut self, text: &str, listener: Listener<'_>) {
        if !text.is_empty() {
            self.text.push_str(text);
            listener(self.prompt, text);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.finish.is_some()
    }

    /// The token that is to be read next.
    pub(super) fn last(&self) -> &[u32] {
        &self.ids[self.ids.len().saturating_sub(1)..]
    }

    pub(super) fn into_written(self, job: &Job<'_>) -> Written {
        let room = job.rooms[self.prompt];
        Written {
            text: self.text,
            ids: self.ids,
            finish: self.finish.unwrap_or(room.reason),
            prompt_tokens: job.prompts[self.prompt].ids.len(),
            score: None,
        }
    }
}
