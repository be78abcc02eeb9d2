//! Each kind of mistake, where it fits and where a compiler would see it, and all of them on many.

use proptest::prelude::*;

use super::*;
use crate::rewrite::samples::SAMPLES;

fn by_kind(language: Language, code: &str, kind: &str) -> Vec<String> {
    let form = Form::of(language, true, code);
    let parsed = form
        .parsed()
        .unwrap_or_else(|| panic!("{language}: {code}"));
    let all = changes(&parsed);
    let fitting = all.iter().filter(|change| change.rule == kind);
    fitting
        .map(|change| {
            let edited = form.edited(&change.edits).unwrap();
            assert!(
                edited.parsed().is_some(),
                "{language} {kind}: {}",
                edited.inner()
            );
            edited.inner().to_owned()
        })
        .collect()
}

fn assert_mutated(language: Language, kind: &str, code: &str, expected: &[&str]) {
    assert_eq!(by_kind(language, code, kind), expected, "{language} {kind}");
}

#[test]
fn operators_and_borders_go_wrong() {
    assert_mutated(
        Language::C,
        "wrong_operator",
        "int f(int a, int b) { return a - b; }",
        &["int f(int a, int b) { return a + b; }"],
    );
    assert_mutated(
        Language::Python,
        "wrong_operator",
        "def f(a, b):\n    return a and b",
        &["def f(a, b):\n    return a or b"],
    );
    // A sum may be of texts, which have no difference.
    assert_mutated(
        Language::Java,
        "wrong_operator",
        "String f(String a, String b) { return a + b; }",
        &[],
    );
    assert_mutated(
        Language::Go,
        "off_by_one",
        "func f(a []int) bool {\n\treturn a[0] < g\n}",
        &[
            "func f(a []int) bool {\n\treturn a[0] <= g\n}",
            "func f(a []int) bool {\n\treturn a[1] < g\n}",
        ],
    );
    assert_mutated(
        Language::C,
        "off_by_one",
        "int f(int a) { return a / 1; }",
        &[],
    );
}

#[test]
fn checks_and_the_handling_of_failures_go_missing() {
    assert_mutated(
        Language::Java,
        "dropped_check",
        "int f(A a) {\n  if (a == null) {\n    return 0;\n  }\n  return a.b;\n}",
        &["int f(A a) {\n  return a.b;\n}"],
    );
    assert_mutated(
        Language::C,
        "lost_error_handling",
        "int f(void) {\n  int rc = g();\n  if (rc < 0)\n    goto out;\n  h();\nout:\n  return rc;\n}",
        &["int f(void) {\n  int rc = g();\n  h();\nout:\n  return rc;\n}"],
    );
    assert_mutated(
        Language::Python,
        "lost_error_handling",
        "def f():\n    try:\n        g()\n    except ValueError as e:\n        log(e)\n        raise",
        &["def f():\n    try:\n        g()\n    except ValueError as e:\n        pass"],
    );
    assert_mutated(
        Language::Rust,
        "dropped_check",
        "fn f(a: u8) -> u8 {\n    if a == 0 {\n        return 1;\n    }\n    2 / a\n}",
        &["fn f(a: u8) -> u8 {\n    2 / a\n}"],
    );
    // Go refuses a name that nobody reads, TypeScript a value that may not be there.
    assert_mutated(
        Language::Go,
        "lost_error_handling",
        "func f() error {\n\terr := g()\n\tif err != nil {\n\t\treturn err\n\t}\n\treturn nil\n}",
        &[],
    );
    assert_mutated(
        Language::TypeScript,
        "dropped_check",
        "f(a?: string): number {\n  if (!a) {\n    return 0;\n  }\n  return a.length;\n}",
        &[],
    );
    // Behind a handler that leaves, a value would be missing.
    assert_mutated(
        Language::Java,
        "lost_error_handling",
        "int f() { try { return g(); } catch (E e) { return 0; } }",
        &[],
    );
}

#[test]
fn names_are_exchanged_only_for_names_of_the_same_type() {
    assert_mutated(
        Language::Java,
        "swapped_arguments",
        "void f(int a, int b, String c) { g(a, b); h(a, c); }",
        &["void f(int a, int b, String c) { g(b, a); h(a, c); }"],
    );
    assert_mutated(
        Language::JavaScript,
        "swapped_arguments",
        "f(a, b) { g(a, b); }",
        &["f(a, b) { g(b, a); }"],
    );
    assert_mutated(
        Language::C,
        "swapped_arguments",
        "void f(char *a, char b) { g(a, b); }",
        &[],
    );
    assert_mutated(
        Language::C,
        "wrong_variable",
        "int f(int a, int b, char *c) { return a; }",
        &["int f(int a, int b, char *c) { return b; }"],
    );
    assert_mutated(
        Language::Rust,
        "wrong_variable",
        "fn f(a: String, b: String) -> String { a }",
        &[],
    );
    assert_mutated(
        Language::Rust,
        "wrong_variable",
        "fn f(a: u8, b: u8) -> u8 { a }",
        &["fn f(a: u8, b: u8) -> u8 { b }"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_mutation_of_a_sample_parses_differs_and_is_the_same_again(
        (language, member, code) in prop::sample::select(SAMPLES), seed in any::<u64>(),
    ) {
        let once = mutate(language, member, code, Draws::from(seed)).unwrap();
        prop_assert!(once.code != code && KINDS.contains(&once.kind));
        prop_assert!(Form::of(language, member, &once.code).parsed().is_some(), "{}", once.code);
        prop_assert_eq!(once, mutate(language, member, code, Draws::from(seed)).unwrap());
    }
}

#[test]
fn all_kinds_of_mistakes_are_made() {
    let mut seen = std::collections::BTreeSet::new();
    for (language, member, code) in SAMPLES {
        for seed in 0..60 {
            seen.extend(
                mutate(*language, *member, code, Draws::from(seed)).map(|found| found.kind),
            );
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>().len(), KINDS.len());
}
