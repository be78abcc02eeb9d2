//! The same function in other words: rewrites that keep what it does.
//!
//! **Guarantee.** What comes out parses without a mistake and differs from what went in. Every rule
//! keeps the meaning under conditions that its file states; where they cannot be seen to hold, the
//! place is left alone. Rules are about what a program computes: they may change how long it takes,
//! and the names that a debugger shows.

mod called;
mod conditions;
mod dead;
mod loops;
mod order;
mod rename;
pub mod syntax;

use skillbelt_code::Language;

use crate::draw::Draws;
use crate::form::{Edit, Form, Parsed, touch};

/// A way to write something differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which rule, as rows tell it.
    pub rule: &'static str,
    pub edits: Vec<Edit>,
}

/// A function in other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    pub code: String,
    /// The rules that were followed, in the order of the alphabet.
    pub rules: Vec<&'static str>,
}

/// Changes of the structure that are made together at most.
const TOGETHER: usize = 3;

/// Writes a function differently, if any rule fits. The same draws give the same text.
pub fn rewrite(
    language: Language,
    member: bool,
    code: &str,
    mut draws: Draws,
) -> Option<Rewritten> {
    let form = Form::of(language, member, code);
    let parsed = form.parsed()?;
    let mut rules = Vec::new();
    let structural = chosen(changes(&parsed, &mut draws), &mut draws);
    let mut current = form.clone();
    if !structural.is_empty() {
        let edits: Vec<Edit> = structural
            .iter()
            .flat_map(|change| change.edits.clone())
            .collect();
        if let Some(edited) = form
            .edited(&edits)
            .filter(|edited| edited.parsed().is_some())
        {
            rules.extend(structural.iter().map(|change| change.rule));
            current = edited;
        }
    }
    let renamed = {
        let parsed = current.parsed()?;
        let change = rename::renames(&parsed, &mut draws);
        change.and_then(|change| current.edited(&change.edits))
    };
    if let Some(renamed) = renamed.filter(|renamed| renamed.parsed().is_some()) {
        rules.push(rename::RULE);
        current = renamed;
    }
    rules.sort_unstable();
    rules.dedup();
    (!rules.is_empty() && current.inner() != code).then(|| Rewritten {
        code: current.inner().to_owned(),
        rules,
    })
}

/// A function written differently and under another name, or why it is none.
pub fn disguise(
    language: Language,
    (member, within): (bool, Option<&str>),
    (name, code): (&str, &str),
    number: u64,
) -> Result<Rewritten, &'static str> {
    let mut rewritten =
        rewrite(language, member, code, Draws::from(number)).ok_or("no rule of rewriting fits")?;
    let mut draws = Draws::from(!number);
    let named = (name, rewritten.code.as_str());
    rewritten.code = called::otherwise(language, (member, within), named, &mut draws)
        .ok_or("its name cannot be another")?;
    rewritten.rules.push(called::RULE);
    rewritten.rules.sort_unstable();
    Ok(rewritten)
}

/// Every change of the structure that could be made.
fn changes(parsed: &Parsed<'_>, draws: &mut Draws) -> Vec<Change> {
    let mut found = Vec::new();
    for at in parsed.inside(parsed.body) {
        found.extend(conditions::changes(parsed, at));
        found.extend(loops::changes(parsed, at));
        found.extend(order::changes(parsed, at));
    }
    found.extend(dead::change(parsed, draws));
    found
}

/// A few changes that do not touch each other, of different rules where there are any.
fn chosen(mut all: Vec<Change>, draws: &mut Draws) -> Vec<Change> {
    draws.shuffle(&mut all);
    let mut chosen: Vec<Change> = Vec::new();
    for further in [false, true] {
        for change in &all {
            let known = chosen.iter().any(|one| one.rule == change.rule);
            let apart = chosen.iter().all(|one| !overlap(one, change));
            if chosen.len() < TOGETHER && known == further && apart {
                chosen.push(change.clone());
            }
        }
    }
    chosen
}

fn overlap(one: &Change, other: &Change) -> bool {
    one.edits
        .iter()
        .any(|edit| other.edits.iter().any(|theirs| touch(edit, theirs)))
}

#[cfg(test)]
mod rewrite_tests;
#[cfg(test)]
pub mod samples;
