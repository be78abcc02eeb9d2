//! Findings in a repository: every function is read once and every head of a belt is asked.
//!
//! Read in this order: `rule.rs`, `gathered.rs`, `asked.rs`, `clones.rs`, `finding.rs`, `report/`. It
//! writes nothing but its cache, changes no file of the repository, and says of everything that it did
//! not read or ask why. How a finding is judged is the belt's matter; how far that can be believed is
//! told with it.

mod asked;
mod baseline;
mod belted;
mod cache;
mod clones;
mod finding;
mod found;
mod gathered;
mod grouped;
mod ignores;
mod kind;
mod oracle;
mod past;
pub mod report;
mod rule;
mod shelf;
mod subject;
mod told;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use skillbelt_model::belt::folder::BeltFile;
use skillbelt_train::{Error, Result};

use crate::beside;
use crate::checkout::{self, Checkout, Hash, Parsers, Unread, Wish};
use asked::Wanted;
use found::Asked;
use shelf::Shelf;

pub use belted::{Belted, key};
pub use cache::Cache;
pub use finding::{Finding, Place};
pub use kind::{Chosen, Kind, Level};
pub use oracle::{Answers, Lazily, Oracle};
pub use rule::{Choices, Expected, PRECISION, Rule};

/// Where the cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// In the repository, or the folder that was given.
    Beside,
    /// In a folder of its own.
    In(PathBuf),
    Nothing,
}

/// What is to be scanned, and what counts as a finding.
#[derive(Debug, Clone)]
pub struct Plan {
    pub wish: Wish,
    pub choices: Choices,
    /// Only functions that are not in this revision.
    pub diff: Option<String>,
    /// Only findings that this revision had not.
    pub baseline_commit: Option<String>,
    /// Only findings that are not in this file.
    pub baseline: Option<PathBuf>,
    pub keep: Keep,
}

/// The belt that is asked.
pub struct Worn<'w> {
    pub card: &'w BeltFile,
    /// What its answers depend on.
    pub key: Hash,
    pub oracle: &'w mut dyn Oracle,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// So many files of so many.
    Files(usize, usize),
    /// Functions that must be read.
    Functions(usize, usize),
    /// Pairs that must be compared.
    Pairs(usize, usize),
}

/// A finding that a comment ignores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ignored {
    pub finding: Finding,
    pub reason: String,
}

/// What was done, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub files: usize,
    pub functions: usize,
    pub tests: usize,
    /// Functions and tests that were asked at least one question.
    pub asked: usize,
    /// Different texts that were read now; the others' answers were kept from before.
    pub read: usize,
    /// Files that were parsed now.
    pub parsed: usize,
    /// Files of no language that is asked for.
    pub other_files: u64,
    /// Findings that are not told because a baseline has them.
    pub known: usize,
}

/// Everything that a scan says.
#[derive(Debug, Clone)]
pub struct Report {
    pub base: String,
    pub rules: Vec<Rule>,
    /// Tasks of the belt that make no findings.
    pub unused: Vec<String>,
    /// By path and line.
    pub findings: Vec<Finding>,
    pub ignored: Vec<Ignored>,
    pub counts: Counts,
    /// Functions that were not asked, by reason.
    pub left_out: BTreeMap<String, u64>,
    pub unread: Vec<Unread>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// The commit that findings are compared with.
    pub compared_with: Option<String>,
    /// Repositories, or folders that were given and lie in none.
    pub roots: Vec<PathBuf>,
}

