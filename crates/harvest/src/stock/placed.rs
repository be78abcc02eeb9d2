//! Which split everything of a stock stands in, and what is taken out because it nearly stands in two.

use std::collections::BTreeMap;

use super::Stock;
use crate::apart::too_near;
use crate::error::{Error, Result};
use crate::plan::{Plan, SplitBy};
use crate::report::Report;
use crate::split::{Group, Split, assign};

/// Gives every group its split, and takes out what nearly stands in two of them.
pub fn set_apart(stock: &mut Stock, plan: &Plan, report: &mut Report) -> Result<()> {
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
