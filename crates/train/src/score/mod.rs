//! Files of answers and of predictions, in CodeXGLUE's formats and in our own, and the numbers that
//! they make.
//!
//! Anyone's predictions can be measured: nothing here knows a base or a belt. Every example must have
//! one prediction and every prediction its example; what is missing, told twice or unknown stops the
//! work with file and line, and nothing is guessed.

mod labels;
mod lists;
mod matching;
mod outcome;
mod texts;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::evaluate;
use crate::metric::{Classified, Judged, Ranked, Written};

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

    /// What is shown first: the measure of the task's own evaluator. Of clones that one takes the
    /// mean over both classes; of a search it is cut off where the lists end.
    fn usual(self) -> Option<&'static str> {
        match self {
            Kind::Defect => Some("accuracy"),
            Kind::Clone => Some("f1_macro"),
            Kind::Poj104 => Some("map@R"),
            Kind::Search => Some("mrr@list"),
            Kind::Generate | Kind::Translate => Some("bleu"),
            Kind::Summarize => Some("bleu_smooth"),
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

/// Reads the files: what can be measured, and how many examples have no known truth.
pub fn judged(kind: Kind, files: &Files) -> Result<(Box<dyn Judged>, usize)> {
    if kind == Kind::Answers {
        return of_one_file(files);
    }
    let predictions = files.predictions.as_deref().ok_or_else(|| {
        Error::told(format_args!("no predictions for the task {}", kind.name()))
            .with_hint("--predictions FILE names them")
    })?;
    if files.pool.is_some() && kind != Kind::Search {
        let told = format!("a pool is told for the task {}", kind.name());
        return Err(Error::told(told).with_hint("only for `search` it is not known from the files"));
    }
    let answers = files.answers.as_path();
    let judged: Box<dyn Judged> = match kind {
        Kind::Defect => Box::new(of_labels(answers, predictions, 1)?),
        Kind::Clone => Box::new(of_labels(answers, predictions, 2)?),
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
        Kind::Generate => of_texts(texts::generated(answers, predictions)?),
        Kind::Translate => of_texts(texts::aligned(answers, predictions)?),
        Kind::Summarize | Kind::Answers => of_texts(texts::named(answers, predictions)?),
    };
    Ok((judged, 0))
}

fn of_one_file(files: &Files) -> Result<(Box<dyn Judged>, usize)> {
    if files.predictions.is_some() || files.pool.is_some() {
        return Err(Error::told(
            "a file of our own answers holds predictions, truth and pool itself",
        )
        .with_hint("give --answers FILE alone"));
    }
    let examples = evaluate::read(&files.answers)?;
    let judged = evaluate::judged(&examples)?;
    let unknown = examples.len() - judged.count();
    Ok((judged, unknown))
}

fn of_labels(answers: &Path, predictions: &Path, names: usize) -> Result<Classified> {
    let labelled = labels::read(answers, predictions, names)?;
    Ok(Classified::told(
        &labelled.said,
        &labelled.labels,
        labels::CLASSES,
    ))
}

fn of_texts(texts: texts::Texts) -> Box<dyn Judged> {
    Box::new(Written::new(
        &borrowed(&texts.written),
        &borrowed(&texts.expected),
    ))
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
