//! `skillbelt study`: a plan in, cells and results out. It decides nothing about what is compared.

mod jobs;
mod page;
mod shown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use indexmap::IndexMap;
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::study::plan::{Arm, Plan};
use skillbelt_train::study::results::Results;
use skillbelt_train::study::work::{self, Options};
use skillbelt_train::study::{self, Study as Opened, estimate, slurm};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;

/// Train and compare arms, belts, bases and seeds as a plan says.
///
/// Every cell of the plan is a run of its own, with the same batches of each task in every arm, stored
/// under the hash of all that determines it. What is finished stays: run the command again to go on,
/// after adding seeds or belts to do only what is new, and on other machines with the same folder to
/// share the work. Results are written to results.json in the study's folder.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
#[command(after_help = "Examples:
  skillbelt study studies/analysis.yaml --check
  skillbelt study studies/analysis.yaml --out runs/analysis --dry-run
  skillbelt study studies/analysis.yaml --out runs/analysis --only single --only multi
  skillbelt study studies/analysis.yaml --out /shared/analysis --emit slurm && sbatch /shared/analysis/slurm/study.sbatch")]
pub struct Study {
    /// The plan, a YAML file (docs/studies.md lists its keys)
    #[arg(value_name = "PLAN", required = true)]
    plan: Option<PathBuf>,
    /// The study's folder: cells, claims, results; may be shared by several machines
    #[arg(short, long, value_name = "FOLDER", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Say what is wrong with the plan and its data; train nothing
    #[arg(long)]
    check: bool,
    /// Say which cells there are and what they will cost, after a few steps of each belt; no cell is run
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Print every cell with its state; with --index the whole recipe of that cell
    #[arg(long, conflicts_with_all = ["check", "dry_run"])]
    print: bool,
    /// Only write the results of what is finished
    #[arg(long, conflicts_with_all = ["check", "dry_run", "print"])]
    results: bool,
    /// Cells at once, each in a process of its own with its share of the threads
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Run so many cells, and then no more
    #[arg(long, value_name = "N", conflicts_with = "jobs")]
    max_cells: Option<u64>,
    /// Only cells of this arm; may be given several times
    #[arg(long, value_enum, value_name = "ARM")]
    only: Vec<ArmWord>,
    /// Only the cell of this number, as --print counts them
    #[arg(long, value_name = "N")]
    index: Option<usize>,
    /// Leave when the only cells left are in the hands of other processes
    #[arg(long)]
    no_wait: bool,
    /// Begin without an estimate
    #[arg(long)]
    no_estimate: bool,
    /// Minutes without a heartbeat after which another machine's cell is taken over
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, value_parser = minutes)]
    dead_after: f64,
    /// Write a job array for the cells instead of running them: `slurm`, and the folder for it
    /// [default: slurm in the study's folder]
    #[arg(long, num_args = 1..=2, value_names = ["slurm", "FOLDER"], conflicts_with_all = ["check", "dry_run", "print", "results"])]
    emit: Vec<String>,
    /// Stop when stdin ends, and write no results: a process of --jobs
    #[arg(long, hide = true)]
    worker: bool,
    #[command(subcommand)]
    only_shown: Option<OnlyShown>,
}

