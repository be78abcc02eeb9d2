//! Texts that nobody wrote: every one ends within the limits, in an outcome that is the same again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use skillbelt_code::complexity::Complexity;
use skillbelt_code::parse::{Limits, Refusal, parse, parse_within};
use skillbelt_code::subtrees::{Shapes, View};
use skillbelt_code::{Language, dataflow};

/// All that can be asked of a text.
fn told(language: Language, text: &str) -> Option<(Complexity, usize, usize)> {
    let program = parse(language, text).ok()?;
    let mut shapes = Shapes::default();
    let subtrees =
        shapes.of(&program, View::Printed).len() + shapes.of(&program, View::Frame).len();
    let edges = dataflow::edges(&program).len();
    Some((Complexity::of(&program), subtrees, edges))
}

#[test]
fn a_hundred_thousand_brackets_in_each_other_are_parsed_and_walked() {
    let kinds = [("(", ")"), ("[", "]"), ("{", "}")];
    for (at, language) in Language::ALL.into_iter().enumerate() {
        let (open, close) = kinds[at % kinds.len()];
        let text = format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
        told(language, &text);
        told(language, &open.repeat(100_000));
    }
}

#[test]
fn deep_structures_are_walked_without_depth_in_memory() {
    let ifs = format!(
        "void f() {{ {} x = 1; {} }}",
        "if (x) {".repeat(5_000),
        "}".repeat(5_000)
    );
    let found = told(Language::Java, &ifs).unwrap().0;
    assert_eq!((found.cyclomatic, found.nesting), (5_001, 5_000));
    let loops = format!(
        "void f() {{ {} x = x + 1; {} }}",
        "while (x) {".repeat(5_000),
        "}".repeat(5_000)
    );
    assert_eq!(told(Language::C, &loops).unwrap().0.nesting, 5_000);
    told(
        Language::Python,
        &format!("x = {}1", "not ".repeat(100_000)),
    );
}

#[test]
fn comments_that_a_grammar_reads_again_for_each_of_them_end_within_the_limits() {
    let text = |lines: usize| format!("def f():\n    x()\n{}", "# and so on\n".repeat(lines));
    let refused = parse(Language::Python, &text(60_000)).unwrap_err();
    assert!(matches!(refused, Refusal::Rereading { .. }), "{refused}");
    // Control: a long licence is read as it stands.
    let licence = text(1_500);
    let program = parse(Language::Python, &licence).unwrap();
    let comments = (0..program.nodes().len()).filter(|at| program.is_comment(*at));
    assert_eq!(comments.count(), 1_500);
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_one_within_the_limit_is_parsed() {
    let long = "a".repeat(10 << 20);
    for language in Language::ALL {
        let refused = parse(language, &long).unwrap_err();
        assert!(matches!(refused, Refusal::Bytes { .. }), "{refused}");
    }
    let wide = format!("x = [{}]", "1, ".repeat(200_000));
    assert_eq!(told(Language::Python, &wide).unwrap().0.lines, 1);
}

#[test]
fn a_text_that_takes_too_many_steps_is_refused_the_same_way_each_time() {
    let limits = Limits {
        steps: 1,
        ..Limits::USUAL
    };
    let text = "int x = (1 + 2) * 3;\n".repeat(2_000);
    let once = parse_within(Language::Java, &text, limits).unwrap_err();
    assert!(matches!(once, Refusal::Steps { .. }), "{once}");
    assert_eq!(
        parse_within(Language::Java, &text, limits).unwrap_err(),
        once
    );
    let nodes = Limits {
        nodes: 100,
        ..Limits::USUAL
    };
    let refused = parse_within(Language::Java, &text, nodes).unwrap_err();
    assert!(matches!(refused, Refusal::Nodes { .. }), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_has_the_same_numbers_twice(
        language in prop::sample::select(&Language::ALL[..]),
        text in prop_oneof!["\\PC{0,200}", any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            "(if|else|for|while|def|end|fn|x|y|=|\\(|\\)|\\{|\\}|:|;|\n| |\"|'|&&|\\?|->|1){0,80}"],
    ) {
        let once = told(language, &text);
        prop_assert!(once.is_some());
        prop_assert_eq!(once, told(language, &text));
    }
}
