//! What a scan finds, for an agent: the scan's own rules, thresholds and cache, in fewer words.
//!
//! What an earlier scan has kept is used; the belt reads only what is new. It decides nothing itself.

use std::path::PathBuf;

use skillbelt_train::Result;

use super::Belted;
use super::desk::Refusal;
use super::tools::{Findings, ListFindings, Listed};
use crate::checkout::{Parsers, Wish};
use crate::scan::{Belted as Oracle, Choices, Keep, Lazily, Plan, Report, Worn, key, scan};

/// Findings that one call may have.
const MOST: u16 = 200;
const USUALLY: u16 = 20;

/// Scans a folder of the repository, or one file.
pub fn scanned(
    belted: &Belted,
    path: PathBuf,
    parsers: &Parsers,
) -> std::result::Result<Report, Refusal> {
    let (Some(belt), Some(card)) = (&belted.belt, belted.reader.card()) else {
        return Err(nobody());
    };
    let done = || -> Result<Report> {
        let held = belted.precision;
        let mut oracle = Lazily::new(|| Oracle::open(belt, &belted.base, Some(held)));
        let mut worn = Worn {
            card,
            key: key(belt, card, &belted.base, held.name())?,
            oracle: &mut oracle,
        };
        let plan = Plan {
            wish: Wish::of(vec![path]),
            choices: Choices::default(),
            diff: None,
            baseline_commit: None,
            baseline: None,
            keep: Keep::Beside,
        };
        scan(&plan, &mut worn, parsers, &|_| {})
    };
    Ok(done()?)
}

/// Without a belt nobody can be asked.
pub fn nobody() -> Refusal {
    Refusal::new("no belt is worn, so there is nobody to ask")
        .with_hint("start the server with --belt DIR")
}

/// The surest findings of a report, as many as are asked for.
pub fn listed(report: &Report, asked: &ListFindings) -> std::result::Result<Findings, Refusal> {
    let rules: Vec<&str> = report.rules.iter().map(|rule| rule.task.as_str()).collect();
    if let Some(wanted) = asked
        .rule
        .as_deref()
        .filter(|wanted| !rules.contains(wanted))
    {
        return Err(
            Refusal::new(format_args!("`{wanted}`: the belt has no such rule"))
                .with_hint(format_args!("it has {}", rules.join(", "))),
        );
    }
    let mut all: Vec<Listed> = Vec::new();
    for finding in &report.findings {
        let Some(rule) = report.rules.get(finding.rule) else {
            continue;
        };
        if asked
            .rule
            .as_deref()
            .is_none_or(|wanted| wanted == rule.task)
        {
            all.push(Listed {
                rule: rule.task.clone(),
                level: rule.level.name().to_owned(),
                path: finding.place.path.clone(),
                line: finding.place.line,
                function: finding.place.function.clone(),
                confidence: finding.confidence,
                expected_precision: rule.expected.map(|expected| expected.precision),
                message: finding.message(rule),
                fingerprint: finding.fingerprint.clone(),
            });
        }
    }
    let found = all.len();
    // The order of equals is that of the report: by path and line.
    all.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    all.truncate(usize::from(asked.limit.unwrap_or(USUALLY).clamp(1, MOST)));
    let mut notes = report.notes.clone();
    let silent = report.rules.iter().filter_map(|rule| {
        let why = rule.silent.as_deref()?;
        Some(format!("{}: {why}", rule.task))
    });
    notes.extend(silent);
    let failed = report
        .unread
        .iter()
        .filter(|unread| unread.cause == crate::checkout::Cause::Failed);
    notes.extend(
        failed
            .take(5)
            .map(|unread| format!("{}: {}", unread.shown, unread.reason)),
    );
    Ok(Findings {
        findings: all,
        found,
        notes,
    })
}
