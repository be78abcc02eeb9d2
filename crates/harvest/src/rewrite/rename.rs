//! Other names for locals: each name that is surely local gets another one, everywhere it stands.

use crate::draw::Draws;
use crate::form::Parsed;
use crate::names::{Local, fresh, locals, words};

use super::Change;

pub const RULE: &str = "renamed_locals";

/// New names for most of the locals.
pub fn renames(parsed: &Parsed<'_>, draws: &mut Draws) -> Option<Change> {
    let locals: Vec<Local> = locals(parsed)
        .into_iter()
        .filter(|local| !local.kept)
        .collect();
    let known = words(parsed.program.text());
    let mut taken = std::collections::BTreeSet::new();
    let mut edits = Vec::new();
    for local in &locals {
        let kept = draws.below(4) == 0 && locals.len() > 1;
        let start = draws.below(60);
        if kept || local.name == "self" || local.name == "this" {
            continue;
        }
        let name = fresh(&known, &mut taken, start);
        edits.extend(local.all.iter().map(|at| parsed.edit(*at, name.clone())));
    }
    (!edits.is_empty()).then_some(Change { rule: RULE, edits })
}
