//! From files to a stock: read, parsed, each function once; and what history adds to them.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::{Item, Source, Stock};
use crate::census::Census;
use crate::error::Result;
use crate::flaky::observe;
use crate::history::{Copied, Fixed, History, blob_name};
use crate::plan::{Plan, SplitBy, Task};
use crate::report::Report;
use crate::sift::{Sifted, sift, spoken, text};
use crate::split::Split;
use crate::walk::{Found, Walk};

/// A file that was read.
pub struct File {
    found: usize,
    blob: Option<String>,
    language: skillbelt_code::Language,
    sifted: Sifted,
}

/// Reads and parses all files, side by side.
pub fn sifted(found: &Walk, report: &mut Report) -> Vec<File> {
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

/// Sources, functions and tests, each function once; which split they are of is not known yet.
pub fn stocked(
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
    let within =
        history.and_then(|(repository, history)| Some((repository.inside(&about.shown)?, history)));
    let commit = within.as_ref().and_then(|(path, history)| {
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
        time: within.and_then(|(path, history)| history.changed.get(&path).copied()),
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

/// Copies of history as places among the functions of today.
pub fn copied(
    stock: &Stock,
    found: &Walk,
    histories: &[History],
    census: &mut Census,
) -> Vec<Copied> {
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
                let path = repository.told(path)?;
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
