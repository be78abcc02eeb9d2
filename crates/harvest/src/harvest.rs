//! The whole way from paths to a folder of data sets, in the order in which it is gone.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::apart::too_near;
use crate::census::Census;
use crate::error::{Error, Result};
use crate::flaky::observe;
use crate::history::{Copied, Fixed, History, blob_name, read as read_history};
use crate::plan::{Plan, SplitBy, Task};
use crate::recipe::recipe;
use crate::report::{Report, Rows, Told};
use crate::rows::{Item, Made, Source, Stock, make};
use crate::sift::{Sifted, sift, spoken, text};
use crate::split::{Group, Split, assign};
use crate::walk::{Found, Walk, walk};
use crate::write::{SUMMARY, Writing, allowed};

/// Harvests what the plan says, tells of each stage as it begins, and writes the folder.
///
/// The rows are the same for the same files and plan, whatever the number of threads.
pub fn harvest(plan: &Plan, tell: &dyn Fn(&str)) -> Result<Report> {
    allowed(&plan.out, plan.force)?;
    let mut report = Report::of(plan);
    tell("looking for files");
    let found = walk(&plan.paths, &plan.languages)?;
    tell(&format!("{} source files: parsing", found.files.len()));
    let mut files = sifted(&found, &mut report);
    if !found.repositories.is_empty() {
        tell(&format!(
            "{} repositories: reading history",
            found.repositories.len()
        ));
    }
    let histories = histories(&found, plan, &mut report);
    let mut stock = stocked(&found, &mut files, &histories, plan, &mut report)?;
    report.folders = found.folders.clone();
    tell(&format!(
        "{} functions: looking for near duplicates",
        stock.items.len()
    ));
    set_apart(&mut stock, plan, &mut report)?;
    stock.copied = copied(&stock, &found, &histories, &mut report.copies);
    if stock.items.is_empty() && stock.fixed.is_empty() && stock.observed.is_empty() {
        return Err(nothing(&report));
    }
    let writing = Writing::begin(&plan.out, plan.force)?;
    for task in &plan.tasks {
        tell(&format!("{task}: making rows"));
        let made = make(*task, &stock, plan);
        for split in Split::ALL {
            writing.rows(*task, split, &made.rows)?;
        }
        report.tasks.push(told(*task, made));
    }
    if let Some(recipe) = recipe(plan, &report.tasks) {
        writing.text("recipe.yaml", &recipe)?;
    }
    let json = serde_json::to_string_pretty(&report).map_err(Error::told)?;
    writing.text(SUMMARY, &(json + "\n"))?;
    writing.text("summary.txt", &report.to_string())?;
    writing.publish()?;
    Ok(report)
}

fn nothing(report: &Report) -> Error {
    let reasons = report
        .files
        .left_out
        .iter()
        .chain(&report.functions.left_out);
    let mut reasons: Vec<(u64, &str)> = reasons
        .map(|(reason, left)| (left.count, *reason))
        .collect();
    reasons.sort_unstable_by(|one, other| other.cmp(one));
    let shown: Vec<String> = reasons
        .iter()
        .take(4)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    let why = if shown.is_empty() {
        "no file was found".to_owned()
    } else {
        shown.join("; ")
    };
    Error::told(format_args!(
        "nothing to harvest: {} files, {} functions ({why})",
        report.files.all, report.functions.all
    ))
    .with_hint("give folders of source code in C, C++, C#, Go, Java, JavaScript, Python, Rust or TypeScript")
}

/// A file that was read.
struct File {
    found: usize,
    blob: Option<String>,
    language: skillbelt_code::Language,
    sifted: Sifted,
}

/// Reads and parses all files, side by side.
fn sifted(found: &Walk, report: &mut Report) -> Vec<File> {
    let one = |(at, file): (usize, &Found)| -> std::result::Result<File, &'static str> {
        let bytes = crate::sift::bytes(&file.path)?;
        let blob = file.repository.and_then(|_| blob_name(&bytes));
        let text = text(bytes)?;
        let language = spoken(file.language, &file.shown, &text);
        let sifted = sift(language, &text, &file.shown)?;
        Ok(File {
            found: at,
            blob,
            language,
            sifted,
        })
    };
    let results: Vec<_> = found.files.par_iter().enumerate().map(one).collect();
    report.files = found.census.clone();
    let mut files = Vec::new();
    for (result, file) in results.into_iter().zip(&found.files) {
        match result {
            Ok(mut sifted) => {
                report.files.used(1);
                report
                    .functions
                    .add(std::mem::take(&mut sifted.sifted.census));
                files.push(sifted);
            }
            Err(reason) => report.files.left(reason, || file.shown.clone()),
        }
    }
    files
}

