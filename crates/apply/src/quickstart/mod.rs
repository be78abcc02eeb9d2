//! From code to a belt that does several things on it, and a report that says how well: harvest, words
//! alone, study, report, belt. Each part is there whole or not at all, so that a call that was stopped
//! anywhere is gone on with by the next one.
//!
//! It has no training, measure or statistic of its own: it writes a plan that a person could have
//! written, and follows it. Read in this order: here, `folder.rs`, `sources.rs`, `rows.rs`, `plan.rs`.

mod effort;
mod error;
mod folder;
mod plan;
mod progress;
mod rows;
mod ship;
mod sources;
mod verdict;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use skillbelt_harvest::{LANGUAGES, Plan as HarvestPlan, Seed, SplitBy, Task, harvest};
use skillbelt_model::base::portrait::Portrait;
use skillbelt_model::{Checkpoint, ConfigFile};
use skillbelt_train::baseline;
use skillbelt_train::data::Split;
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::recipe;
use skillbelt_train::start;
use skillbelt_train::study::results::Results;
use skillbelt_train::study::work::{self, Options};
use skillbelt_train::study::{self, Study, page};

pub use effort::Effort;
pub use error::{Error, Result};
use folder::{Folder, Ordered};
pub use progress::{Shared, Stage, Unwatched, Watch};
pub use rows::{Lacking, Ready};
pub use ship::Example;
pub use verdict::{Verdict, Worth, told, verdicts};

/// Without a heartbeat for this long another process's part is taken over.
const DEAD_AFTER: Duration = Duration::from_secs(600);
/// Commits of each repository that are read.
const COMMITS: usize = 2_000;

/// What is to be done.
pub struct Order {
    /// Folders of sources; none for the crates that this program is built of.
    pub paths: Vec<PathBuf>,
    /// Folders with JUnit files of many test runs.
    pub junit: Vec<PathBuf>,
    /// Where cargo keeps its downloads.
    pub cargo: Option<PathBuf>,
    pub out: PathBuf,
    /// As the plan names the base, and the folder that it is in.
    pub base: String,
    pub base_folder: PathBuf,
    pub effort: Effort,
    /// Remove what an earlier quick start left at `out`.
    pub anew: bool,
    /// Set by Ctrl-C: the step, or the part that has no steps, is finished, and everything saved.
    pub stop: Arc<AtomicBool>,
    pub faults: Arc<Faults>,
}

/// What there is now.
pub struct Made {
    pub root: PathBuf,
    pub report: PathBuf,
    pub belt: PathBuf,
    pub ready: Vec<Ready>,
    pub lacking: Vec<Lacking>,
    pub results: Results,
    /// A documented function of the test rows, to try the belt on.
    pub example: Option<Example>,
}

/// How it ended.
pub enum Ended {
    Made(Box<Made>),
    /// A person stopped it; the next call goes on.
    Stopped,
}

/// Does all of it, or what of it is left. The same order and files give the same belt and answers.
pub fn run(order: &Order, watch: &Shared) -> Result<Ended> {
    let (paths, crates) = match order.paths.is_empty() {
        true => (sources::folders(order.cargo.as_deref())?, sources::own()),
        false => (order.paths.clone(), Vec::new()),
    };
    let given = absolute(&order.paths)?;
    let junit = absolute(&order.junit)?;
    let ordered = Ordered::new(&given, &junit, crates, &order.base, &order.effort);
    let faults = Arc::clone(&order.faults);
    let (folder, again) = Folder::open(&order.out, &ordered, order.anew, faults)?;
    if again {
        let line = format!("going on with what is in {}", order.out.display());
        watch.borrow_mut().said(&line);
    }
    let stopped = || order.stop.load(Ordering::Relaxed);
    gather(order, &paths, &folder, watch)?;
    let (ready, lacking) = planned(order, &folder)?;
    if stopped() {
        return Ok(Ended::Stopped);
    }
    words(order, &folder, ready.len(), watch)?;
    if stopped() {
        return Ok(Ended::Stopped);
    }
    let Some(mut study) = studied(order, &folder, watch)? else {
        return Ok(Ended::Stopped);
    };
    watch.borrow_mut().stage(Stage::Report);
    let results = concluded(&mut study, &folder)?;
    watch.borrow_mut().stage(Stage::Belt);
    let belt = ship::belt(&study, &folder)?;
    Ok(Ended::Made(Box::new(Made {
        root: folder.root().to_owned(),
        report: folder.at("report.html"),
        example: ship::example(&folder, &paths)?,
        belt,
        ready,
        lacking,
        results,
    })))
}

