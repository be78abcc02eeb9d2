//! `skillbelt quickstart`: from code to a belt and a report. It only lays out arguments and what came
//! out; what is done stands in `skillbelt_apply::quickstart`.

mod shown;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::json;
use skillbelt_apply::quickstart::{self, Effort, Ended, Order, Shared};
use skillbelt_train::disk::faults::Faults;

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;

/// Make a belt that does several things on your code, and a report that says how well.
///
/// Data sets are made from PATH (by default from the crates that skillbelt itself is built of, as the
/// build has put them on this machine), one belt is trained for all tasks on a small base, and compared
/// with a belt for each task alone, with both before the first step, and with words alone. Nothing is
/// labelled by hand, nothing is run, no network is asked. Run the same command again to go on after a
/// stop. The plan and the recipe that were used lie beside the report, to be changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt quickstart
  skillbelt quickstart ~/src/project
  skillbelt quickstart ~/src/project --full --out project-belt
  skillbelt quickstart ~/src/project --junit ci-results --steps 200 --force")]
pub struct Quickstart {
    /// Folders of sources, with their git history if it is there [default: the crates of this program]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Everything is written here: data, plan, study, report.html, belt
    #[arg(
        short,
        long,
        value_name = "DIR",
        default_value = "skillbelt-quickstart"
    )]
    out: PathBuf,
    /// Longer and better: hours instead of minutes, three seeds instead of one, five times the rows
    #[arg(long)]
    full: bool,
    /// Begin anew: remove what an earlier quick start has written at --out
    #[arg(long)]
    force: bool,
    /// Steps of every training [default: 100; with --full 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: Option<u64>,
    /// Rows of each task that are kept [default: 4000; with --full 20000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..))]
    rows: Option<u32>,
    /// A folder of JUnit XML files of many test runs, for the task flaky. May be repeated
    #[arg(long, value_name = "DIR")]
    junit: Vec<PathBuf>,
    /// The base, a folder or a name on the hub
    #[arg(long, value_name = "NAME_OR_FOLDER", default_value = "pocket")]
    base: String,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Quickstart {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let order = self.order(everywhere)?;
        let following: Shared = Rc::new(RefCell::new(shown::Line::new(everywhere.quiet)));
        let ended = quickstart::run(&order, &following);
        drop(following);
        match ended? {
            Ended::Stopped => Err(Failure::told("stopped; what was done is saved")
                .with_hint("the same command goes on")),
            Ended::Made(made) => {
                let mut lines = Lines::new();
                match self.json {
                    true => lines.object(&json!({
                        "out": made.root,
                        "report": made.report,
                        "belt": made.belt,
                        "tasks": made.results.study.tasks,
                        "means": made.results.tables.means,
                    }))?,
                    false => {
                        let next = shown::Next {
                            program: program(),
                            paths: &self.paths,
                            base: Some(Path::new(&self.base)).filter(|base| base.is_dir()),
                            made: &made,
                        };
                        lines.text(&(shown::text(&made) + &next.text()))?;
                    }
                }
                lines.flush()
            }
        }
    }

    fn order(&self, everywhere: &Everywhere) -> Result<Order, Failure> {
        let folder = Path::new(&self.base);
        let base = match folder.is_dir() {
            // The plan lies elsewhere, and paths in it are its own.
            true => {
                let absolute = std::path::absolute(folder).map_err(Failure::told)?;
                absolute.display().to_string()
            }
            false => self.base.clone(),
        };
        Ok(Order {
            paths: self.paths.clone(),
            junit: self.junit.clone(),
            cargo: quickstart::cargo_folder(
                std::env::var_os("CARGO_HOME").as_deref().map(Path::new),
                std::env::home_dir().as_deref(),
            ),
            out: self.out.clone(),
            base_folder: locate::folder(&base, None, everywhere)?,
            base,
            effort: self.effort(),
            anew: self.force,
            stop: stop_by_person()?,
            faults: Arc::new(Faults::from_env()?),
        })
    }

    fn effort(&self) -> Effort {
        let mut effort = match self.full {
            true => Effort::full(),
            false => Effort::quick(),
        };
        effort.steps = self.steps.unwrap_or(effort.steps);
        effort.rows = self.rows.map_or(effort.rows, |rows| rows as usize);
        effort
    }
}

/// How a person calls this program: by its name where the system finds it by that, else by its path.
fn program() -> String {
    let Ok(here) = std::env::current_exe() else {
        return "skillbelt".to_owned();
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let name = here.file_name().unwrap_or_default();
    let found = std::env::split_paths(&paths).any(|folder| folder.join(name) == here);
    match found {
        true => name.to_string_lossy().into_owned(),
        false => shown::near(&here),
    }
}

/// The first Ctrl-C lets the step, or a part without steps, finish; a second one ends the program at
/// once, and what is there stands.
fn stop_by_person() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stop);
    let handler = move || {
        if wish.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("stopping at the next safe place; once more to stop at once");
    };
    ctrlc::set_handler(handler).map_err(Failure::told)?;
    Ok(stop)
}
