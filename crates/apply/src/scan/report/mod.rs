//! A scan's report as text, as JSON, as SARIF. Nothing is computed here, and nothing left out silently:
//! what a form has no room for is told in it.

pub mod json;
pub mod sarif;
mod text;

use std::collections::BTreeMap;

use super::{Report, Rule};
use crate::checkout::{Cause, Unread};

pub use text::text;

/// What a rule looks for, in a sentence.
fn about(rule: &Rule) -> String {
    use super::Kind;
    match rule.kind {
        Kind::Vulnerability => {
            "Functions that read like ones in which a vulnerability was found.".to_owned()
        }
        Kind::Defect => "Functions that read like ones in which a defect was found.".to_owned(),
        Kind::Flaky => "Tests that read like ones that pass and fail on the same code.".to_owned(),
        Kind::Clone => "Functions that do the same as others.".to_owned(),
        Kind::Other => format!("Functions of the class `{}`.", rule.class),
    }
}

/// How far a rule can be believed, in a sentence.
fn trust(rule: &Rule) -> String {
    let at = format!("from a confidence of {:.3} on", rule.threshold);
    let Some(expected) = rule.expected else {
        let why = rule.note.as_deref().unwrap_or("nothing is known of it");
        return format!("{at}: precision unknown ({why})");
    };
    let mut told = format!(
        "{at}: precision {:.2}, recall {:.2} on {} validation rows, of which {:.0}% are such",
        expected.precision,
        expected.recall,
        expected.rows,
        expected.prevalence * 100.0
    );
    if let Some(note) = &rule.note {
        told.push_str("; ");
        told.push_str(note);
    }
    told
}

/// Unread files and folders by cause and reason.
fn unread(report: &Report) -> BTreeMap<(Cause, &str), Vec<&Unread>> {
    let mut by_reason: BTreeMap<(Cause, &str), Vec<&Unread>> = BTreeMap::new();
    for one in &report.unread {
        by_reason
            .entry((one.cause, &one.reason))
            .or_default()
            .push(one);
    }
    by_reason
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
