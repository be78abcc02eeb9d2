//! CodeBLEU: how much a written program is like the expected one, in words, in words that weigh, in
//! the frame of its tree, and in where its values come from.
//!
//! There are two dialects, and numbers of one cannot be compared with numbers of the other:
//! [`Dialect::Paper`] is the definition as it was published, [`Dialect::Package`] is what most
//! published numbers were made with. `docs/code-metrics.md` says where they part. It runs nothing:
//! a program that is like another one may still be wrong.

mod counts;
mod keywords;
mod package;
mod paper;

use rayon::prelude::*;
use skillbelt_code::Language;

use super::Judged;
use crate::error::{Error, Result};
use counts::Counts;

/// By which definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// As published: arXiv 2009.10297.
    Paper,
    /// As the package `codebleu` 0.7 computes it.
    Package,
}

const PAPER: &[&str] = &[
    "codebleu_paper",
    "codebleu_paper_ngram",
    "codebleu_paper_weighted",
    "codebleu_paper_syntax",
    "codebleu_paper_dataflow",
];

const PACKAGE: &[&str] = &[
    "codebleu_package",
    "codebleu_package_ngram",
    "codebleu_package_weighted",
    "codebleu_package_syntax",
    "codebleu_package_dataflow",
];

/// The four parts and their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    pub whole: f64,
    /// Words, weighed words, syntax, data flow. Nothing where there was nothing to compare.
    pub parts: [Option<f64>; 4],
}

/// Written programs beside the expected ones, read once: every example is a few dozen counts, so
/// that resampling costs additions only.
///
/// The measures are `codebleu_DIALECT` and its parts `.._ngram`, `.._weighted`, `.._syntax` and
/// `.._dataflow`, each over all examples at once.
#[derive(Debug, Clone)]
pub struct CodeWritten {
    dialect: Dialect,
    examples: Vec<Counts>,
}

impl CodeWritten {
    /// A program that was not written counts as empty. An error only if the dialect has no such
    /// language (the package has no TypeScript).
    pub fn new(
        language: Language,
        dialect: Dialect,
        written: &[&str],
        expected: &[&str],
    ) -> Result<CodeWritten> {
        if dialect == Dialect::Package && language == Language::TypeScript {
            let message = format!("codebleu_package does not know {language}");
            return Err(Error::told(message).with_hint("codebleu_paper does"));
        }
        let keywords = keywords::keywords(language);
        let text = |texts: &[&'_ str], at: usize| texts.get(at).map_or("", |text| *text).to_owned();
        let example = |at: usize| {
            let (written, expected) = (text(written, at), text(expected, at));
            match dialect {
                Dialect::Paper => paper::count(language, &written, &expected, &keywords),
                Dialect::Package => package::count(language, &written, &expected, &keywords),
            }
        };
        let count = written.len().max(expected.len());
        Ok(CodeWritten {
            dialect,
            examples: (0..count).into_par_iter().map(example).collect(),
        })
    }

    /// The whole and its parts with example `i` counted `times[i]` times; nothing of no examples.
    pub fn parts(&self, times: &[u32]) -> Option<Parts> {
        let mut all = Counts::default();
        for (example, times) in self.examples.iter().zip(times) {
            all.add(example, *times);
        }
        let any = times
            .iter()
            .take(self.examples.len())
            .any(|times| *times > 0);
        any.then(|| match self.dialect {
            Dialect::Paper => paper::parts(&all),
            Dialect::Package => package::parts(&all),
        })
    }
}

impl Judged for CodeWritten {
    fn names(&self) -> &'static [&'static str] {
        match self.dialect {
            Dialect::Paper => PAPER,
            Dialect::Package => PACKAGE,
        }
    }

    fn count(&self) -> usize {
        self.examples.len()
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        self.values(&[name], times).pop().flatten()
    }

    fn values(&self, names: &[&str], times: &[u32]) -> Vec<Option<f64>> {
        let all = self.parts(times);
        let value = |name: &&str| {
            let place = self.names().iter().position(|known| known == name)?;
            match place.checked_sub(1) {
                None => Some(all?.whole),
                Some(part) => all?.parts[part],
            }
        };
        names.iter().map(value).collect()
    }
}
