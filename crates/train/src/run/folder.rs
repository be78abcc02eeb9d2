//! The run folder: whose it is, what stands in it, and that only one run works in it at a time.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::Papers;
use crate::checkpoint::Checkpoints;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::recipe::identity;
use crate::report::machine;
use crate::watch::Watch;

const GO_ON: &str = "a run goes on only under what it began with; or choose another output folder";

/// A folder that belongs to this run until it is dropped.
pub(super) struct RunFolder {
    path: PathBuf,
    disk: Disk,
    checkpoints: Checkpoints,
    identity_hash: String,
    /// `run.json`, but for the costs.
    facts: Map<String, Value>,
    /// Locked as long as it is open.
    _lock: fs_err::File,
}

impl RunFolder {
    /// Makes the folder, or takes over one whose run is to go on. One that holds a run is refused
    /// unless that run is to go on, and then if anything that numbers depend on is another.
    pub(super) fn claim(
        path: &Path,
        disk: &Disk,
        papers: &Papers,
        resume: bool,
        watch: &mut dyn Watch,
    ) -> Result<RunFolder> {
        fs_err::create_dir_all(path).map_err(|error| Error::io(path, error))?;
        let lock = lock(path)?;
        let holds_run = ["run.json", "checkpoints", "metrics.jsonl", "belt", "base"]
            .iter()
            .any(|name| path.join(name).exists());
        if holds_run && !resume {
            return Err(Error::told(format_args!("{} holds a run", path.display()))
                .with_hint("--resume goes on with it; or choose another output folder"));
        }
        let mut facts = papers.facts.clone();
        if holds_run {
            compare(path, papers)?;
        }
        facts.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        facts.insert("machine".into(), machine::machine());
        facts.insert("identity".into(), json!(papers.identity));
        let folder = RunFolder {
            checkpoints: Checkpoints::new(path.join("checkpoints"), disk.clone()),
            path: path.to_owned(),
            disk: disk.clone(),
            identity_hash: hash(&papers.identity),
            facts,
            _lock: lock,
        };
        folder.tell_other_machine(watch);
        disk.replace(&path.join("recipe.yaml"), papers.recipe.as_bytes())?;
        folder.write_facts(None)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    pub(super) fn identity_hash(&self) -> &str {
        &self.identity_hash
    }

    /// Writes `run.json`, with the costs once they are known.
    pub(super) fn write_facts(&self, costs: Option<&Value>) -> Result<()> {
        let mut facts = self.facts.clone();
        facts.insert("costs".into(), json!(costs));
        let text = format!("{:#}\n", Value::Object(facts));
        self.disk
            .replace(&self.path.join("run.json"), text.as_bytes())
    }

    /// Another instruction set rounds otherwise: allowed, but told.
    fn tell_other_machine(&self, watch: &mut dyn Watch) {
        let before = read_facts(&self.path).and_then(|facts| kernel(&facts));
        let now = kernel(&self.facts);
        if let (Some(before), Some(now)) = (before, now)
            && before != now
        {
            watch.warned(&format!(
                "this run began with the instruction set {before} and goes on with {now}: \
                 the belt will not be to the byte what it would have been"
            ));
        }
    }
}

fn kernel(facts: &Map<String, Value>) -> Option<String> {
    Some(facts.get("machine")?.get("kernel")?.as_str()?.to_owned())
}

fn read_facts(folder: &Path) -> Option<Map<String, Value>> {
    let text = fs_err::read(folder.join("run.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Refuses to go on with a run that was begun under something else, and says under what.
fn compare(folder: &Path, papers: &Papers) -> Result<()> {
    // Without its facts, the checkpoint's own hash of them is compared.
    let Some(facts) = read_facts(folder) else {
        return Ok(());
    };
    let Some(before) = facts.get("identity").and_then(Value::as_object) else {
        return Ok(());
    };
    let known = before.iter().filter_map(|(key, value)| {
        let value = value.as_str()?;
        Some((key.clone(), value.to_owned()))
    });
    match identity::difference(&known.collect(), &papers.identity) {
        None => Ok(()),
        Some(difference) => Err(Error::told(format_args!(
            "{} holds another run: {difference}",
            folder.display()
        ))
        .with_hint(GO_ON)),
    }
}

fn hash(identity: &BTreeMap<String, String>) -> String {
    let text = json!(identity).to_string();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// How long a run that has ended may seem to be there: a process that it was just starting holds all of
/// its files until it has become another program.
const LINGERING: Duration = Duration::from_secs(1);

fn lock(folder: &Path) -> Result<fs_err::File> {
    let path = folder.join("lock");
    let told = |error| Error::io(&path, error);
    let mut options = fs_err::OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(told)?;
    let begun = Instant::now();
    loop {
        match file.file().try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LINGERING => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::told(format_args!(
                    "another run is working in {}",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
    }
}
