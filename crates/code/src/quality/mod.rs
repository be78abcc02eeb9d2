//! How well generated programs are written, as far as it can be seen without running them.
//!
//! First of all the share that parsed: numbers of texts that did not parse say nothing, and a model
//! that writes half programs must not look tidy for it. Everything else is of the parsed texts
//! alone, per text and per line. It gives no grade; what is good is for the reader to say.

mod linter;
mod output;
mod process;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::complexity::Complexity;
use crate::{Language, parse};

pub use linter::{Linter, Linters};

/// Means over some texts or lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Means {
    pub cyclomatic: f64,
    pub cognitive: f64,
    pub nesting: f64,
    pub functions: f64,
    pub lines: f64,
    pub tokens: f64,
}

/// What one linter had to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lint {
    pub linter: &'static str,
    /// Why there are no findings: it is not installed, or it failed. Then all numbers are absent.
    pub unavailable: Option<String>,
    /// Its version, as it says it.
    pub version: Option<String>,
    /// Parsed texts that it could not check, because it understands less than the parser: a name
    /// that is not defined keeps a compiler from going on.
    pub unchecked: Option<usize>,
    pub findings: Option<usize>,
    /// Findings per line of the parsed texts.
    pub per_line: Option<f64>,
    pub by_rule: BTreeMap<String, usize>,
}

/// The quality of a set of texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    pub language: Language,
    pub texts: usize,
    /// Texts that are programs from beginning to end, with at least one word.
    pub parsed: usize,
    /// Texts beyond the limits of parsing; they count as not parsed.
    pub refused: usize,
    /// `parsed / texts`; nothing of no texts.
    pub parsed_share: Option<f64>,
    /// Lines of the parsed texts.
    pub lines: usize,
    /// Per parsed text; nothing if none parsed.
    pub per_text: Option<Means>,
    /// Per line of the parsed texts.
    pub per_line: Option<Means>,
    pub lints: Vec<Lint>,
}

/// Measures texts of one language, and asks the linters about those that parsed.
///
/// A linter that is missing or fails is said in its [`Lint`] and never an error of the whole. Texts
/// are written into a new folder for the linters and taken away after; nothing of them is run.
pub fn quality(language: Language, texts: &[&str], linters: &Linters) -> Quality {
    let mut refused = 0;
    let mut parsed: Vec<&str> = Vec::new();
    let mut measured: Vec<Complexity> = Vec::new();
    for text in texts {
        match parse(language, text) {
            Err(_) => refused += 1,
            Ok(program) => {
                let complexity = Complexity::of(&program);
                if program.whole() && complexity.tokens > 0 {
                    parsed.push(text);
                    measured.push(complexity);
                }
            }
        }
    }
    let lines: usize = measured.iter().map(|text| text.lines).sum();
    let asked = linters.of(language).into_iter();
    Quality {
        language,
        texts: texts.len(),
        parsed: parsed.len(),
        refused,
        parsed_share: (!texts.is_empty()).then(|| parsed.len() as f64 / texts.len() as f64),
        lines,
        per_text: means(&measured, measured.len()),
        per_line: means(&measured, lines),
        lints: asked
            .map(|(linter, at)| lint(linter, at, &parsed, lines))
            .collect(),
    }
}

fn means(measured: &[Complexity], over: usize) -> Option<Means> {
    let mean =
        |of: fn(&Complexity) -> usize| measured.iter().map(of).sum::<usize>() as f64 / over as f64;
    (over > 0).then(|| Means {
        cyclomatic: mean(|text| text.cyclomatic),
        cognitive: mean(|text| text.cognitive),
        nesting: mean(|text| text.nesting),
        functions: mean(|text| text.functions),
        lines: mean(|text| text.lines),
        tokens: mean(|text| text.tokens),
    })
}

fn lint(linter: Linter, at: Option<&std::path::Path>, parsed: &[&str], lines: usize) -> Lint {
    let mut lint = Lint {
        linter: linter.name(),
        unavailable: None,
        version: None,
        unchecked: None,
        findings: None,
        per_line: None,
        by_rule: BTreeMap::new(),
    };
    let Some(at) = at else {
        lint.unavailable = Some(format!("{} is not installed", linter.name()));
        return lint;
    };
    match linter.check(at, parsed) {
        Err(why) => lint.unavailable = Some(why),
        Ok(checked) => {
            let findings: usize = checked.by_rule.values().sum();
            lint.version = checked.version;
            lint.unchecked = Some(checked.unchecked);
            lint.findings = Some(findings);
            lint.per_line = (lines > 0).then(|| findings as f64 / lines as f64);
            lint.by_rule = checked.by_rule;
        }
    }
    lint
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
