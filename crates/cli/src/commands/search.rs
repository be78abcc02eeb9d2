//! `skillbelt search`: questions to a repository. It only lays out arguments and answers; how they are
//! found is in `skillbelt_apply::index`.

use std::path::{Path, PathBuf};

use clap::Args;
use skillbelt_apply::index::{Asked, Encoder, Measured, Question, measure};

use super::Everywhere;
use super::lookup::{Kept, Narrowed};
use crate::exit::{Failure, say};
use crate::output::Lines;

/// Find functions of a repository by what they do.
///
/// By words at once: names are found whole and in their parts. With a belt also by meaning: vectors are
/// made as they are needed and kept, and both rankings are made one. The index follows the files by
/// their content; nothing is told of a file that has changed since. Words in quotes also count as a
/// phrase. docs/search.md tells how, and how well.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt search \"read a file line by line\"
  skillbelt search \"parse http header\" src --belt runs/four/belt -k 20
  skillbelt search retry --language python,go --glob '!tests/' --json
  skillbelt search \"open connection\" --belt belt --base ./unixcoder-base --wait all
  skillbelt search --evaluate questions.jsonl . --belt belt

Exit codes: 0 something was found; 1 nothing was; 2 it could not be looked for.")]
pub struct Search {
    /// What is looked for
    #[arg(value_name = "WORDS", required_unless_present = "evaluate")]
    words: Option<String>,
    /// A folder of the repository, or a file; answers come from below it
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    narrowed: Narrowed,
    /// Ask the questions of a file instead, one JSON object per line ({"query", "path", and "name" if the
    /// file has several functions}), and tell how well each ranking answers: the mean reciprocal rank
    #[arg(long, value_name = "FILE")]
    evaluate: Option<PathBuf>,
}

impl Search {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        // With --evaluate there are no words, and what stands in their place is the path.
        let (words, path) = match (&self.evaluate, &self.words, &self.path) {
            (Some(_), Some(path), None) => (None, Path::new(path)),
            (Some(_), Some(_), Some(_)) => {
                return Err(Failure::told("--evaluate asks its own questions")
                    .with_hint("leave out the words"));
            }
            (_, words, path) => (words.as_deref(), path.as_deref().unwrap_or(Path::new("."))),
        };
        let mut index = self.kept.open(path)?;
        let worn = self.kept.worn(everywhere)?;
        let encoder = worn.as_ref().map(|worn| worn as &dyn Encoder);
        let mode = self.narrowed.mode(encoder.is_some())?;
        let filter = self.narrowed.filter(index.below())?;
        self.narrowed.prepare(&mut index, encoder, everywhere)?;
        if let Some(questions) = &self.evaluate {
            let measured = measure(&mut index, encoder, &read(questions)?)?;
            if !everywhere.quiet {
                let size = index.size()?;
                say(format_args!(
                    "{} functions in {} files; the index takes {:.1} MB",
                    size.functions,
                    size.files,
                    size.bytes as f64 / 1e6
                ));
            }
            return self.table(&measured);
        }
        let asked = Asked {
            words: words.unwrap_or_default(),
            mode,
            most: self.narrowed.most(),
            filter: &filter,
        };
        let found = index.search(encoder, &asked)?;
        self.narrowed.tell(index.root(), path.is_absolute(), &found)
    }

    fn table(&self, measured: &[Measured]) -> Result<(), Failure> {
        let mut lines = Lines::new();
        if self.narrowed.is_json() {
            measured.iter().try_for_each(|one| lines.object(one))?;
            return lines.flush();
        }
        lines.text("ranking   questions     MRR     R@1    R@10   found  median\n")?;
        for one in measured {
            lines.text(&format!(
                "{:<9} {:>9}  {:.4}  {:.4}  {:.4}  {:>6}  {:.1} ms\n",
                one.mode,
                one.questions,
                one.mrr,
                one.recall_at_1,
                one.recall_at_10,
                one.found,
                one.median_milliseconds
            ))?;
        }
        lines.flush()
    }
}

/// Questions, one JSON object per line; empty lines are passed over.
fn read(path: &Path) -> Result<Vec<Question>, Failure> {
    let text = fs_err::read_to_string(path).map_err(Failure::told)?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                Failure::told(format_args!("{}:{number}: {error}", path.display()))
                    .with_hint("a line is {\"query\": \"...\", \"path\": \"...\"}")
            })
        })
        .collect()
}