/// As the order is written down; a path that is not there is told before anything is written.
fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        let told = Error::told(format_args!("{}: there is no such folder", path.display()));
        return Err(told.with_hint("name a folder of sources"));
    }
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|e| Error::io(path, e));
    paths.iter().map(absolute).collect()
}

/// The data sets, unless an earlier call has made them.
fn gather(order: &Order, paths: &[PathBuf], folder: &Folder, watch: &Shared) -> Result<()> {
    watch.borrow_mut().stage(Stage::Harvest);
    let out = folder.at("data");
    if out.is_dir() {
        return Ok(());
    }
    let mut tasks: BTreeSet<Task> = Task::ALL.into_iter().collect();
    if order.junit.is_empty() {
        tasks.remove(&Task::Flaky);
    }
    let own = order.paths.is_empty();
    let plan = HarvestPlan {
        paths: paths.to_vec(),
        out,
        tasks,
        languages: LANGUAGES.into_iter().collect(),
        // Whole crates are held out of the crates; of one repository, whole files.
        split: if own { SplitBy::Project } else { SplitBy::File },
        seed: Seed(0),
        max_rows: Some(order.effort.rows),
        junit: order.junit.clone(),
        base: order.base.clone(),
        commits: if own { 0 } else { COMMITS },
        force: false,
    };
    // Files, functions, near duplicates, and then the tasks.
    let stages = 3 + plan.tasks.len();
    let told = RefCell::new(0);
    let tell = |what: &str| {
        let done = *told.borrow() as f64 / stages as f64;
        *told.borrow_mut() += 1;
        watch.borrow_mut().doing(done.min(1.0), what);
    };
    let report = harvest(&plan, &tell)?;
    for warning in &report.warnings {
        watch.borrow_mut().warned(warning);
    }
    let counted = format!(
        "{} functions of {} files gave {} rows",
        report.functions.used,
        report.files.used,
        report.rows()
    );
    watch.borrow_mut().said(&counted);
    Ok(())
}

/// Chooses the tasks and writes the plan: those with enough rows of which the base can read enough.
fn planned(order: &Order, folder: &Folder) -> Result<(Vec<Ready>, Vec<Lacking>)> {
    let (mut ready, mut lacking) = rows::ready(folder, &order.effort)?;
    let base = portrait(&order.base_folder).map_err(skillbelt_train::Error::from)?;
    if base.shape == "encoder" {
        rows::without_writing(&mut ready, &mut lacking);
    }
    let write_plans = |ready: &[Ready]| write_plans(order, folder, base.positions, ready);
    if !ready.is_empty() {
        write_plans(&ready)?;
        let resolved = recipe::read(&folder.at("recipe.yaml"), &[])?;
        let read = start::check_rows(&resolved.recipe, &order.base_folder)?;
        let all = ready.len();
        rows::readable(&mut ready, &mut lacking, &read);
        if !ready.is_empty() && ready.len() < all {
            write_plans(&ready)?;
        }
    }
    match ready.is_empty() {
        true => Err(nothing(&lacking, folder)),
        false => Ok((ready, lacking)),
    }
}

fn nothing(lacking: &[Lacking], folder: &Folder) -> Error {
    let why = lacking
        .iter()
        .map(|lacking| format!("\n  {}: {}", lacking.task, lacking.why))
        .collect::<String>();
    Error::told(format_args!("there is too little to learn from:{why}")).with_hint(format_args!(
        "give more code, in several files; {} tells what was found and left out",
        folder.at("data").join("summary.txt").display()
    ))
}

