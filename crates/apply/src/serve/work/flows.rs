//! Texts that are being written: one flow for each model (and for each task of a belt with parts of
//! its own for tasks), one token of every text at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;

use skillbelt_model::generate::{self, Asked, Choice, Flow, Writer, Written};

use super::desk::Desk;
use super::order::{Ear, Heard, Writing};
use crate::serve::refusal::Refusal;

type Key = (usize, Option<usize>);
type Listeners = BTreeMap<usize, (Key, Ear)>;

/// Everything that is written.
pub struct Flows<'w> {
    writers: &'w BTreeMap<Key, Writer<'w>>,
    flows: BTreeMap<Key, Flow<'w>>,
    waiting: VecDeque<Writing>,
    listeners: Listeners,
    next: usize,
}

impl<'w> Flows<'w> {
    pub fn new(writers: &'w BTreeMap<Key, Writer<'w>>) -> Flows<'w> {
        Flows {
            writers,
            flows: BTreeMap::new(),
            waiting: VecDeque::new(),
            listeners: BTreeMap::new(),
            next: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.listeners.is_empty()
    }

    pub fn add(&mut self, writing: Writing) {
        self.waiting.push_back(writing);
    }

    /// Lets go of texts that nobody hears any more.
    pub fn drop_unwanted(&mut self, desk: &Desk) {
        let before = self.waiting.len() + self.listeners.len();
        self.waiting.retain(|writing| !writing.ear.is_closed());
        let gone = |listeners: &Listeners, key: usize| {
            listeners.get(&key).is_none_or(|(_, ear)| ear.is_closed())
        };
        for flow in self.flows.values_mut() {
            flow.drop_all(|key| gone(&self.listeners, key));
        }
        self.listeners.retain(|_, (_, ear)| !ear.is_closed());
        desk.done_writing(before - self.waiting.len() - self.listeners.len());
    }

    /// Begins texts that wait, while fewer than `most` are written and their prompts have no more than
    /// `budget` tokens (at least one does); then one token of each text.
    pub fn step(&mut self, most: usize, budget: usize, desk: &Desk) {
        let mut tokens = 0;
        let mut news: BTreeMap<Key, Vec<Asked>> = BTreeMap::new();
        while self.listeners.len() < most
            && let Some(next) = self.waiting.front()
            && (tokens == 0 || tokens + next.prompt.ids.len() <= budget)
        {
            tokens += next.prompt.ids.len();
            let Some(writing) = self.waiting.pop_front() else {
                break;
            };
            let (key, asked) = self.begin(writing);
            news.entry(key).or_default().push(asked);
        }
        for (key, asked) in news {
            self.admit(key, asked, desk);
        }
        let keys: Vec<Key> = self.flows.keys().copied().collect();
        for key in keys {
            let count = self.flows.get(&key).map_or(0, Flow::len);
            self.advance(key, count, desk, |flow, listener| flow.step(listener));
        }
        self.flows.retain(|_, flow| !flow.is_empty());
    }

    fn begin(&mut self, writing: Writing) -> (Key, Asked) {
        let number = self.next;
        self.next += 1;
        self.listeners.insert(number, (writing.writer, writing.ear));
        let asked = Asked {
            key: number,
            prompt: writing.prompt,
            options: writing.options,
        };
        (writing.writer, asked)
    }

    fn admit(&mut self, key: Key, asked: Vec<Asked>, desk: &Desk) {
        let Some(writer) = self.writers.get(&key) else {
            let refusal = Refusal::failed("nobody here writes that");
            return self.fail(|of, _| of == key, &refusal, desk);
        };
        desk.numbers.read_tokens.fetch_add(
            asked.iter().map(|one| one.prompt.ids.len() as u64).sum(),
            Relaxed,
        );
        let (beams, asked): (Vec<_>, Vec<_>) = asked
            .into_iter()
            .partition(|one| matches!(one.options.choice, Choice::Beams(_)));
        self.flows.entry(key).or_insert_with(|| Flow::new(writer));
        // A search has no final tokens before its end, so it is made as a whole.
        for one in beams {
            let found = writer.write(
                std::slice::from_ref(&one.prompt),
                &one.options,
                &mut |_, _| {},
            );
            match found {
                Ok(written) => self.end(written.into_iter().map(|text| (one.key, text)), desk),
                Err(error) => self.fail(|_, number| number == one.key, &failed(&error), desk),
            }
        }
        let count = asked.len();
        self.advance(key, count, desk, |flow, listener| {
            flow.admit(asked, listener)
        });
    }

    /// Moves one flow on by so many tokens. One that fails ends all its texts.
    fn advance(
        &mut self,
        key: Key,
        tokens: usize,
        desk: &Desk,
        act: impl FnOnce(
            &mut Flow<'w>,
            generate::Listener<'_>,
        ) -> generate::Result<Vec<(usize, Written)>>,
    ) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        let listeners = &self.listeners;
        let outcome = act(flow, &mut |number, piece: &str| {
            if let Some((_, ear)) = listeners.get(&number) {
                ear.tell(Heard::Piece(piece.to_owned()));
            }
        });
        let written = &desk.numbers.written_tokens;
        written.fetch_add(tokens as u64, Relaxed);
        match outcome {
            Ok(ended) => self.end(ended.into_iter(), desk),
            Err(error) => {
                self.flows.remove(&key);
                self.fail(|of, _| of == key, &failed(&error), desk);
            }
        }
    }

    fn end(&mut self, ended: impl Iterator<Item = (usize, Written)>, desk: &Desk) {
        for (number, written) in ended {
            if let Some((_, ear)) = self.listeners.remove(&number) {
                ear.tell(Heard::End(written));
                desk.done_writing(1);
            }
        }
    }

    fn fail(&mut self, which: impl Fn(Key, usize) -> bool, refusal: &Refusal, desk: &Desk) {
        self.listeners.retain(|number, (key, ear)| {
            let hit = which(*key, *number);
            if hit {
                ear.tell(Heard::Failed(refusal.clone()));
                desk.done_writing(1);
            }
            !hit
        });
    }

    /// After a defect nothing that was under way can be trusted.
    pub fn fail_all(&mut self, refusal: &Refusal, desk: &Desk) {
        self.flows.clear();
        self.fail(|_, _| true, refusal, desk);
    }
}

fn failed(error: &generate::Error) -> Refusal {
    match error {
        generate::Error::Empty { .. }
        | generate::Error::TooLong { .. }
        | generate::Error::Option { .. } => Refusal::wrong(error),
        _ => Refusal::failed(error),
    }
}
