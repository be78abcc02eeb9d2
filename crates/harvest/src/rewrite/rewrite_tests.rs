//! Each rule on a function where it fits and on one where it must not, and all of them on many.

use proptest::prelude::*;

use super::samples::SAMPLES;
use super::*;
use crate::draw::Seed;

/// The text after one rule was followed at every place where it fits.
fn by_rule(language: Language, member: bool, code: &str, rule: &str) -> Vec<String> {
    let form = Form::of(language, member, code);
    let parsed = form
        .parsed()
        .unwrap_or_else(|| panic!("{language}: {code}"));
    let all = changes(&parsed, &mut Draws::from(1));
    let fitting = all.iter().filter(|change| change.rule == rule);
    fitting
        .map(|change| {
            let edited = form.edited(&change.edits).unwrap();
            assert!(
                edited.parsed().is_some(),
                "{language} {rule}: {}",
                edited.inner()
            );
            edited.inner().to_owned()
        })
        .collect()
}

fn assert_rewritten(language: Language, rule: &str, code: &str, expected: &str) {
    let found = by_rule(language, true, code, rule);
    assert_eq!(found, [expected], "{language} {rule}");
}

fn assert_left(language: Language, rule: &str, code: &str) {
    let found = by_rule(language, true, code, rule);
    assert!(found.is_empty(), "{language} {rule}: {found:?}");
}

#[test]
fn branches_change_over_under_a_negation() {
    let rule = "negated_branches";
    assert_rewritten(
        Language::Python,
        rule,
        "def f(x):\n    if x > 1:\n        a()\n    else:\n        b()\n",
        "def f(x):\n    if not (x > 1):\n        b()\n    else:\n        a()\n",
    );
    assert_rewritten(
        Language::Java,
        rule,
        "void f() { if (x) { a(); } else { b(); } }",
        "void f() { if (!(x)) { b(); } else { a(); } }",
    );
    assert_rewritten(
        Language::CSharp,
        rule,
        "void F() { if (x) { a(); } else { b(); } }",
        "void F() { if (!(x)) { b(); } else { a(); } }",
    );
    assert_rewritten(
        Language::Rust,
        rule,
        "fn f() -> u8 { if x { 1 } else { 2 } }",
        "fn f() -> u8 { if !(x) { 2 } else { 1 } }",
    );
    assert_rewritten(
        Language::Go,
        rule,
        "func f() {\n\tif x {\n\t\ta()\n\t} else {\n\t\tb()\n\t}\n}",
        "func f() {\n\tif !(x) {\n\t\tb()\n\t} else {\n\t\ta()\n\t}\n}",
    );
    assert_rewritten(
        Language::C,
        rule,
        "void f(void) { if (x) { a(); } else { b(); } }",
        "void f(void) { if (!(x)) { b(); } else { a(); } }",
    );
    assert_rewritten(
        Language::Cpp,
        rule,
        "void f() { if (x) { a(); } else { b(); } }",
        "void f() { if (!(x)) { b(); } else { a(); } }",
    );
    assert_rewritten(
        Language::TypeScript,
        rule,
        "f() { if (x) { a(); } else { b(); } }",
        "f() { if (!(x)) { b(); } else { a(); } }",
    );
    // What the condition declares, or a further condition, stays where it is.
    assert_left(
        Language::Rust,
        rule,
        "fn f() -> u8 { if let Some(x) = y { x } else { 2 } }",
    );
    assert_left(
        Language::Go,
        rule,
        "func f() {\n\tif x := y(); x {\n\t\ta()\n\t} else {\n\t\tb()\n\t}\n}",
    );
    assert_left(
        Language::Cpp,
        rule,
        "void f() { if (int x = y()) { a(); } else { b(x); } }",
    );
    assert_left(
        Language::Java,
        rule,
        "void f() { if (y instanceof A x) { a(); } else { b(); } }",
    );
    assert_left(
        Language::Python,
        rule,
        "def f(x):\n    if x:\n        a()\n    elif y:\n        b()\n    else:\n        c()\n",
    );
}