fn write_plans(
    order: &Order,
    folder: &Folder,
    positions: Option<usize>,
    ready: &[Ready],
) -> Result<()> {
    let base = plan::Base {
        name: order.base.clone(),
        positions,
    };
    let plan = plan::study(&base, ready, &order.effort);
    folder.write("quickstart.yaml", &plan)?;
    let recipe = plan::recipe(&base, ready, &order.effort);
    folder.write("recipe.yaml", &recipe)
}

/// What a base is, without its weights.
fn portrait(folder: &Path) -> skillbelt_model::Result<Portrait> {
    let config = ConfigFile::open(&folder.join("config.json"))?;
    Portrait::of(&config, &Checkpoint::open(folder)?)
}

/// Answers without a model, unless they are there.
fn words(order: &Order, folder: &Folder, tasks: usize, watch: &Shared) -> Result<()> {
    watch.borrow_mut().stage(Stage::Words);
    let out = folder.at("words");
    if out.join(baseline::SUMMARY).is_file() {
        return Ok(());
    }
    let resolved = recipe::read(&folder.at("recipe.yaml"), &[])?;
    let order = baseline::Order {
        recipe: &resolved.recipe,
        split: Split::Test,
        out: &out,
        rows_base: Some(&order.base_folder),
        draws: Draws {
            count: order.effort.draws,
            ..Draws::default()
        },
    };
    let mut following = progress::Words {
        watch: Rc::clone(watch),
        tasks,
        begun: 0,
    };
    baseline::answer(&order, &mut following)?;
    Ok(())
}

/// Runs what is left of the study; nothing if a person stopped it.
fn studied(order: &Order, folder: &Folder, watch: &Shared) -> Result<Option<Study>> {
    watch.borrow_mut().stage(Stage::Study);
    let plan = study::read(&folder.at("quickstart.yaml"))?;
    let bases = IndexMap::from([(plan::called(&order.base), order.base_folder.clone())]);
    let faults = Arc::clone(&order.faults);
    let study = Study::open(plan, bases, &folder.at("study"), DEAD_AFTER, faults)?;
    if let Some(defect) = study.check().iter().find(|problem| !problem.warning) {
        let told = Error::told(format_args!("the plan cannot be run: {defect}"));
        return Err(match &defect.hint {
            Some(hint) => told.with_hint(hint),
            None => told,
        });
    }
    let options = Options {
        stop: Arc::clone(&order.stop),
        faults: Arc::clone(&order.faults),
        only: Vec::new(),
        index: None,
        max_cells: None,
        wait: true,
    };
    let mut following = progress::Cells::of(&study, Rc::clone(watch));
    let worked = work::work(&study, &options, &mut following)?;
    if worked.failed > 0 {
        return Err(Error::told(format_args!(
            "{} of {} parts of the study failed, as told above",
            worked.failed,
            study.cells.len()
        ))
        .with_hint("the same command tries them again"));
    }
    let stopped = worked.stopped || order.stop.load(Ordering::Relaxed);
    Ok((!stopped).then_some(study))
}

/// Results and report, which are made anew by every call.
fn concluded(study: &mut Study, folder: &Folder) -> Result<Results> {
    let results = study.results()?;
    let state = results.state;
    if state.done < state.cells {
        return Err(Error::told(format_args!(
            "{} of {} parts of the study are there; {} are damaged",
            state.done, state.cells, state.damaged
        ))
        .with_hint("the same command makes missing ones; --force begins anew"));
    }
    let text = serde_json::to_string_pretty(&results).map_err(Error::told)? + "\n";
    folder.write("results.json", &text)?;
    folder.write("report.html", &page::page(&results)?)?;
    Ok(results)
}

/// Where cargo keeps its downloads: `CARGO_HOME`, or `.cargo` at home.
pub fn cargo_folder(cargo_home: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    let given = cargo_home.filter(|path| !path.as_os_str().is_empty());
    given
        .map(Path::to_owned)
        .or_else(|| home.map(|home| home.join(".cargo")))
}
