//! What `search`, `similar` and `mcp` are given alike: which belt, which index, which answers. It looks
//! nothing up by itself.

mod shown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use skillbelt_apply::index::{Encoder, Filter, Found, Hit, Index, Mode, Patience, Place, Worn};
use skillbelt_apply::reader::Reader;
use skillbelt_engine::Precision;
use skillbelt_harvest::Language;
use skillbelt_train::shipped;

use super::{Everywhere, language, parse, precision};
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;
use shown::Shown;

/// Which belt makes vectors, and where the index is kept.
#[derive(Debug, Args)]
pub struct Kept {
    /// The folder of a belt with a task of type retrieve; without one, only words are looked up
    #[arg(long, value_name = "DIR")]
    pub belt: Option<PathBuf>,
    /// The base that the belt was trained on: a folder, or a name on the hub [default: as the belt
    /// names it]. Without --belt, a base that was never taught to search
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    pub base: Option<String>,
    /// How the weights of the base are held: f32, bf16, int8 or nf4 [default: as in training]
    #[arg(long, value_parser = precision)]
    pub precision: Option<Precision>,
    /// Where the index is kept: a file, or a server with pgvector as postgres://user@host/database
    /// [default: .skillbelt/search-1.sqlite in the repository]
    #[arg(long, value_name = "FILE_OR_SERVER")]
    pub index: Option<String>,
    /// What this checkout is called on the server [default: machine and path]
    #[arg(long, value_name = "NAME", requires = "index")]
    pub checkout: Option<String>,
}

/// Which answers.
#[derive(Debug, Args)]
pub struct Narrowed {
    /// Answers at most
    #[arg(short = 'k', long = "most", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    most: u16,
    /// Only functions of these languages: c, cpp, csharp, go, java, javascript, python, rust, typescript
    #[arg(short, long, value_name = "LANGUAGE", value_delimiter = ',', value_parser = language)]
    language: Vec<Language>,
    /// Only files that the pattern names, as in .gitignore, below the repository; `!tests/` leaves out
    #[arg(short, long, value_name = "PATTERN")]
    glob: Vec<String>,
    /// By words alone
    #[arg(long, conflicts_with = "vector")]
    lexical: bool,
    /// By vectors alone
    #[arg(long)]
    vector: bool,
    /// How long vectors that are lacking may be made before the answer: seconds, or `all`. What is
    /// left is made by the next searches
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = patience)]
    wait: Patience,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// A hit as a line of JSON.
#[derive(Serialize)]
struct Told<'h> {
    /// As it can be opened from here.
    file: String,
    #[serde(flatten)]
    hit: &'h Hit,
}

/// A model, and what it was opened from.
pub struct Opened {
    pub reader: Arc<Reader>,
    pub base: PathBuf,
    pub precision: Precision,
}

impl Kept {
    pub fn open(&self, path: &Path) -> Result<Index, Failure> {
        let place = Place::parse(self.index.as_deref(), self.checkout.as_deref());
        Ok(Index::open(&place, path, parse::parsers())?)
    }

    /// What makes vectors, if a model is named.
    pub fn worn(&self, everywhere: &Everywhere) -> Result<Option<Worn>, Failure> {
        let opened = self.reader(everywhere)?;
        let belt = self.belt.as_deref();
        let worn = opened.map(|opened| {
            let (base, precision) = (&opened.base, opened.precision);
            Worn::new(opened.reader, belt, base, precision, None)
        });
        let worn = worn.transpose()?;
        if worn.as_ref().is_some_and(|worn| !worn.is_taught()) && !everywhere.quiet {
            say("note: the base was never taught to search; --belt names a belt that was");
        }
        Ok(worn)
    }

    /// The model, if one is named.
    pub fn reader(&self, everywhere: &Everywhere) -> Result<Option<Opened>, Failure> {
        let (reader, base, precision) = match (&self.belt, &self.base) {
            (None, None) => return Ok(None),
            (Some(belt), named) => {
                let card = shipped::card(belt)?;
                let base = named.as_deref().unwrap_or(&card.base.name);
                let base = locate::folder(base, None, everywhere)?;
                let precision = match self.precision {
                    Some(precision) => precision,
                    None => card.precision.parse().map_err(Failure::told)?,
                };
                (Reader::open(belt, &base, Some(precision))?, base, precision)
            }
            (None, Some(base)) => {
                let base = locate::folder(base, None, everywhere)?;
                let precision = self.precision.unwrap_or(Precision::Int8);
                (Reader::bare(&base, precision)?, base, precision)
            }
        };
        Ok(Some(Opened {
            reader: Arc::new(reader),
            base,
            precision,
        }))
    }
}