#[test]
fn loops_go_on_just_as_long() {
    let rule = "for_as_while";
    assert_rewritten(
        Language::Java,
        rule,
        "void f() { for (int i = 0; i < n; i++) { a(i); } }",
        "void f() { { int i = 0; while (i < n) { { a(i); } i++; } } }",
    );
    assert_rewritten(
        Language::C,
        rule,
        "void f(void) { for (i = 0; i < n; i++) { a(i); } }",
        "void f(void) { { i = 0; while (i < n) { { a(i); } i++; } } }",
    );
    assert_rewritten(
        Language::JavaScript,
        rule,
        "f() { for (let i = 0; i < n; i++) { a(i); } }",
        "f() { { let i = 0; while (i < n) { { a(i); } i++; } } }",
    );
    assert_rewritten(
        Language::CSharp,
        rule,
        "void F() { for (int i = 0; i < n; i++) { A(i); } }",
        "void F() { { int i = 0; while (i < n) { { A(i); } i++; } } }",
    );
    assert_rewritten(
        Language::Go,
        rule,
        "func f() {\n\tfor i := 0; i < n; i++ {\n\t\ta(i)\n\t}\n}",
        "func f() {\n\t{\ni := 0\nfor i < n {\n{\n\t\ta(i)\n\t}\ni++\n}\n}\n}",
    );
    for left in [
        "void f() { for (int i = 0; i < n; i++) { if (x) { continue; } a(i); } }",
        "void f() { for (int i = 0; i < n; i++) { g(() -> 1); } }",
        "void f() { a: for (int i = 0; i < n; i++) { b(); } }",
        "void f() { for (;;) { b(); } }",
        "void f() { for (int i = 0; i < n; i++) { return; } }",
    ] {
        assert_left(Language::Java, rule, left);
    }
    let rule = "endless_loop";
    assert_rewritten(
        Language::Python,
        rule,
        "def f(x):\n    while x > 1:\n        x = g(x)\n",
        "def f(x):\n    while True:\n        if not (x > 1):\n            break\n        x = g(x)\n",
    );
    assert_rewritten(
        Language::Rust,
        rule,
        "fn f() { while x { a(); } }",
        "fn f() { loop { if !(x) { break; } a(); } }",
    );
    assert_rewritten(
        Language::C,
        rule,
        "void f(void) { while (x) { a(); } }",
        "void f(void) { while (1) { if (!(x)) { break; } a(); } }",
    );
    assert_rewritten(
        Language::Go,
        rule,
        "func f() {\n\tfor x {\n\t\ta()\n\t}\n}",
        "func f() {\n\tfor {\nif !(x) {\nbreak\n}\n\n\t\ta()\n\t}\n}",
    );
    assert_left(
        Language::Python,
        rule,
        "def f(x):\n    while x:\n        a()\n    else:\n        b()\n",
    );
    assert_left(
        Language::Rust,
        rule,
        "fn f() { while let Some(x) = y { a(); } }",
    );
    assert_left(Language::Java, rule, "void f() { while (true) { a(); } }");
}

#[test]
fn conditions_say_the_same() {
    assert_rewritten(
        Language::Go,
        "de_morgan",
        "func f() {\n\tif a && b {\n\t\tc()\n\t}\n}",
        "func f() {\n\tif !(!(a) || !(b)) {\n\t\tc()\n\t}\n}",
    );
    assert_rewritten(
        Language::Python,
        "de_morgan",
        "def f():\n    if a or b:\n        c()\n",
        "def f():\n    if not (not (a) and not (b)):\n        c()\n",
    );
    assert_left(
        Language::Rust,
        "de_morgan",
        "fn f() { if let Some(a) = b && c { d(); } }",
    );
    assert_rewritten(
        Language::C,
        "turned_comparison",
        "int f(int a) { return a < 5; }",
        "int f(int a) { return 5 > a; }",
    );
    assert_rewritten(
        Language::Python,
        "turned_comparison",
        "def f(a):\n    return a.b >= 5\n",
        "def f(a):\n    return 5 <= a.b\n",
    );
    assert_left(
        Language::Python,
        "turned_comparison",
        "def f(a):\n    return 1 < a < 5\n",
    );
    assert_left(
        Language::Python,
        "turned_comparison",
        "def f(a, b):\n    return a < b\n",
    );
    assert_left(
        Language::JavaScript,
        "turned_comparison",
        "f(a, b) { return a + b < 5; }",
    );
    assert_rewritten(
        Language::Java,
        "written_step",
        "void f() { i++; }",
        "void f() { i += 1; }",
    );
    assert_left(Language::Java, "written_step", "void f() { g(i++); }");
    assert_rewritten(
        Language::Python,
        "parted_choice",
        "def f(a):\n    return 1 if a else 2\n",
        "def f(a):\n    if a:\n        return 1\n    return 2\n",
    );
    assert_left(
        Language::Java,
        "parted_choice",
        "Object f() {\n  return a ? 1 : 2.0;\n}",
    );
}

