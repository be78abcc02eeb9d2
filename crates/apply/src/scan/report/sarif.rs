//! The report as SARIF 2.1.0, in the sizes that code hosts accept.
//!
//! A host takes ten megabytes of gzip and 25,000 results, shows 5,000, and shows 100 places of a
//! result. What is beyond is left out from the least sure on, and a notification says how much.

mod rules;
mod uri;

use std::io::Write;

use serde_json::{Value, json};

use super::super::finding::{Finding, Place};
use super::super::{Report, Rule};
use super::trust;
use crate::checkout::{Cause, Unread};
use rules::{driver, id};
use uri::uri;

pub use uri::decoded_uri;

/// The fingerprint that is ours. Hosts that know only the name of the first below use that one.
pub const FINGERPRINT: &str = "skillbeltFunction/v1";
const HOSTS: &str = "primaryLocationLineHash";
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Results of a run.
pub const MOST_RESULTS: usize = 25_000;
/// Bytes of the whole file, packed; a little below what hosts refuse.
const MOST_PACKED: usize = 9_500_000;
/// Other places of a result.
const MOST_PLACES: usize = 100;
/// Notifications of files that are not read; the rest is counted.
const MOST_NOTIFICATIONS: usize = 1_000;

/// The report, as large as hosts accept.
pub fn sarif(report: &Report) -> Value {
    let mut most = MOST_RESULTS;
    loop {
        let value = sized(report, most);
        let shown = report.findings.len().min(most);
        if shown == 0 || packed(&value) <= MOST_PACKED {
            return value;
        }
        most = shown / 2;
    }
}

fn sized(report: &Report, most: usize) -> Value {
    let mut chosen: Vec<&Finding> = report.findings.iter().collect();
    let beyond = chosen.len().saturating_sub(most);
    if beyond > 0 {
        let loud = |finding: &Finding| report.rules[finding.rule].level;
        chosen.sort_by(|one, other| {
            let sure = other.confidence.total_cmp(&one.confidence);
            loud(other).cmp(&loud(one)).then(sure)
        });
        chosen.truncate(most);
        chosen.sort_by_key(|finding| (&finding.place.path, finding.place.line, finding.rule));
    }
    let compared = report.compared_with.is_some();
    let results = chosen
        .iter()
        .map(|finding| result(report, finding, compared));
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver(report)},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
            "automationDetails": {"id": "skillbelt/scan/"},
            "invocations": [{
                "executionSuccessful": report.failures() == 0,
                "toolExecutionNotifications": notifications(report, beyond),
                "toolConfigurationNotifications": configuration(report),
            }],
            "results": results.collect::<Vec<_>>(),
            "properties": {"counts": report.counts, "functionsLeftOut": report.left_out, "ignored": report.ignored.len()},
        }],
    })
}

fn result(report: &Report, finding: &Finding, compared: bool) -> Value {
    let rule = &report.rules[finding.rule];
    let mut value = json!({
        "ruleId": id(rule),
        "ruleIndex": finding.rule,
        "level": rule.level,
        "message": {"text": finding.message(rule)},
        "locations": [location(&finding.place, None)],
        "partialFingerprints": {HOSTS: finding.fingerprint, FINGERPRINT: finding.fingerprint},
        "rank": (f64::from(finding.confidence) * 100.0).clamp(0.0, 100.0),
        "properties": {"confidence": finding.confidence},
    });
    if !finding.others.is_empty() {
        let others = finding.others.iter().take(MOST_PLACES).enumerate();
        let others = others.map(|(at, place)| location(place, Some(at)));
        value["relatedLocations"] = others.collect();
    }
    if compared {
        value["baselineState"] = json!("new");
    }
    value
}

fn location(place: &Place, related: Option<usize>) -> Value {
    let mut value = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&place.path), "uriBaseId": "SRCROOT"},
            "region": {"startLine": place.line, "snippet": {"text": place.head}},
            "contextRegion": {"startLine": place.lines.0, "endLine": place.lines.1.max(place.lines.0)},
        },
        "logicalLocations": [{"fullyQualifiedName": place.function, "kind": "function"}],
    });
    if let Some(at) = related {
        value["id"] = json!(at + 1);
        value["message"] = json!({"text": format!("does the same: {}", place.function)});
    }
    value
}

fn notifications(report: &Report, beyond: usize) -> Vec<Value> {
    let mut told: Vec<Value> = report
        .unread
        .iter()
        .take(MOST_NOTIFICATIONS)
        .map(unread)
        .collect();
    let plain = |level: &str, text: String| json!({"descriptor": {"id": "note"}, "level": level, "message": {"text": text}});
    if let Some(more) = report.unread.len().checked_sub(MOST_NOTIFICATIONS + 1) {
        told.push(plain(
            "warning",
            format!("and {} more files and folders are not read", more + 1),
        ));
    }
    if beyond > 0 {
        told.push(plain(
            "warning",
            format!(
                "{beyond} findings are left out, the least sure ones: a host would refuse them all"
            ),
        ));
    }
    told.extend(report.notes.iter().map(|note| plain("note", note.clone())));
    told
}

fn unread(one: &Unread) -> Value {
    let (id, level) = match one.cause {
        Cause::Rule => ("left-out", "note"),
        Cause::Unfit => ("not-read", "warning"),
        Cause::Failed => ("failed", "error"),
    };
    json!({
        "descriptor": {"id": id},
        "level": level,
        "message": {"text": format!("{}: {}", one.shown, one.reason)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&one.shown)}}}],
    })
}

fn configuration(report: &Report) -> Vec<Value> {
    let told = |rule: &Rule| {
        let text = rule.silent.clone().unwrap_or_else(|| trust(rule));
        json!({
            "descriptor": {"id": "rule"},
            "associatedRule": {"id": id(rule)},
            "level": if rule.silent.is_some() { "warning" } else { "note" },
            "message": {"text": format!("{}: {text}", rule.task)},
        })
    };
    report.rules.iter().map(told).collect()
}

/// Bytes of a value after gzip.
fn packed(value: &Value) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut packer = flate2::write::GzEncoder::new(Count(0), flate2::Compression::default());
    let written = serde_json::to_writer(&mut packer, value);
    match (written, packer.finish()) {
        (Ok(()), Ok(count)) => count.0,
        // Neither can fail: JSON of a value into a counter.
        _ => 0,
    }
}