fn histories(found: &Walk, plan: &Plan, report: &mut Report) -> Vec<History> {
    let asked = plan.tasks.contains(&Task::Clone)
        || plan.tasks.contains(&Task::DefectHistory)
        || plan.split == SplitBy::Time;
    let plan = Plan {
        commits: if asked { plan.commits } else { 0 },
        ..plan.clone()
    };
    let mut all = Vec::new();
    for repository in &found.repositories {
        let mut history = read_history(repository, &plan);
        report.commits.add(std::mem::take(&mut history.commits));
        report.warnings.append(&mut history.warnings);
        all.push(history);
    }
    all
}

/// Sources, functions and tests, each function once; which split they are of is not known yet.
fn stocked(
    found: &Walk,
    files: &mut [File],
    histories: &[History],
    plan: &Plan,
    report: &mut Report,
) -> Result<Stock> {
    let mut stock = Stock {
        sources: Vec::new(),
        items: Vec::new(),
        tests: Vec::new(),
        fixed: Vec::new(),
        copied: Vec::new(),
        observed: Vec::new(),
    };
    let mut seen: HashSet<blake3::Hash> = HashSet::new();
    for file in files {
        let source = source(found, file, histories, plan);
        let number = stock.sources.len();
        let item = |piece| Item {
            piece,
            source: number,
            split: Split::Train,
        };
        for piece in file.sifted.pieces.drain(..) {
            if seen.insert(blake3::hash(piece.code.as_bytes())) {
                *report.languages.entry(piece.language.name()).or_default() += 1;
                stock.items.push(item(piece));
            } else {
                let place = format!("{}:{} {}", source.shown, piece.lines.0, piece.name);
                report.functions.unused("the same code again", || place);
            }
        }
        stock.tests.extend(file.sifted.tests.drain(..).map(item));
        stock.sources.push(source);
    }
    if plan.tasks.contains(&Task::DefectHistory) {
        stock.fixed = fixed(histories, plan, &mut report.fixes);
    }
    if plan.tasks.contains(&Task::Flaky) {
        let (observed, junit, cases) = observe(&plan.junit, &stock.tests, &stock.sources)?;
        stock.observed = observed;
        report.junit_files = junit;
        report.test_cases = cases;
    }
    Ok(stock)
}

fn source(found: &Walk, file: &File, histories: &[History], plan: &Plan) -> Source {
    let about = &found.files[file.found];
    let history = about
        .repository
        .map(|at| (&found.repositories[at], &histories[at]));
    let within = history.and_then(|(repository, history)| {
        let path = about
            .shown
            .strip_prefix(&repository.shown)?
            .strip_prefix('/')?;
        Some((path, history))
    });
    let commit = within.and_then(|(path, history)| {
        let (head, blobs) = history.head.as_ref()?;
        let same = blobs
            .get(path)
            .is_some_and(|blob| Some(blob) == file.blob.as_ref());
        same.then(|| head.clone())
    });
    Source {
        shown: about.shown.clone(),
        project: about.project.clone(),
        language: file.language,
        commit,
        time: within.and_then(|(path, history)| history.changed.get(path).copied()),
        group: group(plan.split, &about.shown, &about.project),
    }
}

/// What stands in one split together with a file.
fn group(by: SplitBy, path: &str, project: &str) -> String {
    match by {
        SplitBy::Project => project.to_owned(),
        SplitBy::File | SplitBy::Time => path.to_owned(),
    }
}

/// Fixes of all repositories, each pair of versions once.
fn fixed(histories: &[History], plan: &Plan, census: &mut Census) -> Vec<(Fixed, Split)> {
    let mut seen: HashSet<blake3::Hash> = HashSet::new();
    let mut all = Vec::new();
    for fixed in histories.iter().flat_map(|history| &history.fixed) {
        let text = format!("{}\0{}", fixed.before.0, fixed.after.0);
        if !seen.insert(blake3::hash(text.as_bytes())) {
            census.left("the same fix again", || {
                format!("{} {}", fixed.path, fixed.commit)
            });
            continue;
        }
        census.used(1);
        let group = group(plan.split, &fixed.path, &fixed.project);
        all.push((
            Fixed {
                group,
                ..fixed.clone()
            },
            Split::Train,
        ));
    }
    all
}

/// Gives every group its split, and takes out what nearly stands in two of them.
fn set_apart(stock: &mut Stock, plan: &Plan, report: &mut Report) -> Result<()> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut weigh = |name: &str, time: Option<i64>| {
        let group = groups.entry(name.to_owned()).or_default();
        group.weight += 1;
        group.time = group.time.max(time);
    };
    for item in stock.items.iter().chain(&stock.tests) {
        let source = &stock.sources[item.source];
        weigh(&source.group, source.time);
    }
    for (fixed, _) in &stock.fixed {
        weigh(&fixed.group, Some(fixed.time));
    }
    if plan.split == SplitBy::Time && groups.values().all(|group| group.time.is_none()) {
        return Err(
            Error::told("--split time: no history tells when any file was changed")
                .with_hint("give a git repository with its history, or split by file or project"),
        );
    }
    let placed = assign(&groups, plan.split, plan.seed);
    let split = |group: &str| placed.get(group).copied().unwrap_or(Split::Train);
    for item in stock.items.iter_mut().chain(&mut stock.tests) {
        item.split = split(&stock.sources[item.source].group);
    }
    for (fixed, of) in &mut stock.fixed {
        *of = split(&fixed.group);
    }
    for split in placed.values() {
        match split {
            Split::Train => report.groups.train += 1,
            Split::Valid => report.groups.valid += 1,
            Split::Test => report.groups.test += 1,
        }
    }
    take_out(stock, report);
    Ok(())
}