#[test]
fn only_declarations_that_do_not_know_of_each_other_change_places() {
    let rule = "other_order";
    assert_rewritten(
        Language::Python,
        rule,
        "def f():\n    a = 1\n    b = [2, 3]\n    return a, b\n",
        "def f():\n    b = [2, 3]\n    a = 1\n    return a, b\n",
    );
    assert_rewritten(
        Language::Java,
        rule,
        "void f() {\n  int a = 1;\n  String b = \"x\";\n}",
        "void f() {\n  String b = \"x\";\n  int a = 1;\n}",
    );
    assert_rewritten(
        Language::Go,
        rule,
        "func f(x int) {\n\ta := x + 1\n\tb := 2\n\tg(a, b)\n}",
        "func f(x int) {\n\tb := 2\n\ta := x + 1\n\tg(a, b)\n}",
    );
    assert_rewritten(
        Language::Rust,
        rule,
        "fn f() {\n    let a = 1;\n    let b = 2;\n}",
        "fn f() {\n    let b = 2;\n    let a = 1;\n}",
    );
    assert_left(
        Language::Python,
        rule,
        "def f():\n    a = 1\n    b = a\n    return b\n",
    );
    assert_left(
        Language::Python,
        rule,
        "def f():\n    a = 1\n    b = g()\n    return b\n",
    );
    assert_left(
        Language::Python,
        rule,
        "def f():\n    a = 1\n    a = 2\n    return a\n",
    );
    assert_left(
        Language::Rust,
        rule,
        "fn f(x: X) {\n    let a = x;\n    let b = 2;\n}",
    );
    assert_left(
        Language::Cpp,
        rule,
        "void f() {\n  Guard a = 1;\n  Guard b = 2;\n}",
    );
}

#[test]
fn dead_code_stands_behind_what_must_come_first() {
    for number in 0..40 {
        let java = "A(int x) {\n  super(x);\n  this.x = x;\n}";
        if let Some(rewritten) = rewrite(Language::Java, true, java, Draws::from(number)) {
            let first = rewritten.code.lines().nth(1).unwrap_or("");
            assert!(
                first.trim_start().starts_with("super("),
                "{}",
                rewritten.code
            );
        }
        let js = "function f() {\n  'use strict';\n  return g();\n}";
        if let Some(rewritten) = rewrite(Language::JavaScript, false, js, Draws::from(number)) {
            assert_eq!(
                rewritten.code.lines().nth(1),
                Some("  'use strict';"),
                "{}",
                rewritten.code
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_rewrite_of_a_sample_parses_differs_and_is_the_same_again(
        (language, member, code) in prop::sample::select(SAMPLES), seed in any::<u64>(),
    ) {
        let once = rewrite(language, member, code, Draws::from(seed)).unwrap();
        prop_assert!(once.code != code && !once.rules.is_empty());
        let form = Form::of(language, member, &once.code);
        prop_assert!(form.parsed().is_some(), "{}", once.code);
        prop_assert_eq!(&once, &rewrite(language, member, code, Draws::from(seed)).unwrap());
        // A rewrite can be rewritten, for it is a function as any other.
        if let Some(twice) = rewrite(language, member, &once.code, Draws::from(Seed(seed).of("again", ""))) {
            prop_assert!(Form::of(language, member, &twice.code).parsed().is_some(), "{}", twice.code);
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        language in prop::sample::select(&crate::plan::LANGUAGES[..]), seed in any::<u64>(),
        text in "(if|else|for|while|def f|fn f|int f|return|x|y|=|\\(|\\)|\\{|\\}|:|;|\n    |\n| |<|&&|1|\"|\\?){0,60}",
    ) {
        for member in [false, true] {
            if let Some(found) = rewrite(language, member, &text, Draws::from(seed)) {
                prop_assert!(Form::of(language, member, &found.code).parsed().is_some());
            }
        }
    }
}
