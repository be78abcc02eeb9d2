//! What every request finds: the models, the desk where work is handed in, the limits, the door and the
//! numbers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use super::door::Door;
use super::limits::Limits;
use super::lookup::Lookup;
use super::model::Model;
use super::numbers::Numbers;
use super::refusal::Refusal;
use super::work::desk::Desk;

/// A server's state.
pub struct House {
    pub limits: Limits,
    /// At least one; the first answers where none is named.
    pub models: Vec<Arc<Model>>,
    pub desk: Arc<Desk>,
    pub door: Door,
    pub numbers: Arc<Numbers>,
    /// Room for the bodies of requests.
    pub bodies: Arc<Semaphore>,
    pub index: Option<Arc<Lookup>>,
    /// Seconds since 1970 at the start.
    pub since: u64,
    /// Tells this run's numbers of requests from those of another.
    run: u64,
    requests: AtomicU64,
}

impl House {
    pub fn new(
        limits: Limits,
        models: Vec<Arc<Model>>,
        door: Door,
        index: Option<Arc<Lookup>>,
    ) -> House {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let bodies = limits.bodies_bytes.div_ceil(super::http::body::UNIT);
        let numbers = Arc::new(Numbers::default());
        House {
            desk: Arc::new(Desk::new(&limits, Arc::clone(&numbers))),
            models,
            door,
            numbers,
            bodies: Arc::new(Semaphore::new(bodies)),
            index,
            since: now.as_secs(),
            run: u64::from(now.subsec_nanos()) << 32 | u64::from(std::process::id()),
            requests: AtomicU64::new(0),
            limits,
        }
    }

    /// A number that no other request of this run has.
    pub fn next_id(&self) -> String {
        let count = self.requests.fetch_add(1, Relaxed);
        format!("{:016x}-{count}", self.run)
    }

    /// The model of a name, with its place; the first where none is named. `name:task` means a task of
    /// it.
    pub fn model<'n>(
        &self,
        name: Option<&'n str>,
    ) -> Result<(usize, &Arc<Model>, Option<&'n str>), Refusal> {
        let Some(name) = name else {
            return Ok((0, &self.models[0], None));
        };
        let find = |wanted: &str| {
            let mut models = self.models.iter().enumerate();
            models.find(|(_, model)| model.name == wanted)
        };
        if let Some((place, model)) = find(name) {
            return Ok((place, model, None));
        }
        if let Some((of, task)) = name.rsplit_once(':')
            && let Some((place, model)) = find(of)
        {
            model.task(task)?;
            return Ok((place, model, Some(task)));
        }
        let names: Vec<&str> = self.models.iter().map(|model| &model.name[..]).collect();
        let message = format!(
            "no belt or base {name:?} here; there is {}",
            names.join(", ")
        );
        Err(Refusal::unknown("model_not_found", message).of("model"))
    }
}
