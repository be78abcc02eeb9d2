//! Files of answers and of predictions, in CodeXGLUE's formats and in our own, and the numbers that
//! they make.
//!
//! Anyone's predictions can be measured: nothing here knows a base or a belt. Every example must have
//! one prediction and every prediction its example; what is missing, told twice or unknown stops the
//! work with file and line, and nothing is guessed.

mod code;
mod labels;
mod lists;
mod matching;
mod outcome;
mod texts;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::evaluate;
use crate::metric::{Classified, Judged, Ranked, Written};

pub use code::{Beside, Code};
pub use outcome::{Measured, Scored, score, table};

/// What was asked, which says how the files are written and what is measured first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `idx TAB label`, or answers as JSON with `idx` and `target`.
    Defect,
    /// `id1 TAB id2 TAB label` (BigCloneBench).
    Clone,
    /// JSON with `index` and the `answers` of its class (POJ-104); answers may give `label` instead.
    Poj104,
    /// JSON with `url` and ranked `answers`; of answers `url` and `idx` (AdvTest), or `idx` and
    /// `retrieval_idx` (CoSQA), or `answers`. Predictions may name a query by its `idx` too.
    Search,
    /// JSON with `code`, against one text a line (CONCODE).
    Generate,
    /// One text a line in both.
    Translate,
    /// `idx TAB text` in both.
    Summarize,
    /// One file that holds answers and truth, as `skillbelt eval` writes them.
    Answers,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Defect => "defect",
            Kind::Clone => "clone",
            Kind::Poj104 => "poj104",
            Kind::Search => "search",
            Kind::Generate => "generate",
            Kind::Translate => "translate",
            Kind::Summarize => "summarize",
            Kind::Answers => "answers",
        }
    }

    /// Whether texts are compared; of our own answers it is seen when they are read.
    fn is_written(self) -> bool {
        matches!(
            self,
            Kind::Generate | Kind::Translate | Kind::Summarize | Kind::Answers
        )
    }

    /// What is shown first: the measure of the task's own evaluator. Of clones that one takes the
    /// mean over both classes; of a search it is cut off where the lists end.
    fn usual(self) -> Option<&'static str> {
        match self {
            Kind::Defect => Some("accuracy"),
            Kind::Clone => Some("f1_macro"),
            Kind::Poj104 => Some("map@R"),
            Kind::Search => Some("mrr@list"),
            Kind::Generate | Kind::Translate => Some("bleu_codexglue"),
            Kind::Summarize => Some("bleu_codexglue_smooth"),
            Kind::Answers => None,
        }
    }
}

/// The files of one scoring.
#[derive(Debug, Clone)]
pub struct Files {
    pub answers: PathBuf,
    /// None where answers and predictions are one file.
    pub predictions: Option<PathBuf>,
    /// How many candidates each query of a search was ranked over.
    pub pool: Option<usize>,
}

/// What files hold: what can be measured of them, how many examples have no known truth, and the
/// static quality of programs if it was asked for.
struct Found {
    judged: Vec<Box<dyn Judged>>,
    unknown: usize,
    quality: Option<Beside>,
}

/// Reads the files. `code` is for texts that are programs.
fn found(kind: Kind, files: &Files, code: Option<&Code>) -> Result<Found> {
    if code.is_some() && !kind.is_written() {
        let name = kind.name();
        let told = format!("the task {name} is not about programs that were written");
        let hint = "a language goes with generate, translate, summarize and answers";
        return Err(Error::told(told).with_hint(hint));
    }
    let (judged, unknown, texts) = match kind {
        Kind::Answers => of_one_file(files, code)?,
        Kind::Generate | Kind::Translate | Kind::Summarize => {
            let (answers, predictions) = both(kind, files)?;
            let texts = match kind {
                Kind::Generate => texts::generated(answers, predictions)?,
                Kind::Translate => texts::aligned(answers, predictions)?,
                _ => texts::named(answers, predictions)?,
            };
            let judged = Written::new(&texts.written(), &texts.expected());
            (Box::new(judged) as Box<dyn Judged>, 0, Some(texts))
        }
        _ => (judged(kind, files)?, 0, None),
    };
    let mut found = Found {
        judged: vec![judged],
        unknown,
        quality: None,
    };
    if let (Some(code), Some(texts)) = (code, texts) {
        found.judged.extend(code.judged(&texts)?);
        found.quality = code.beside(&texts);
    }
    Ok(found)
}

/// Answers and predictions of a task that has both.
fn both(kind: Kind, files: &Files) -> Result<(&Path, &Path)> {
    let predictions = files.predictions.as_deref().ok_or_else(|| {
        Error::told(format_args!("no predictions for the task {}", kind.name()))
            .with_hint("--predictions FILE names them")
    })?;
    if files.pool.is_some() && kind != Kind::Search {
        let told = format!("a pool is told for the task {}", kind.name());
        return Err(Error::told(told).with_hint("only for `search` it is not known from the files"));
    }
    Ok((&files.answers, predictions))
}

/// Labels and ranked lists.
fn judged(kind: Kind, files: &Files) -> Result<Box<dyn Judged>> {
    let (answers, predictions) = both(kind, files)?;
    Ok(match kind {
        Kind::Poj104 => {
            let (lists, pool) = lists::by_class(answers, predictions)?;
            Box::new(Ranked::listed(&lists, pool))
        }
        Kind::Search => {
            let pool = files.pool.filter(|pool| *pool > 0).ok_or_else(|| {
                Error::told("how many candidates the queries were ranked over is not told")
                    .with_hint("--pool N tells it; a measure of a search says little without it")
            })?;
            let lists = lists::search(answers, predictions, pool)?;
            Box::new(Ranked::listed(&lists, pool))
        }
        Kind::Clone => Box::new(of_labels(answers, predictions, 2)?),
        _ => Box::new(of_labels(answers, predictions, 1)?),
    })
}

/// What our own evaluation wrote: the measures, examples without a truth, texts if they are wanted.
type Own = (Box<dyn Judged>, usize, Option<texts::Texts>);

fn of_one_file(files: &Files, code: Option<&Code>) -> Result<Own> {
    if files.predictions.is_some() || files.pool.is_some() {
        return Err(Error::told(
            "a file of our own answers holds predictions, truth and pool itself",
        )
        .with_hint("give --answers FILE alone"));
    }
    let examples = evaluate::read(&files.answers)?;
    let judged = evaluate::judged(&examples)?;
    let unknown = examples.len() - judged.count();
    let texts = code.map(|_| texts::answered(&examples)).transpose()?;
    Ok((judged, unknown, texts))
}

fn of_labels(answers: &Path, predictions: &Path, names: usize) -> Result<Classified> {
    let labelled = labels::read(answers, predictions, names)?;
    Ok(Classified::told(
        &labelled.said,
        &labelled.labels,
        labels::CLASSES,
    ))
}
