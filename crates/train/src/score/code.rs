//! Texts that are programs: CodeBLEU beside the other measures, and how well the written ones are
//! made beside the expected ones. It runs none of them; `execute/` does.

use std::fmt::Write;

use serde::Serialize;
use skillbelt_code::Language;
use skillbelt_code::quality::{Lint, Linters, Means, Quality, quality};

use super::texts::Texts;
use crate::error::Result;
use crate::metric::Judged;
use crate::metric::code_bleu::{CodeWritten, Dialect};

/// What is measured of texts because they are programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    pub language: Language,
    /// Dialects of CodeBLEU, each with its four parts.
    pub dialects: Vec<Dialect>,
    /// Where linters are, if static quality is wanted.
    pub quality: Option<Linters>,
}

/// The static quality of what was written and of what was expected, measured alike. A difference
/// says nothing as long as the shares that parsed differ, so both stand there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    pub predictions: Quality,
    pub references: Quality,
}

impl Code {
    /// The measures of CodeBLEU, a set of five for each dialect.
    pub(super) fn judged(&self, texts: &Texts) -> Result<Vec<Box<dyn Judged>>> {
        let (written, expected) = (texts.written(), texts.expected());
        let dialects = self.dialects.iter().map(|dialect| {
            let judged = CodeWritten::new(self.language, *dialect, &written, &expected)?;
            Ok(Box::new(judged) as Box<dyn Judged>)
        });
        dialects.collect()
    }

    pub(super) fn beside(&self, texts: &Texts) -> Option<Beside> {
        self.quality.as_ref().map(|linters| Beside {
            predictions: quality(self.language, &texts.written(), linters),
            references: quality(self.language, &texts.expected(), linters),
        })
    }
}

/// A number of means, with its name.
type OfMeans = (&'static str, fn(&Means) -> f64);

const PER_LINE: [OfMeans; 4] = [
    ("cyclomatic complexity", |means| means.cyclomatic),
    ("cognitive complexity", |means| means.cognitive),
    ("functions", |means| means.functions),
    ("tokens", |means| means.tokens),
];
const PER_TEXT: [OfMeans; 2] = [
    ("lines", |means| means.lines),
    ("deepest nesting", |means| means.nesting),
];

/// Both sides in columns; the share that parsed stands first, since all else is of those texts.
pub fn side_by_side(beside: &Beside) -> String {
    let sides = [&beside.predictions, &beside.references];
    let mut text = String::new();
    let mut row = |name: &str, cells: [String; 2]| {
        let [ours, theirs] = cells;
        let _infallible = writeln!(text, "{name:<34}{ours:>24}{theirs:>24}");
    };
    let language = beside.predictions.language;
    let heads = ["predictions", "references"].map(str::to_owned);
    row(&format!("static quality of {language}"), heads);
    row("parsed", sides.map(parsed));
    for (name, of) in PER_LINE {
        let cell = |side: &Quality| number(side.per_line.as_ref().map(of));
        row(&format!("{name} per parsed line"), sides.map(cell));
    }
    for (name, of) in PER_TEXT {
        let cell = |side: &Quality| number(side.per_text.as_ref().map(of));
        row(&format!("{name} per parsed text"), sides.map(cell));
    }
    let lints = sides.map(|side| side.lints.iter());
    let [ours, theirs] = lints;
    let mut not_asked = Vec::new();
    for (ours, theirs) in ours.zip(theirs) {
        match ours.unavailable.as_ref().or(theirs.unavailable.as_ref()) {
            Some(why) => not_asked.push(why.clone()),
            None => row(
                &format!("{} findings per parsed line", ours.linter),
                [ours, theirs].map(findings),
            ),
        }
    }
    if beside.predictions.lints.is_empty() {
        not_asked.push(format!("no linter is known for {language}"));
    }
    for why in not_asked {
        let _infallible = writeln!(text, "without findings: {why}");
    }
    text
}

fn parsed(side: &Quality) -> String {
    let share = number(side.parsed_share);
    format!("{} of {} ({share})", side.parsed, side.texts)
}

fn findings(lint: &Lint) -> String {
    let rate = number(lint.per_line);
    match lint.unchecked {
        Some(unchecked) if unchecked > 0 => format!("{rate}, {unchecked} unchecked"),
        _ => rate,
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}