/// Takes out what nearly stands in an earlier split: functions, fixes, observed tests.
fn take_out(stock: &mut Stock, report: &mut Report) {
    let mut texts: Vec<(&str, Split)> = Vec::new();
    texts.extend(
        stock
            .items
            .iter()
            .map(|item| (&*item.piece.code, item.split)),
    );
    for (fixed, split) in &stock.fixed {
        texts.extend([(&*fixed.before.0, *split), (&*fixed.after.0, *split)]);
    }
    for seen in &stock.observed {
        let test = &stock.tests[seen.test];
        texts.push((&test.piece.code, test.split));
    }
    let near = too_near(&texts);
    let (of_items, rest) = near.split_at(stock.items.len());
    let (of_fixed, of_tests) = rest.split_at(stock.fixed.len() * 2);
    for (at, reason) in of_items.iter().enumerate() {
        if let Some(reason) = reason {
            report
                .functions
                .unused(reason, || stock.id(&stock.items[at]));
        }
    }
    for (pair, (fixed, _)) in of_fixed.chunks(2).zip(&stock.fixed) {
        if let Some(reason) = pair.iter().flatten().next() {
            report
                .fixes
                .unused(reason, || format!("{} {}", fixed.path, fixed.commit));
        }
    }
    for (reason, seen) in of_tests.iter().zip(&stock.observed) {
        if let Some(reason) = reason {
            report
                .test_cases
                .unused(reason, || stock.id(&stock.tests[seen.test]));
        }
    }
    let mut kept = of_items.iter().map(Option::is_none);
    stock.items.retain(|_| kept.next().unwrap_or(true));
    let mut kept = of_fixed
        .chunks(2)
        .map(|pair| pair.iter().all(Option::is_none));
    stock.fixed.retain(|_| kept.next().unwrap_or(true));
    let mut kept = of_tests.iter().map(Option::is_none);
    stock.observed.retain(|_| kept.next().unwrap_or(true));
}

/// Copies of history as places among the functions of today.
fn copied(stock: &Stock, found: &Walk, histories: &[History], census: &mut Census) -> Vec<Copied> {
    let mut today: HashMap<(&str, String), Option<usize>> = HashMap::new();
    for (at, item) in stock.items.iter().enumerate() {
        let name = (stock.source(item).shown.as_str(), item.piece.full_name());
        // Two of one name cannot be told apart.
        today
            .entry(name)
            .and_modify(|known| *known = None)
            .or_insert(Some(at));
    }
    let mut all = Vec::new();
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    for (repository, history) in found.repositories.iter().zip(histories) {
        for shape in &history.copies {
            let told = || format!("{} {} in {}", shape.copy.0, shape.copy.1, shape.commit);
            let place = |(path, name): &(String, String)| {
                let path = format!("{}/{path}", repository.shown);
                today.get(&(path.as_str(), name.clone())).copied().flatten()
            };
            let (Some(original), Some(copy)) = (place(&shape.original), place(&shape.copy)) else {
                census.left("one of the two is not there today, or not used", told);
                continue;
            };
            if stock.items[original].split != stock.items[copy].split {
                census.left("the two stand in two splits", told);
            } else if original == copy || !seen.insert((original.min(copy), original.max(copy))) {
                census.left("the same pair again", told);
            } else {
                census.used(1);
                all.push(Copied {
                    original,
                    copy,
                    commit: shape.commit.clone(),
                });
            }
        }
    }
    all
}

/// Counts the rows of a task.
fn told(task: Task, made: Made) -> Told {
    let mut rows = Rows::default();
    let (mut labels, mut how) = (BTreeMap::new(), BTreeMap::new());
    for row in &made.rows {
        match row.split {
            Split::Train => rows.train += 1,
            Split::Valid => rows.valid += 1,
            Split::Test => rows.test += 1,
        }
        if let Some(label) = row.fields.get("label") {
            *labels.entry(label.to_string()).or_default() += 1;
        }
        if let Some(serde_json::Value::String(words)) = row.fields.get("how") {
            *how.entry(words.clone()).or_default() += 1;
        }
    }
    Told {
        task,
        rows,
        labels,
        made: how,
        census: made.census,
    }
}
