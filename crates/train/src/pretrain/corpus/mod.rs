//! The corpus: from folders of other people's programs to texts that are worth learning from, each
//! once, with whole projects held out. It knows no tokens.
//!
//! **Guarantee.** Which texts come out, and in which order, depends on the files, the plan and the
//! seed alone; every file that was looked at is counted, as used or under the reason why not.

pub mod documented;
mod gather;
mod near;
mod sift;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use skillbelt_code::Language;
use skillbelt_engine::random::Stream;

use super::plan::{HeldOut, PlanFile, SourceSettings};
use crate::error::{Error, Result};
use crate::recipe::suggest::nearest;
use gather::Found;
use near::Near;

/// A text with where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub project: String,
    /// By the ending of its name, if that is one of a programming language.
    pub language: Option<Language>,
    pub text: String,
}

/// The texts of one source.
#[derive(Debug, Default)]
pub struct Texts {
    pub train: Vec<Document>,
    pub held: Vec<Document>,
    /// The projects that are held out, whether or not a file of theirs was worth it.
    projects: BTreeSet<String>,
    pub counts: Counts,
}

/// What became of the files of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub files: u64,
    pub train: Amount,
    pub held_out: Amount,
    /// Files that were left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    pub held_out_projects: BTreeSet<String>,
}

/// So many texts of so many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub texts: u64,
    pub bytes: u64,
}

impl Amount {
    pub fn of(texts: &[Document]) -> Amount {
        Amount {
            texts: texts.len() as u64,
            bytes: texts.iter().map(|one| one.text.len() as u64).sum(),
        }
    }
}

impl Counts {
    fn leave_out(&mut self, reason: &str) {
        *self.left_out.entry(reason.to_owned()).or_default() += 1;
    }
}

/// Reads all sources of a plan. What is held out is kept before anything is learnt from, so that a
/// file of another project that is nearly the same is not learnt either.
pub fn texts(plan: &PlanFile) -> Result<IndexMap<String, Texts>> {
    let mut all = IndexMap::new();
    let mut seen = Seen::default();
    let mut waiting = Vec::new();
    for (name, source) in &plan.sources {
        let mut texts = Texts::default();
        let found = gather::files(source, &mut texts.counts)?;
        texts.counts.files = found.len() as u64;
        let found = drawn(found, plan.training.seed, name);
        let (held, train): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|file| is_held_out(&plan.held_out, &file.project));
        texts.projects = held.iter().map(|file| file.project.clone()).collect();
        texts.held = take(held, source, &mut texts.counts, &mut seen)?;
        texts.counts.held_out = Amount::of(&texts.held);
        let projects = texts.held.iter().map(|text| text.project.clone());
        texts.counts.held_out_projects = projects.collect();
        waiting.push((name, source, train));
        all.insert(name.clone(), texts);
    }
    expect_known(&plan.held_out, &all, &waiting)?;
    for (name, source, train) in waiting {
        if let Some(texts) = all.get_mut(name) {
            texts.train = take(train, source, &mut texts.counts, &mut seen)?;
            texts.counts.train = Amount::of(&texts.train);
        }
    }
    Ok(all)
}

/// Refuses a project to be held out that no source has: what was meant would be learnt.
fn expect_known(
    held: &HeldOut,
    all: &IndexMap<String, Texts>,
    waiting: &[(&String, &SourceSettings, Vec<Found>)],
) -> Result<()> {
    let kept: BTreeSet<&String> = all.values().flat_map(|texts| &texts.projects).collect();
    let Some(unknown) = held.projects.iter().find(|name| !kept.contains(name)) else {
        return Ok(());
    };
    let names = waiting
        .iter()
        .flat_map(|(_, _, files)| files.iter().map(|file| &file.project[..]));
    let hint = match nearest(unknown, names.collect::<BTreeSet<_>>()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the projects are the folders in those that the sources name".into(),
    };
    Err(Error::told(format_args!(
        "`held_out.projects`: no source has a project `{unknown}`"
    ))
    .with_hint(hint))
}

/// Files in an order that the seed draws; where a source is cut, it is cut by this order.
fn drawn(mut files: Vec<Found>, seed: u64, source: &str) -> Vec<Found> {
    let stream = Stream::new(seed, 0, source);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut keyed: Vec<(u64, Found)> = files
        .into_iter()
        .enumerate()
        .map(|(place, file)| (stream.bits(place as u64), file))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, file)| file).collect()
}

/// Whether a project is held out. By share, its name alone decides.
fn is_held_out(held: &HeldOut, project: &str) -> bool {
    if !held.projects.is_empty() {
        return held.projects.iter().any(|name| name == project);
    }
    Stream::new(0, 0, project).uniform(0) < held.share as f32
}

/// What was seen in any source so far.
#[derive(Default)]
struct Seen {
    exact: HashSet<[u8; 16]>,
    near: Near,
}

/// Reads files until the source is full; leaves out what is not worth learning and what was there.
fn take(
    files: Vec<Found>,
    source: &SourceSettings,
    counts: &mut Counts,
    seen: &mut Seen,
) -> Result<Vec<Document>> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    let mut of_project: BTreeMap<String, u64> = BTreeMap::new();
    for file in files {
        let own = of_project.entry(file.project.clone()).or_default();
        if source.max_bytes.is_some_and(|most| bytes >= most) {
            counts.leave_out("the source is full");
            continue;
        }
        if source.max_project_bytes.is_some_and(|most| *own >= most) {
            counts.leave_out("the project is full");
            continue;
        }
        let text = match sift::read(&file.path)? {
            Ok(text) => text,
            Err(reason) => {
                counts.leave_out(reason);
                continue;
            }
        };
        if !seen.exact.insert(sift::key(&text)) {
            counts.leave_out("the same as another");
            continue;
        }
        if !seen.near.add(&text) {
            counts.leave_out("nearly the same as another");
            continue;
        }
        bytes += text.len() as u64;
        *own += text.len() as u64;
        let name = file.path.file_name().unwrap_or_default();
        taken.push(Document {
            project: file.project,
            language: Language::of_file(&name.to_string_lossy()),
            text,
        });
    }
    Ok(taken)
}
