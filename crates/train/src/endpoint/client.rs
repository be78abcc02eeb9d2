//! Many requests to one endpoint: so many at once, at the allowed pace, again where that may help,
//! each answer kept before it is used.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::answer::{self, Answered};
use super::cache::Cache;
use super::limits::{NONSENSE_ATTEMPTS, Patience};
use super::pace::Pace;
use super::request::Request;
use super::wire::{Trouble, Wire};
use crate::error::{Error, Result};
use crate::recipe::EndpointSettings;

/// A client of one endpoint and model.
pub struct Client {
    wire: Wire,
    model: String,
    patience: Patience,
    pace: Pace,
    concurrent: usize,
    prices: (f64, f64),
    cache: Cache,
    sent: AtomicU64,
    repeated: AtomicU64,
    /// Answers that this client gave out, each once.
    used: Mutex<HashMap<String, Used>>,
    /// The wish to stop.
    stop: Arc<AtomicBool>,
}

/// Between looks at the wish to stop, while there is nothing to do but wait.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What an answer took, and whether it was in the cache.
#[derive(Clone, Copy)]
struct Used {
    usage: Option<super::Usage>,
    was_known: bool,
}

/// Hears how many of the distinct requests are answered, and how many there are.
pub type Heard<'h> = dyn Fn(usize, usize) + Sync + 'h;

/// What the answers of a client took. Prices are those of the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Costs {
    /// Distinct requests whose answers were used.
    pub answers: u64,
    /// Of these, so many were in the cache.
    pub from_cache: u64,
    /// Requests sent, and of these so many again after one that brought nothing.
    pub sent: u64,
    pub repeated: u64,
    /// Tokens of all answers used, also of those from the cache, as the endpoint counted them.
    pub tokens_read: u64,
    pub tokens_written: u64,
    /// Answers of which it did not say.
    pub without_count: u64,
    pub cost: f64,
    /// Of the requests that were not in the cache.
    pub cost_now: f64,
}

