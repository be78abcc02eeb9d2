//! Where the tools are done: an index and a belt, one request after another. It knows no protocol.

use std::fmt;
use std::path::Path;

use skillbelt_code::Language;
use skillbelt_harvest::sift::bytes_within;

use super::Belted;
use super::assess::assess;
use super::fenced::Fence;
use super::findings::{listed, nobody, scanned};
use super::tools::{
    AssessFunction, Assessable, Assessed, Coded, Findings, Hits, ListFindings, Search, SimilarCode,
};
use crate::checkout::{Function, Parsers, Wish, content};
use crate::index::{Asked, Attended, Filter, Found, Hit, Like, Mode, Place, Worn};

/// Answers that one call may have.
const MOST: u16 = 50;
const USUALLY: u16 = 10;

/// Lines of a function's text that are given.
const LINES: usize = 200;

/// Bytes of a text that an agent may hand in.
const TEXT: usize = 256 << 10;

/// Why a tool did not do what was asked: for the agent to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    told: String,
    hint: Option<String>,
}

impl Refusal {
    pub fn new(told: impl fmt::Display) -> Refusal {
        Refusal {
            told: told.to_string(),
            hint: None,
        }
    }

    pub fn with_hint(self, hint: impl fmt::Display) -> Refusal {
        Refusal {
            hint: Some(hint.to_string()),
            ..self
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)?;
        self.hint
            .iter()
            .try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl From<crate::index::Error> for Refusal {
    fn from(error: crate::index::Error) -> Refusal {
        Refusal {
            hint: error.hint(),
            told: error.to_string(),
        }
    }
}

impl From<skillbelt_train::Error> for Refusal {
    fn from(error: skillbelt_train::Error) -> Refusal {
        Refusal::from(crate::index::Error::from(error))
    }
}

/// What the tools work with.
pub struct Desk {
    index: Attended,
    belted: Option<Belted>,
    fence: Fence,
    parsers: Parsers,
}

impl Desk {
    /// Opens the index of the repository around a path. Vectors are made beside all calls.
    ///
    /// # Errors
    /// As those of [`Attended::open`]; a belt that has no search task is no error: it is asked other things.
    pub fn open(
        place: &Place,
        path: &Path,
        belted: Option<Belted>,
        parsers: fn() -> Parsers,
    ) -> Result<Desk, Refusal> {
        let worn = belted.as_ref().and_then(|belted| {
            let (reader, belt) = (belted.reader.clone(), belted.belt.as_deref());
            Worn::new(reader, belt, &belted.base, belted.precision, None).ok()
        });
        let index = Attended::open(place, path, worn, parsers)?;
        Ok(Desk {
            fence: Fence::new(index.root().to_owned()),
            index,
            belted,
            parsers: parsers(),
        })
    }

    /// Functions that do what is asked for.
    pub fn search(&mut self, asked: &Search) -> Result<Hits, Refusal> {
        let languages: Vec<Language> = asked
            .languages
            .iter()
            .map(|name| {
                name.parse()
                    .map_err(|unknown: skillbelt_code::language::Unknown| {
                        Refusal::new(&unknown).with_hint(unknown.hint())
                    })
            })
            .collect::<Result<_, _>>()?;
        let filter = Filter::new(&languages, &asked.globs, self.index.below())?;
        self.index.refresh()?;
        let asked_for = Asked {
            words: &asked.query,
            mode: Mode::Fused,
            most: most(asked.limit),
            filter: &filter,
        };
        let found = self.index.search(&asked_for)?;
        self.hits(found, asked.with_code)
    }

    /// Functions that are like one of the repository, or like a text.
    pub fn similar(&mut self, asked: &SimilarCode) -> Result<Hits, Refusal> {
        let like = match (&asked.code, &asked.path, asked.line) {
            (Some(code), None, None) => Like::Text(limited(code)?.to_owned()),
            (None, Some(path), Some(line)) => Like::At {
                path: self.path(path)?,
                line: line as usize,
            },
            _ => return Err(Refusal::new("expected either `code`, or `path` and `line`")),
        };
        let filter = Filter::new(&[], &[], self.index.below())?;
        self.index.refresh()?;
        let found = self.index.similar(&like, most(asked.limit), &filter)?;
        self.hits(found, asked.with_code)
    }

    /// What the belt says of a function.
    pub fn assess(&mut self, asked: &AssessFunction) -> Result<Assessed, Refusal> {
        let belted = self.belted.as_ref().filter(|belted| belted.belt.is_some());
        let reader = belted
            .map(|belted| belted.reader.clone())
            .ok_or_else(nobody)?;
        let (function, code) = match (&asked.code, &asked.path) {
            (Some(code), None) => (None, limited(code)?.to_owned()),
            (None, Some(path)) => {
                let path = self.path(path)?;
                let function = self.named(&path, asked)?;
                let told = Assessable {
                    path,
                    name: function.full_name(),
                    first_line: function.lines.0,
                    last_line: function.lines.1,
                    is_test: function.is_test,
                };
                (Some(told), function.code)
            }
            _ => {
                return Err(Refusal::new(
                    "expected either `code`, or `path` with `line` or `name`",
                ));
            }
        };
        let (verdicts, not_asked) = assess(&reader, &code)?;
        Ok(Assessed {
            function,
            verdicts,
            not_asked,
        })
    }

    /// What a scan finds in the folder that is served, or in a part of it.
    pub fn findings(&mut self, asked: &ListFindings) -> Result<Findings, Refusal> {
        let belted = self.belted.as_ref().ok_or_else(nobody)?;
        let path = match &asked.path {
            Some(path) => self.path(path)?,
            None => self.index.below().to_owned(),
        };
        let report = scanned(belted, self.index.root().join(path), &self.parsers)?;
        listed(&report, asked)
    }

    /// The function of a file that a line or a name tells.
    fn named(&self, path: &str, asked: &AssessFunction) -> Result<Function, Refusal> {
        let functions = self.functions(path)?;
        let named = |function: &Function| {
            let name = asked.name.as_deref();
            name.is_none_or(|name| name == function.name || name == function.full_name())
        };
        let around = |function: &Function| {
            let (first, last) = function.lines;
            asked
                .line
                .is_none_or(|line| (first..=last).contains(&(line as usize)))
        };
        let mut found: Vec<&Function> = functions
            .iter()
            .filter(|one| named(one) && around(one))
            .collect();
        if asked.line.is_some() {
            // Around a line the innermost is meant, which begins last.
            found.sort_by_key(|function| function.lines.0);
            found.drain(..found.len().saturating_sub(1));
        }
        match (&found[..], asked.line.is_some() || asked.name.is_some()) {
            (_, false) => Err(Refusal::new("expected `line` or `name` beside `path`")),
            ([one], _) => Ok((*one).clone()),
            ([], _) => {
                let names: Vec<String> =
                    functions.iter().take(50).map(Function::full_name).collect();
                Err(Refusal::new(format_args!("{path}: no such function"))
                    .with_hint(format_args!("it has {}", names.join(", "))))
            }
            (several, _) => {
                let lines: Vec<String> = several
                    .iter()
                    .map(|function| function.line.to_string())
                    .collect();
                Err(
                    Refusal::new(format_args!("{path}: several functions have this name"))
                        .with_hint(format_args!("give one of the lines {}", lines.join(", "))),
                )
            }
        }
    }

    fn functions(&self, path: &str) -> Result<Vec<Function>, Refusal> {
        let wish = Wish::of(Vec::new());
        let refused = |reason: &str| Refusal::new(format_args!("{path}: {reason}"));
        let language = Language::of_file(path).ok_or_else(|| refused("of no known language"))?;
        let bytes = bytes_within(&self.index.root().join(path), wish.most_bytes);
        let (language, text) = bytes
            .and_then(|bytes| content(&wish, language, path, bytes))
            .map_err(refused)?;
        let parsed = self.parsers.parse(language, &text);
        Ok(parsed.map_err(|reason| refused(&reason))?.functions)
    }

    /// A path that an agent names, below the root.
    fn path(&self, path: &str) -> Result<String, Refusal> {
        let inside = self.fence.inside(path)?;
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        let inside = parts.join("/");
        let below = self.index.below();
        let served = below.is_empty()
            || inside
                .strip_prefix(below)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match served {
            true => Ok(inside),
            false => Err(Refusal::new(format_args!(
                "{path}: outside of the folder that is served"
            ))),
        }
    }

    fn hits(&mut self, found: Found, with_code: bool) -> Result<Hits, Refusal> {
        let mut notes = Vec::new();
        match self.index.coverage()? {
            None => notes.push("by words alone: no belt with a search task is worn".to_owned()),
            Some(coverage) if !coverage.is_complete() => notes.push(format!(
                "{} of {} functions have vectors yet; the others were found by words alone",
                coverage.with_vector, coverage.functions
            )),
            Some(_) => {}
        }
        if found.changed > 0 {
            notes.push(format!(
                "{} functions changed just now and are left out",
                found.changed
            ));
        }
        let root = self.index.root();
        let coded = |hit: Hit| Coded {
            code: with_code.then(|| hit.lines(root, LINES)).flatten(),
            hit,
        };
        Ok(Hits {
            hits: found.hits.into_iter().map(coded).collect(),
            notes,
        })
    }
}

fn most(limit: Option<u16>) -> usize {
    usize::from(limit.unwrap_or(USUALLY).clamp(1, MOST))
}

fn limited(text: &str) -> Result<&str, Refusal> {
    match text.len() <= TEXT {
        true => Ok(text),
        false => Err(Refusal::new(format_args!(
            "`code`: expected at most {TEXT} bytes, found {}",
            text.len()
        ))),
    }
}