#[derive(Debug, Subcommand)]
enum OnlyShown {
    Page(page::Page),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum ArmWord {
    Single,
    Multi,
    Pairs,
    LeaveOneOut,
    Full,
    Prompted,
    Untrained,
}

impl From<ArmWord> for Arm {
    fn from(word: ArmWord) -> Arm {
        match word {
            ArmWord::Single => Arm::Single,
            ArmWord::Multi => Arm::Multi,
            ArmWord::Pairs => Arm::Pairs,
            ArmWord::LeaveOneOut => Arm::LeaveOneOut,
            ArmWord::Full => Arm::Full,
            ArmWord::Prompted => Arm::Prompted,
            ArmWord::Untrained => Arm::Untrained,
        }
    }
}

/// Long enough that a busy machine is not taken for dead, except in tests.
fn minutes(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    match number > 0.0 && number <= 1e6 {
        true => Ok(number),
        false => Err("expected a number above 0".to_owned()),
    }
}

impl Study {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        if let Some(OnlyShown::Page(page)) = &self.only_shown {
            return page.run();
        }
        let plan = study::read(self.plan())?;
        let bases = folders(&plan, everywhere)?;
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("study"));
        let dead_after = Duration::from_secs_f64(60.0 * self.dead_after);
        let faults = Arc::new(Faults::from_env()?);
        let mut study = Opened::open(plan, bases, &out, dead_after, Arc::clone(&faults))?;
        if let Some(index) = self.index.filter(|index| *index >= study.cells.len()) {
            return Err(Failure::told(format_args!(
                "--index {index}: the plan has {} cells, counted from 0",
                study.cells.len()
            )));
        }
        super::tell(&study.check(), "plan", everywhere)?;
        let mut lines = Lines::new();
        if self.print {
            lines.text(&shown::cells(&study, self.index)?)?;
            return lines.flush();
        }
        if self.check {
            lines.text(&shown::plan(&study))?;
            for rows in study.check_rows()? {
                lines.text(&format!("{rows}\n"))?;
            }
            return lines.flush();
        }
        if !self.emit.is_empty() {
            lines.text(&self.emit(&study, &out)?)?;
            return lines.flush();
        }
        if !self.results && !self.worker {
            lines.text(&shown::plan(&study))?;
            if !self.no_estimate {
                let parts = study.estimate(true)?;
                lines.text(&estimate::text(&parts, usize::from(self.jobs)))?;
            }
        }
        if self.dry_run {
            return lines.flush();
        }
        let stopped = !self.results && self.work(&study, &out, faults, everywhere)?;
        if self.worker {
            return Ok(());
        }
        let results = study.results()?;
        let written = study.write(&results)?;
        lines.text(&shown::results(&results))?;
        lines.text(&format!("results: {}\n", written.results.display()))?;
        lines.text(&format!("page: {}\n", written.page.display()))?;
        outcome(&results, stopped)
    }

    /// The command line holds a plan wherever nothing is only shown.
    fn plan(&self) -> &Path {
        self.plan.as_deref().unwrap_or(Path::new(""))
    }

    /// Whether a person stopped it.
    fn work(
        &self,
        study: &Opened,
        out: &Path,
        faults: Arc<Faults>,
        everywhere: &Everywhere,
    ) -> Result<bool, Failure> {
        let stop = stop_by_person(self.worker)?;
        if self.jobs > 1 {
            jobs::run(self, out, &stop, everywhere)?;
            return Ok(stop.load(Ordering::Relaxed));
        }
        let options = Options {
            stop,
            faults,
            only: self.only.iter().map(|arm| Arm::from(*arm)).collect(),
            index: self.index,
            max_cells: self.max_cells,
            wait: !self.no_wait,
        };
        let mut watch = shown::Telling {
            quiet: everywhere.quiet,
            bars: !self.worker,
            told: 0,
        };
        Ok(work::work(study, &options, &mut watch)?.stopped)
    }

    fn emit(&self, study: &Opened, out: &Path) -> Result<String, Failure> {
        if self.emit[0] != "slurm" {
            return Err(Failure::told(format_args!(
                "--emit {}: the only form is `slurm`",
                self.emit[0]
            )));
        }
        let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::told);
        let out = absolute(out)?;
        let folder = match self.emit.get(1) {
            Some(folder) => absolute(Path::new(folder))?,
            None => out.join("slurm"),
        };
        for made in [&folder, &out.join("slurm")] {
            fs_err::create_dir_all(made).map_err(Failure::told)?;
        }
        let mut flags = Vec::new();
        for arm in &self.only {
            flags.extend(["--only".to_owned(), Arm::from(*arm).name().to_owned()]);
        }
        flags.extend(["--dead-after".to_owned(), self.dead_after.to_string()]);
        let (plan, program) = (absolute(self.plan())?, std::env::current_exe()?);
        let text = slurm::script(&slurm::Job {
            plan: &plan,
            out: &out,
            program: &program,
            name: &study.plan.name(),
            jobs: match self.jobs {
                1 => study.cells.len(),
                jobs => usize::from(jobs).min(study.cells.len()),
            },
            flags: &flags,
        });
        let script = folder.join("study.sbatch");
        study.folder.disk().replace(&script, text.as_bytes())?;
        Ok(format!("{}\n", script.display()))
    }
}

/// The folder of every base of the plan.
fn folders(plan: &Plan, everywhere: &Everywhere) -> Result<IndexMap<String, PathBuf>, Failure> {
    let mut folders = IndexMap::new();
    for name in plan.bases().keys() {
        if let Some(base) = plan.base(name) {
            let folder = locate::folder(&base.name, base.revision.as_deref(), everywhere)?;
            folders.insert(name.clone(), folder);
        }
    }
    Ok(folders)
}

/// The first Ctrl-C lets the step finish; a second one ends the program at once, and the last
/// checkpoint stands. A worker also stops when whoever started it has gone.
fn stop_by_person(worker: bool) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stop);
    let handler = move || {
        if wish.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        if !worker {
            say("stopping after this step; once more to stop at once");
        }
    };
    ctrlc::set_handler(handler).map_err(Failure::told)?;
    if worker {
        let wish = Arc::clone(&stop);
        std::thread::spawn(move || {
            let _ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            wish.store(true, Ordering::Relaxed);
        });
    }
    Ok(stop)
}

/// What is not as it should be ends the program with the code of work not done.
fn outcome(results: &Results, stopped: bool) -> Result<(), Failure> {
    let state = results.state;
    if state.failed + state.damaged > 0 {
        let told = Failure::told(format_args!(
            "{} of {} cells failed and {} are damaged; the results hold the others",
            state.failed, state.cells, state.damaged
        ));
        return Err(told.with_hint(
            "the same command tries failed cells again; damaged ones must be moved away first",
        ));
    }
    match stopped {
        true => Err(Failure::told(format_args!(
            "stopped; {} of {} cells are done and everything is saved",
            state.done, state.cells
        ))
        .with_hint("the same command goes on")),
        false => Ok(()),
    }
}
