//! Shares and means counted by hand; prints of linters as they were captured; linters themselves
//! where they are installed.

use super::output::{self, Finding};
use super::*;

fn finding(file: &str, rule: Option<&str>) -> Finding {
    Finding {
        file: file.to_owned(),
        rule: rule.map(str::to_owned),
    }
}

#[test]
fn texts_that_do_not_parse_lower_the_share_and_nothing_else() {
    let good = "def f(a):\n    if a:\n        return 1\n    return 2\n";
    let texts = [good, "def f(:\n  if if", "", good];
    let found = quality(Language::Python, &texts, &Linters::none());
    assert_eq!((found.texts, found.parsed, found.lines), (4, 2, 8));
    assert_eq!(found.parsed_share, Some(0.5));
    let per_text = found.per_text.unwrap();
    assert_eq!(
        (per_text.cyclomatic, per_text.cognitive, per_text.lines),
        (2.0, 1.0, 4.0)
    );
    assert_eq!(found.per_line.unwrap().cyclomatic, 0.5);
    assert_eq!(found.lints.len(), 2);
    for lint in &found.lints {
        assert!(lint.unavailable.is_some() && lint.findings.is_none() && lint.per_line.is_none());
    }
    let none = quality(Language::Python, &["def ("], &Linters::none());
    assert_eq!((none.parsed_share, none.per_text), (Some(0.0), None));
    assert_eq!(
        quality(Language::Java, &[], &Linters::none()).parsed_share,
        None
    );
}

#[test]
fn what_ruff_and_pylint_print_is_read() {
    let said = r#"[{"cell":null,"code":"F401","filename":"/x/t0.py","location":{"column":8,"row":1},
        "message":"`os` imported but unused","url":"u"},
        {"code":null,"filename":"/x/t1.py","message":"SyntaxError: Expected an expression"},
        {"code":"invalid-syntax","filename":"/x/t1.py","message":"Expected ')'"}]"#;
    let expected = vec![
        finding("/x/t0.py", Some("F401")),
        finding("/x/t1.py", None),
        finding("/x/t1.py", None),
    ];
    assert_eq!(output::ruff(said), Ok(expected));
    let said = r#"[{"type":"convention","module":"t0","obj":"","line":1,"column":0,"path":"t0.py",
        "symbol":"missing-module-docstring","message":"m","message-id":"C0114"},
        {"type":"error","path":"t1.py","symbol":"syntax-error","message-id":"E0001"}]"#;
    let expected = vec![
        finding("t0.py", Some("C0114 missing-module-docstring")),
        finding("t1.py", None),
    ];
    assert_eq!(output::pylint(said), Ok(expected));
    for said in ["{}", "[{}]", "nothing", "[1]"] {
        assert!(
            output::ruff(said).is_err() && output::pylint(said).is_err(),
            "{said}"
        );
    }
}

#[test]
fn what_pmd_and_clippy_print_is_read() {
    let said = r#"{"formatVersion":0,"pmdVersion":"7.7.0","files":[{"filename":"T0.java",
        "violations":[{"beginline":1,"rule":"UnnecessaryReturn","ruleset":"Code Style","priority":3}]}],
        "suppressedViolations":[],"processingErrors":[{"filename":"T1.java","message":"m"}]}"#;
    let expected = vec![
        finding("T0.java", Some("UnnecessaryReturn")),
        finding("T1.java", None),
    ];
    assert_eq!(output::pmd(said), Ok(expected));
    assert!(output::pmd("{}").is_err());
    let said = concat!(
        r#"{"reason":"compiler-message","target":{"name":"t0"},"message":{"code":{"code":"clippy::needless_return"},"level":"warning"}}"#,
        "\n",
        r#"{"reason":"compiler-message","target":{"name":"t0"},"message":{"code":{"code":"dead_code"},"level":"warning"}}"#,
        "\n",
        r#"{"reason":"compiler-message","target":{"name":"t1"},"message":{"code":{"code":"E0425"},"level":"error"}}"#,
        "\n",
        r#"{"reason":"build-finished","success":false}"#,
    );
    let expected = vec![
        finding("t0", Some("clippy::needless_return")),
        finding("t1", None),
    ];
    assert_eq!(output::clippy(said), Ok(expected));
}

/// `SKILLBELT_LINTERS=FOLDER[:FOLDER]` has pylint, ruff and cargo-clippy in it; the check is
/// described in `docs/code-metrics.md`.
#[test]
#[ignore = "needs linters that are not part of the build"]
fn installed_linters_find_what_is_there_to_be_found() {
    let folders = std::env::var_os("SKILLBELT_LINTERS").unwrap();
    let linters = Linters::within(std::env::split_paths(&folders));
    let python = quality(Language::Python, &["import os\nx = 1\n"], &linters);
    for lint in &python.lints {
        assert_eq!(lint.unavailable, None, "{lint:?}");
        let rule = if lint.linter == "ruff" {
            "F401"
        } else {
            "W0611 unused-import"
        };
        assert_eq!(lint.by_rule.get(rule), Some(&1), "{lint:?}");
        assert!(lint.version.is_some() && lint.unchecked == Some(0));
    }
    let texts = [
        "pub fn f(a: u32) -> u32 { return a + 1; }",
        "pub fn g() { h(); }",
    ];
    let rust = quality(Language::Rust, &texts, &linters);
    assert_eq!(rust.lints[0].unavailable, None, "{rust:?}");
    assert_eq!(
        rust.lints[0].by_rule.get("clippy::needless_return"),
        Some(&1),
        "{rust:?}"
    );
    assert_eq!(rust.lints[0].unchecked, Some(1));
}

#[test]
fn a_linter_that_fails_is_said_and_is_no_error_of_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("ruff"), "no program").unwrap();
    let linters = Linters::within([folder.path().to_owned()]);
    let found = quality(Language::Python, &["x = 1\n"], &linters);
    let ruff = found
        .lints
        .iter()
        .find(|lint| lint.linter == "ruff")
        .unwrap();
    assert!(
        ruff.unavailable
            .as_ref()
            .unwrap()
            .contains("could not be run"),
        "{ruff:?}"
    );
    assert_eq!((found.parsed, ruff.findings), (1, None));
}
