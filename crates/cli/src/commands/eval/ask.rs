//! A belt is asked the rows of a split, task after task.

use std::path::{Path, PathBuf};

use serde_json::json;
use skillbelt_model::belt::folder::BeltFile;
use skillbelt_train::data::{Split, Tally};
use skillbelt_train::evaluate::{self, Draws, Judgement};
use skillbelt_train::recipe::{self, Recipe};
use skillbelt_train::shipped::{self, Questions, Shipped};

use super::Eval;
use crate::commands::Everywhere;
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;
use crate::progress;

/// What the measures of all tasks are called in their folder.
const SUMMARY: &str = "summary.json";

impl Eval {
    /// Writes the answers of every task and their summary, and prints the summary.
    pub(super) fn ask(
        &self,
        belt: &Path,
        out: &Path,
        draws: &Draws,
        everywhere: &Everywhere,
    ) -> Result<(), Failure> {
        let card = shipped::card(belt)?;
        let recipe = self.recipe(belt)?;
        let questions = Questions::new(&card, recipe.as_ref(), &self.set)?;
        let split = Split::from(self.split);
        let names = self.asked(&card, &questions, split, everywhere)?;
        let places = places(out, &names, split)?;
        let base = match (&self.base, &recipe) {
            (Some(base), _) => locate::folder(base, None, everywhere)?,
            (None, Some(Recipe { base, .. })) => {
                locate::folder(&base.name, base.revision.as_deref(), everywhere)?
            }
            (None, None) => locate::folder(&card.base.name, None, everywhere)?,
        };
        let belt = Shipped::open(belt, &base, self.precision, &|task, kept| {
            questions.settings(task, kept)
        })?;
        fs_err::create_dir_all(out).map_err(Failure::told)?;
        let round = Round {
            questions: &questions,
            split,
            pack_tokens: self
                .batch_tokens
                .map_or(questions.pack_tokens, |tokens| tokens as usize),
            draws,
            everywhere,
        };
        let mut judgements = Vec::new();
        for (name, path) in names.iter().zip(&places) {
            judgements.extend(round.ask(&belt, name, path)?);
        }
        evaluate::write_summary(&out.join(SUMMARY), &judgements)?;
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&json!({ "tasks": judgements }))?,
            false => lines.text(&evaluate::table(&judgements))?,
        }
        lines.flush()
    }

    /// The recipe that names the files: the one that was given, else that of the run.
    fn recipe(&self, belt: &Path) -> Result<Option<Recipe>, Failure> {
        // A run's belt stands in its folder, those of single tasks one deeper.
        let mut runs = ["..", "../.."].into_iter().map(|up| belt.join(up));
        let of_run = || {
            let run = runs.find(|run| run.join("run.json").is_file())?;
            Some(run.join(recipe::resolve::RESOLVED_FILE)).filter(|path| path.is_file())
        };
        match self.recipe.clone().or_else(of_run) {
            Some(path) => Ok(Some(recipe::read(&path, &[])?.recipe)),
            None => Ok(None),
        }
    }

    /// The tasks that can be asked; the others are told.
    fn asked(
        &self,
        card: &BeltFile,
        questions: &Questions,
        split: Split,
        everywhere: &Everywhere,
    ) -> Result<Vec<String>, Failure> {
        for name in &self.tasks {
            if card.task(name).is_none() {
                return Err(shipped::no_task(card, name).into());
            }
        }
        let wanted = |name: &String| self.tasks.is_empty() || self.tasks.contains(name);
        let names = card.tasks.iter().map(|task| task.name.clone());
        let (asked, without): (Vec<String>, Vec<String>) = names
            .filter(wanted)
            .partition(|name| questions.has(name, split));
        let split = split.name();
        if asked.is_empty() {
            return Err(Failure::told(format_args!(
                "there are no {split} files for {}",
                without.join(", ")
            ))
            .with_hint(format_args!(
                "give --recipe FILE, or --set tasks.NAME.{split}=FILE"
            )));
        }
        for name in without.iter().filter(|_| !everywhere.quiet) {
            say(format_args!(
                "warning: task `{name}` has no {split} files and is not asked"
            ));
        }
        Ok(asked)
    }
}

/// What is the same for every task that is asked.
struct Round<'r> {
    questions: &'r Questions,
    split: Split,
    pack_tokens: usize,
    draws: &'r Draws,
    everywhere: &'r Everywhere,
}

impl Round<'_> {
    /// Asks one task, and writes down its answers.
    fn ask(&self, belt: &Shipped, name: &str, path: &Path) -> Result<Option<Judgement>, Failure> {
        let task = belt.task(name)?;
        let split = self.split.name();
        let mut watcher = progress::watcher(self.everywhere.quiet);
        let seed = self.questions.seed;
        let asked = belt.ask(task, self.split, seed, self.pack_tokens, |rows| {
            watcher.asking(name, split, rows);
        })?;
        let Some(asked) = asked else { return Ok(None) };
        if !self.everywhere.quiet {
            tell_rejections(name, split, &asked.tally);
        }
        evaluate::write(path, &asked.examples)?;
        let measure = task.settings.metric.as_deref();
        let judgement = Judgement::new(
            name,
            split,
            &asked.examples,
            &asked.tally,
            measure,
            self.draws,
        )?;
        Ok(Some(judgement))
    }
}

/// Where the answers of each task go. Files that are there are not written over.
fn places(out: &Path, names: &[String], split: Split) -> Result<Vec<PathBuf>, Failure> {
    let names = names.iter().map(|name| evaluate::file_name(name, split));
    let places: Vec<PathBuf> = names.map(|name| out.join(name)).collect();
    let summary = out.join(SUMMARY);
    for (number, path) in places.iter().chain([&summary]).enumerate() {
        if path.exists() {
            return Err(
                Failure::told(format_args!("{} is there already", path.display()))
                    .with_hint("choose another folder with --out, or move this one away"),
            );
        }
        if places[..number.min(places.len())].contains(path) {
            return Err(Failure::told(format_args!(
                "the answers of two tasks would be called {}",
                path.display()
            ))
            .with_hint("ask them one at a time with --tasks"));
        }
    }
    Ok(places)
}

/// What became of rows that could not be used.
fn tell_rejections(task: &str, split: &str, tally: &Tally) {
    for (reason, rejected) in &tally.rejected {
        let first = rejected.examples.first().map(|example| {
            let detail = match example.detail.as_str() {
                "" => String::new(),
                detail => format!(": {detail}"),
            };
            format!("; the first is {}{detail}", example.place)
        });
        let first = first.unwrap_or_default();
        say(format_args!(
            "warning: {task} ({split}): {} rows not used: {reason}{first}",
            rejected.count
        ));
    }
}
