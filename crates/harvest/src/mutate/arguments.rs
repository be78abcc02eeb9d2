//! Two arguments of a call that are exchanged, where both are known to be of one type.

use skillbelt_code::{At, Language};

use crate::form::Parsed;
use crate::names::Local;
use crate::rewrite::Change;

const LISTS: &[&str] = &["argument_list", "arguments"];

pub fn change(parsed: &Parsed<'_>, at: At, locals: &[Local]) -> Option<Change> {
    if !LISTS.contains(&parsed.kind(at)) {
        return None;
    }
    let plain: Vec<(At, &str)> = parsed
        .parts(at)
        .into_iter()
        .filter_map(|part| {
            // C# puts a node around each argument.
            let inner = match parsed.kind(part) {
                "argument" => match parsed.parts(part).as_slice() {
                    [one] => *one,
                    _ => return None,
                },
                _ => part,
            };
            (parsed.kind(inner) == "identifier").then(|| (part, parsed.text(inner)))
        })
        .collect();
    let pair = plain.windows(2).find(|pair| {
        pair[0].1 != pair[1].1 && same_type(parsed.program.language(), pair[0].1, pair[1].1, locals)
    })?;
    Some(Change {
        rule: "swapped_arguments",
        edits: vec![
            parsed.edit(pair[0].0, parsed.text(pair[1].0)),
            parsed.edit(pair[1].0, parsed.text(pair[0].0)),
        ],
    })
}

/// Whether two names can stand for each other, as far as a compiler can tell.
pub fn same_type(language: Language, one: &str, other: &str, locals: &[Local]) -> bool {
    if matches!(language, Language::Python | Language::JavaScript) {
        return true;
    }
    let typed = |name: &str| {
        let local = locals.iter().find(|local| local.name == name)?;
        local.typed.as_deref()
    };
    match (typed(one), typed(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}
