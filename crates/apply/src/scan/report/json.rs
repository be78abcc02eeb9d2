//! The whole report as one JSON object. Its form is told in `docs/scan.md`; keys are added, never
//! changed.

use serde_json::{Value, json};

use super::super::finding::Finding;
use super::super::{Ignored, Report};
use crate::checkout::{Cause, Unread};

/// The version of the form.
const FORMAT: u64 = 1;

/// The report.
pub fn json(report: &Report) -> Value {
    json!({
        "format": FORMAT,
        "program": env!("CARGO_PKG_VERSION"),
        "base": report.base,
        "compared_with": report.compared_with,
        "rules": report.rules,
        "unused_tasks": report.unused,
        "counts": report.counts,
        "findings": report.findings.iter().map(|one| finding(report, one)).collect::<Vec<_>>(),
        "ignored": report.ignored.iter().map(|one| ignored(report, one)).collect::<Vec<_>>(),
        "functions_left_out": report.left_out,
        "unread": report.unread.iter().map(unread).collect::<Vec<_>>(),
        "notes": report.notes,
    })
}

fn finding(report: &Report, finding: &Finding) -> Value {
    let rule = &report.rules[finding.rule];
    json!({
        "rule": rule.task,
        "kind": rule.kind,
        "level": rule.level,
        "message": finding.message(rule),
        "confidence": finding.confidence,
        "fingerprint": finding.fingerprint,
        "place": finding.place,
        "others": finding.others,
    })
}

fn ignored(report: &Report, one: &Ignored) -> Value {
    let mut value = finding(report, &one.finding);
    value["reason"] = json!(one.reason);
    value
}

fn unread(one: &Unread) -> Value {
    let cause = match one.cause {
        Cause::Rule => "rule",
        Cause::Unfit => "unfit",
        Cause::Failed => "failed",
    };
    json!({
        "path": one.shown,
        "reason": one.reason,
        "folder": one.is_folder,
        "cause": cause,
    })
}