/// Scans.
///
/// # Errors
/// Paths, revisions or files that are not there; choices that the belt does not know; a belt that
/// cannot be opened. What concerns one file stops nothing; it is told.
pub fn scan(
    plan: &Plan,
    worn: &mut Worn<'_>,
    parsers: &Parsers,
    watch: &dyn Fn(Stage),
) -> Result<Report> {
    let (rules, unused) = rule::rules(worn.card, &plan.choices)?;
    if rules.is_empty() {
        return Err(Error::told("the belt has no task that makes findings").with_hint(
            "tasks are known by names such as defect, flaky and clone; --rule TASK=KIND says what another one is",
        ));
    }
    let known = plan.baseline.as_deref().map(baseline::read).transpose()?;
    let checkout = checkout::find(&plan.wish).map_err(found)?;
    let mut notes = Vec::new();
    let cache = cache(plan, &checkout, &mut notes);
    let revision = plan.diff.as_ref().or(plan.baseline_commit.as_ref());
    let past = revision
        .map(|revision| past::past(&checkout, parsers, revision))
        .transpose()?;
    let mut shelf = Shelf::new(&checkout, parsers);
    let gathered = gathered::gather(&checkout, parsers, &cache, &mut shelf, &|done, all| {
        watch(Stage::Files(done, all));
    });
    let mut asked = Asked::new(
        &checkout,
        &gathered,
        &rules,
        past.as_ref(),
        plan.diff.is_some(),
    );
    if plan.baseline_commit.is_some() {
        asked.ask_the_past(&mut shelf);
    }
    let (vectors, more_vectors) = asked.members();
    let wanted = Wanted {
        rules: &rules,
        texts: asked.texts.clone(),
        vectors,
        more_vectors,
    };
    let said = asked::ask(
        &wanted,
        &mut shelf,
        &worn.key,
        &cache,
        worn.oracle,
        &|done, all| {
            watch(Stage::Functions(done, all));
        },
    )?;
    match asked.without_vectors(&said) {
        0 => {}
        count => notes.push(format!(
            "clones are not looked for among {count} functions that no scan of the whole has read yet"
        )),
    }
    let mut all = asked.classified(&said);
    for (at, rule) in rules.iter().enumerate() {
        if rule.kind == Kind::Clone && rule.silent.is_none() {
            let pairs = asked.pairs(
                &said,
                rule,
                &mut shelf,
                (&worn.key, &cache),
                worn.oracle,
                &|done, all| {
                    watch(Stage::Pairs(done, all));
                },
            )?;
            all.extend(asked.cloned(at, &pairs));
        }
    }
    let used: Vec<_> = rules
        .iter()
        .map(|rule| (cache::Table::Answers, asked::key(&worn.key, &rule.task)))
        .chain([(cache::Table::Vectors, asked::vector_key(&worn.key))])
        .collect();
    cache.sweep(&used, &asked.all_texts());
    let told = asked.told(all, &said, known, plan.baseline_commit.is_some());
    notes.extend(told.notes);
    notes.extend(past.iter().flat_map(|past| {
        let told = |(path, why): &(String, String)| {
            format!("{path} at {}: not compared: {why}", past.commit)
        };
        past.unread.iter().map(told)
    }));
    let counts = Counts {
        read: said.read,
        known: told.known,
        ..asked.counts(&checkout, &gathered)
    };
    let left_out = std::mem::take(&mut asked.left_out);
    drop(asked);
    Ok(Report {
        base: worn.card.base.name.clone(),
        left_out,
        unused,
        findings: told.findings,
        ignored: told.ignored,
        counts,
        unread: gathered.unread,
        notes,
        compared_with: past.map(|past| past.commit),
        roots: checkout.roots.clone(),
        rules,
    })
}

fn found(error: checkout::Error) -> Error {
    let told = Error::told(&error);
    match error.hint() {
        Some(hint) => told.with_hint(hint),
        None => told,
    }
}

/// The cache of a plan. Without a place that can be written to the scan goes on without one.
fn cache(plan: &Plan, checkout: &Checkout, notes: &mut Vec<String>) -> Cache {
    let folder = match (&plan.keep, checkout.roots.first()) {
        (Keep::In(folder), _) => beside::make(folder).map(|()| folder.clone()),
        (Keep::Beside, Some(root)) => beside::folder(root),
        (Keep::Beside, None) | (Keep::Nothing, _) => return Cache::none(),
    };
    let opened = folder.map_err(Error::told);
    let opened = opened.and_then(|folder| Cache::open(&folder));
    opened.unwrap_or_else(|error| {
        notes.push(format!("nothing is kept for the next scan: {error}"));
        Cache::none()
    })
}

impl Report {
    /// Which rule a finding is of.
    pub fn rule(&self, finding: &Finding) -> &Rule {
        &self.rules[finding.rule]
    }

    /// Files that the machine refused to give, or that the parser died on.
    pub fn failures(&self) -> usize {
        let failed = |one: &&Unread| one.cause == checkout::Cause::Failed;
        self.unread.iter().filter(failed).count()
    }
}