impl Client {
    /// Opens the cache, and reads the API key; asks nothing yet.
    pub fn open(settings: &EndpointSettings, cache: &Path) -> Result<Client> {
        let seconds = |key: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::told(format_args!("`{key}`: {seconds} are no seconds")))
        };
        if settings.model.is_empty() {
            return Err(Error::told("the endpoint's `model` is missing"));
        }
        let patience = Patience {
            connect: seconds("connect_seconds", settings.connect_seconds)?,
            answer: seconds("answer_seconds", settings.answer_seconds)?,
            attempts: u32::try_from(settings.attempts).unwrap_or(u32::MAX).max(1),
            back_off: seconds("back_off_seconds", settings.back_off_seconds)?,
            longest_wait: seconds("longest_wait_seconds", settings.longest_wait_seconds)?,
        };
        Ok(Client {
            wire: Wire::new(settings, &patience)?,
            model: settings.model.clone(),
            patience,
            pace: Pace::new(settings.requests_per_minute, settings.tokens_per_minute),
            concurrent: settings.concurrent.max(1),
            prices: (settings.price_in, settings.price_out),
            cache: Cache::open(cache)?,
            sent: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            used: Mutex::default(),
            stop: Arc::default(),
        })
    }

    /// With a wish to stop: once it is set nothing more is sent, and what is asked ends with an error.
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Client {
        Client { stop, ..self }
    }

    /// Answers to all requests, in their order. Equal requests are made once. Of those that are not
    /// in the cache the first goes alone, so that what is wrong with all of them is told at once.
    ///
    /// An error means that the endpoint can no longer be asked; all that it answered before is in
    /// the cache, and the same call goes on from there.
    pub fn ask(&self, requests: &[Request], heard: &Heard<'_>) -> Result<Vec<Answered>> {
        let keys: Vec<String> = requests.iter().map(|request| self.key(request)).collect();
        let mut waiting: Vec<usize> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, key) in keys.iter().enumerate() {
            if places.insert(key, place).is_some() {
                continue;
            }
            match self.cache.get(key) {
                Some(answered) => self.note(key, &answered, true),
                None => waiting.push(place),
            }
        }
        let distinct = places.len();
        let before = distinct - waiting.len();
        heard(before, distinct);
        let ask = |place: usize, is_first: bool| -> Result<()> {
            let answered = self.patiently(&requests[place], is_first)?;
            self.cache.put(&keys[place], &answered)?;
            self.note(&keys[place], &answered, false);
            Ok(())
        };
        if let Some((first, rest)) = waiting.split_first() {
            // With something answered before, a refusal is this request's own.
            ask(*first, self.cache.is_empty())?;
            heard(before + 1, distinct);
            let told = |done: usize| heard(before + 1 + done, distinct);
            at_once(self.concurrent, rest, &|place| ask(place, false), &told)?;
        }
        let found = keys.iter().map(|key| self.cache.get(key));
        let found: Option<Vec<Answered>> = found.collect();
        found.ok_or_else(|| Error::told("an answer is missing from the cache"))
    }

    /// What everything that was used took.
    pub fn costs(&self) -> Costs {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut costs = Costs {
            answers: used.len() as u64,
            sent: self.sent.load(Ordering::Relaxed),
            repeated: self.repeated.load(Ordering::Relaxed),
            ..Costs::default()
        };
        let (mut now_read, mut now_written) = (0, 0);
        for used in used.values() {
            costs.from_cache += u64::from(used.was_known);
            let Some(usage) = used.usage else {
                costs.without_count += 1;
                continue;
            };
            costs.tokens_read += usage.read;
            costs.tokens_written += usage.written;
            if !used.was_known {
                now_read += usage.read;
                now_written += usage.written;
            }
        }
        let (read, written) = self.prices;
        let price = |r: u64, w: u64| (r as f64 * read + w as f64 * written) / 1e6;
        costs.cost = price(costs.tokens_read, costs.tokens_written);
        costs.cost_now = price(now_read, now_written);
        costs
    }

    /// The hash of all that determines an answer.
    fn key(&self, request: &Request) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [
            self.wire.url(),
            request.path(),
            &request.body(&self.model).to_string(),
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        // Which part of a scored text is the continuation does not stand in its body.
        if let Request::Score { prompt, .. } = request {
            hasher.update(&(prompt.len() as u64).to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn note(&self, key: &str, answered: &Answered, was_known: bool) {
        let usage = answered.usage;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = used.entry(key.to_owned());
        entry.or_insert(Used { usage, was_known });
    }

    /// One request, again and again while that may help.
    fn patiently(&self, request: &Request, is_first: bool) -> Result<Answered> {
        let body = request.body(&self.model).to_string();
        let mut wait = self.patience.back_off;
        let mut nonsense = 0;
        for attempt in 1.. {
            let foreseen = request.tokens();
            self.rest(self.pace.reserve(foreseen, Instant::now()))?;
            self.sent.fetch_add(1, Ordering::Relaxed);
            if attempt > 1 {
                self.repeated.fetch_add(1, Ordering::Relaxed);
            }
            let (reason, asked) = match self.wire.send(request.path(), body.as_bytes()) {
                Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
                    Ok(value) => {
                        let answered = answer::read(request, &value)?;
                        if let Some(usage) = answered.usage {
                            self.pace.correct(foreseen, usage.read + usage.written);
                        }
                        return Ok(answered);
                    }
                    Err(error) => {
                        nonsense += 1;
                        if nonsense >= NONSENSE_ATTEMPTS {
                            return Ok(Answered::failed(format!("no JSON: {error}")));
                        }
                        ("an answer that is no JSON".to_owned(), None)
                    }
                },
                Err(Trouble::Useless(reason)) => return Ok(Answered::failed(reason)),
                Err(Trouble::Refused(reason)) if is_first => {
                    let told = Error::told(format_args!("{}: {reason}", self.wire.url()));
                    return Err(told.with_hint(
                        "the very first request is refused; if it is too long, set `context`",
                    ));
                }
                Err(Trouble::Refused(reason)) => return Ok(Answered::failed(reason)),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing { reason, wait }) => (reason, wait),
            };
            if attempt >= self.patience.attempts.max(nonsense + 1) {
                return Err(self.dead(attempt, &reason));
            }
            self.pause(asked, wait, &reason)?;
            wait = (wait * 2).min(self.patience.longest_wait);
        }
        Err(self.dead(0, "no attempt was made"))
    }

    /// Waits as the endpoint asked, all requests with it, or as long as it is this one's turn to.
    fn pause(&self, asked: Option<Duration>, own: Duration, reason: &str) -> Result<()> {
        let longest = self.patience.longest_wait;
        match asked {
            Some(asked) if asked > longest => Err(self.kept(format_args!(
                "{}: {reason}; it asks to wait {} s, longer than `longest_wait_seconds`",
                self.wire.url(),
                asked.as_secs()
            ))),
            Some(asked) => {
                self.pace.hold(asked, Instant::now());
                Ok(())
            }
            None => self.rest(own.min(longest)),
        }
    }

    /// Sleeps; an error where somebody wishes to stop.
    fn rest(&self, pause: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.kept("stopped"));
            }
            let left = pause.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }

    fn dead(&self, attempts: u32, reason: &str) -> Error {
        self.kept(format_args!(
            "{}: nothing came in {attempts} attempts; the last: {reason}",
            self.wire.url()
        ))
    }

    /// The end of the work, for now.
    fn kept(&self, message: impl std::fmt::Display) -> Error {
        Error::told(message).with_hint(format_args!(
            "{} answers are kept in {}; the same command goes on from there",
            self.cache.len(),
            self.cache.path().display()
        ))
    }
}

/// Does the work at every place, so many at once. After an error nothing more is begun; what is
/// under way ends. Of several errors the one of the first place is told.
fn at_once(
    count: usize,
    places: &[usize],
    work: &(dyn Fn(usize) -> Result<()> + Sync),
    done: &(dyn Fn(usize) + Sync),
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let errors: Mutex<Vec<(usize, Error)>> = Mutex::default();
    let worker = || {
        while !stopped.load(Ordering::SeqCst) {
            let Some(place) = places.get(next.fetch_add(1, Ordering::SeqCst)) else {
                return;
            };
            match work(*place) {
                Ok(()) => done(finished.fetch_add(1, Ordering::SeqCst) + 1),
                Err(error) => {
                    stopped.store(true, Ordering::SeqCst);
                    let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                    errors.push((*place, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..count.min(places.len()) {
            scope.spawn(worker);
        }
    });
    let mut errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
    errors.sort_by_key(|(place, _)| *place);
    match errors.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
