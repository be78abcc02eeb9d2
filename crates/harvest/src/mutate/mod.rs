//! The same function with a mistake in it, of the kinds that people make and compilers take.
//!
//! **Guarantee.** What comes out parses without a mistake and differs from what went in. That a
//! compiler takes it is meant and not proved: names are exchanged only where types are known to be
//! the same or the language has none. That the function is worse for it is likely and not proved.

mod arguments;
mod checks;
mod operators;
mod variables;

use skillbelt_code::Language;

use crate::draw::Draws;
use crate::form::{Form, Parsed};
use crate::names::{Local, locals};
use crate::rewrite::Change;

/// What can go wrong, as rows tell it.
pub const KINDS: [&str; 6] = [
    "wrong_operator",
    "off_by_one",
    "dropped_check",
    "swapped_arguments",
    "wrong_variable",
    "lost_error_handling",
];

/// A function with a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutated {
    pub code: String,
    pub kind: &'static str,
}

/// Mistakes that are tried until one of them leaves a program.
const TRIED: usize = 4;

/// Puts one mistake into a function, if there is a place for one. Kinds are drawn before places, so
/// that a function full of operators is not always given a wrong operator.
pub fn mutate(language: Language, member: bool, code: &str, mut draws: Draws) -> Option<Mutated> {
    let form = Form::of(language, member, code);
    let parsed = form.parsed()?;
    let mut all = changes(&parsed);
    draws.shuffle(&mut all);
    let mut kinds: Vec<&'static str> = KINDS.to_vec();
    draws.shuffle(&mut kinds);
    let by_kind = kinds
        .into_iter()
        .flat_map(|kind| all.iter().filter(move |change| change.rule == kind).take(2));
    for change in by_kind.take(TRIED) {
        let Some(edited) = form.edited(&change.edits) else {
            continue;
        };
        let differs = edited.inner() != code;
        if differs && edited.parsed().is_some() {
            return Some(Mutated {
                code: edited.inner().to_owned(),
                kind: change.rule,
            });
        }
    }
    None
}

/// Every mistake that could be made.
pub fn changes(parsed: &Parsed<'_>) -> Vec<Change> {
    // What a method stands on is no value among others.
    let own = |local: &Local| matches!(local.name.as_str(), "self" | "cls" | "this");
    let locals: Vec<Local> = locals(parsed)
        .into_iter()
        .filter(|local| !own(local))
        .collect();
    let mut found = Vec::new();
    for at in parsed.inside(parsed.body) {
        found.extend(operators::changes(parsed, at));
        found.extend(checks::changes(parsed, at));
        found.extend(arguments::change(parsed, at, &locals));
    }
    found.extend(variables::changes(parsed, &locals));
    found
}

#[cfg(test)]
mod mutate_tests;
