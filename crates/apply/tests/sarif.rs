//! SARIF as code hosts want it: its shape, its references, its sizes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../harvest/tests/repository/mod.rs"]
mod repository;
mod scanned;

use repository::Repository;
use scanned::{function, plan, scanned};
use serde_json::Value;
use skillbelt_apply::scan::Report;
use skillbelt_apply::scan::report::sarif::{FINGERPRINT, MOST_RESULTS, sarif};

fn report() -> Report {
    let repository = Repository::plain();
    repository.write("sub dir/a ü.py", &function("first", "BUG"));
    repository.write("b.py", &function("first", "BUG"));
    fs_err::write(repository.path().join("latin.py"), b"# caf\xe9\n").unwrap();
    scanned(&plan(repository.path())).0
}

fn texts<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap()
}

/// Checks what the standard and the hosts ask of every result, and says how many there are.
fn checked(log: &Value) -> usize {
    assert_eq!(texts(log, "/version"), "2.1.0");
    assert!(texts(log, "/$schema").ends_with("sarif-schema-2.1.0.json"));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for pointer in [
            "/shortDescription/text",
            "/fullDescription/text",
            "/help/text",
        ] {
            let text = texts(rule, pointer);
            assert!(!text.is_empty() && text.len() <= 1024 || pointer.starts_with("/help"));
        }
        assert!(texts(rule, "/name").chars().all(char::is_alphanumeric));
        assert!(texts(rule, "/name").len() <= 255 && texts(rule, "/id").len() <= 255);
        let precision = texts(rule, "/properties/precision");
        assert!(["very-high", "high", "medium", "low"].contains(&precision));
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
    }
    let results = run["results"].as_array().unwrap();
    assert!(results.len() <= MOST_RESULTS);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&texts(result, "/level")));
        assert!(!texts(result, "/message/text").is_empty());
        let places = result["locations"].as_array().unwrap().iter();
        let others = result.get("relatedLocations").and_then(Value::as_array);
        assert!(others.is_none_or(|others| others.len() <= 100));
        for place in places.chain(others.into_iter().flatten()) {
            let place = &place["physicalLocation"];
            let uri = texts(place, "/artifactLocation/uri");
            assert!(uri.is_ascii() && !uri.contains(' ') && !uri.starts_with('/'));
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        }
        let prints = result["partialFingerprints"].as_object().unwrap();
        assert_eq!(prints[FINGERPRINT], prints["primaryLocationLineHash"]);
    }
    results.len()
}

#[test]
fn results_rules_and_places_are_as_the_standard_asks() {
    let report = report();
    let log = sarif(&report);
    assert_eq!(checked(&log), 3);
    let uris: Vec<&str> = log["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| texts(result, "/locations/0/physicalLocation/artifactLocation/uri"))
        .collect();
    assert_eq!(uris, ["b.py", "b.py", "sub%20dir/a%20%C3%BC.py"]);
    let told = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert!(told.to_string().contains("latin.py: not UTF-8"), "{told}");
    // Two findings that are alike in all have numbers of their own.
    let prints: std::collections::BTreeSet<String> = log["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["partialFingerprints"].to_string())
        .collect();
    assert_eq!(prints.len(), 3);
}

#[test]
fn more_than_hosts_accept_is_left_out_from_the_least_sure_on_and_told() {
    let mut report = report();
    let one = report.findings[0].clone();
    report.findings = (0..26_000)
        .map(|at| {
            let mut finding = one.clone();
            finding.confidence = 0.5 + at as f32 / 100_000.0;
            finding.place.line = at + 1;
            finding
        })
        .collect();
    let log = sarif(&report);
    assert_eq!(checked(&log), MOST_RESULTS);
    let told = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("1000 findings are left out"), "{told}");
    let first = &log["runs"][0]["results"][0]["locations"][0];
    assert_eq!(first["physicalLocation"]["region"]["startLine"], 1_001);
}