impl Narrowed {
    pub fn mode(&self, has_reader: bool) -> Result<Mode, Failure> {
        match (self.lexical, self.vector) {
            (true, _) => Ok(Mode::Lexical),
            (_, true) if !has_reader => Err(Failure::told("--vector: nothing makes vectors")
                .with_hint("name a belt with --belt DIR")),
            (_, true) => Ok(Mode::Vector),
            _ => Ok(Mode::Fused),
        }
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    pub fn most(&self) -> usize {
        usize::from(self.most)
    }

    pub fn filter(&self, below: &str) -> Result<Filter, Failure> {
        Ok(Filter::new(&self.language, &self.glob, below)?)
    }

    /// Brings the index up to date, and makes vectors as long as it may.
    pub fn prepare(
        &self,
        index: &mut Index,
        encoder: Option<&dyn Encoder>,
        everywhere: &Everywhere,
    ) -> Result<(), Failure> {
        let mut shown = Shown::new(everywhere);
        refresh(index, &mut shown, everywhere)?;
        match encoder.filter(|_| !self.lexical) {
            Some(encoder) => {
                let coverage = index.embed(encoder, self.wait, &mut |at| shown.at(at))?;
                shown.end();
                if !coverage.is_complete() && !everywhere.quiet {
                    say(format_args!(
                        "note: {} of {} functions have vectors yet; --wait all makes the rest",
                        coverage.with_vector, coverage.functions
                    ));
                }
            }
            None if !self.lexical && !everywhere.quiet => say(
                "note: by words alone; with a belt (--belt DIR) functions are found by meaning too",
            ),
            None => {}
        }
        shown.end();
        Ok(())
    }

    /// Hits as lines; nothing found is no success.
    pub fn tell(&self, root: &Path, absolute: bool, found: &Found) -> Result<(), Failure> {
        let here = std::env::current_dir().and_then(fs_err::canonicalize);
        let here = here.ok().filter(|_| !absolute);
        let mut lines = Lines::new();
        for hit in &found.hits {
            let path = root.join(&hit.path);
            let file = here
                .as_deref()
                .map_or(path.clone(), |here| relative(here, &path));
            let file = file.to_string_lossy().into_owned();
            match self.json {
                true => lines.object(&Told { file, hit })?,
                false => lines.text(&format!(
                    "{file}:{}: {}\n",
                    hit.line,
                    printable(&hit.signature)
                ))?,
            }
        }
        lines.flush()?;
        if found.changed > 0 {
            say(format_args!(
                "note: {} functions changed while they were looked up, and are not shown",
                found.changed
            ));
        }
        match found.hits.is_empty() {
            true => Err(Failure::Nothing),
            false => Ok(()),
        }
    }
}

/// Brings the index up to date with the files, and says what could not be read.
pub fn refresh(
    index: &mut Index,
    shown: &mut Shown,
    everywhere: &Everywhere,
) -> Result<(), Failure> {
    let refreshed = index.refresh(&mut |at| shown.at(at))?;
    shown.end();
    let failed: Vec<_> = refreshed
        .unread
        .iter()
        .filter(|unread| unread.cause == skillbelt_apply::checkout::Cause::Failed)
        .collect();
    if let (Some(first), false) = (failed.first(), everywhere.quiet) {
        say(format_args!(
            "warning: {} files could not be read, such as {}: {}",
            failed.len(),
            first.shown,
            first.reason
        ));
    }
    Ok(())
}

/// Control characters of a hostile name would be commands to a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// A path as it can be opened from a folder.
fn relative(here: &Path, path: &Path) -> PathBuf {
    let shared = here
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = here.components().count() - shared;
    let mut told: PathBuf = std::iter::repeat_n("..", up).collect();
    told.extend(path.components().skip(shared));
    told
}

fn patience(word: &str) -> Result<Patience, String> {
    let seconds = || {
        word.parse()
            .ok()
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
    };
    match word {
        "all" => Ok(Patience::Endless),
        _ => seconds()
            .map(Patience::For)
            .ok_or_else(|| "expected seconds, or `all`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_as_they_can_be_opened() {
        let told = |here: &str, path: &str| relative(Path::new(here), Path::new(path));
        assert_eq!(told("/a/b", "/a/b/c/d.py"), Path::new("c/d.py"));
        assert_eq!(told("/a/b/x", "/a/b/c/d.py"), Path::new("../c/d.py"));
        assert_eq!(told("/", "/a.py"), Path::new("a.py"));
    }

    #[test]
    fn waiting_is_seconds_or_all() {
        assert_eq!(patience("all"), Ok(Patience::Endless));
        assert_eq!(
            patience("1.5"),
            Ok(Patience::For(Duration::from_millis(1500)))
        );
        assert!(patience("-1").is_err() && patience("soon").is_err());
    }

    #[test]
    fn what_commands_a_terminal_is_not_printed() {
        assert_eq!(printable("def \u{1b}[31mf():"), "def [31mf():");
    }
}
