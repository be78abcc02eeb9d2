//! Edges named by hand, the same program in every language, and branches and loops.

use super::*;
use crate::{Language, parse};

/// Edges as `name@line <- name@line`, `=` for the same value and `*` for a computed one.
fn told(language: Language, text: &str) -> Vec<String> {
    let program = parse(language, text).unwrap();
    assert!(program.whole(), "{language}: {text}");
    let place = |at: At| format!("{}@{}", program.text_of(at), program.nodes()[at].from.0);
    let edge = |edge: Edge| {
        let how = if edge.how == How::Same { '=' } else { '*' };
        format!("{} {how} {}", place(edge.to), place(edge.from))
    };
    edges(&program).into_iter().map(edge).collect()
}

#[test]
fn a_definition_has_its_value_from_the_variables_of_what_is_assigned() {
    let text = "def f(a, b):\n x = a + b\n x = x * 2\n return x\n";
    let expected = [
        "x@1 * a@1",
        "x@1 * b@1",
        "a@1 = a@0",
        "b@1 = b@0",
        "x@2 * x@2",
        "x@2 = x@1",
        "x@3 = x@2",
    ];
    assert_eq!(told(Language::Python, text), expected);
}

#[test]
fn after_a_branch_every_side_may_have_been_taken() {
    let text = "int f(int a) {\nint x = 1;\nif (a)\nx = 2;\nelse\nx = 3;\nreturn x; }";
    for language in [Language::C, Language::Cpp, Language::CSharp, Language::Java] {
        let edges = told(language, text);
        assert_eq!(edges, ["a@2 = a@0", "x@6 = x@3", "x@6 = x@5"], "{language}");
    }
    let without = "int f(int a) {\nint x = 1;\nif (a)\nx = 2;\nreturn x; }";
    assert_eq!(
        told(Language::Java, without),
        ["a@2 = a@0", "x@4 = x@1", "x@4 = x@3"]
    );
}

#[test]
fn a_round_of_a_loop_sees_what_the_round_before_left() {
    let texts = [
        (
            Language::C,
            "int f(int n) {\nint x = n;\nwhile (x)\nx = x - n;\nreturn x; }",
        ),
        (
            Language::Java,
            "int f(int n) {\nint x = n;\nwhile (x)\nx = x - n;\nreturn x; }",
        ),
        (
            Language::CSharp,
            "int f(int n) {\nint x = n;\nwhile (x)\nx = x - n;\nreturn x; }",
        ),
        (
            Language::JavaScript,
            "function f(n) {\nlet x = n;\nwhile (x)\nx = x - n;\nreturn x; }",
        ),
        (
            Language::TypeScript,
            "function f(n: T) {\nlet x = n;\nwhile (x)\nx = x - n;\nreturn x; }",
        ),
        (
            Language::Go,
            "func f(n int) int {\nx := n\nfor x {\nx = x - n }\nreturn x }",
        ),
        (
            Language::Python,
            "def f(n):\n x = n\n while x:\n  x = x - n\n return x\n",
        ),
        (
            Language::Ruby,
            "def f(n)\n x = n\n while x\n x = x - n\n end;\n x\n end",
        ),
        (
            Language::Rust,
            "fn f(n: T) {\nlet mut x = n;\nwhile x {\nx = x - n; }\nx; }",
        ),
    ];
    let expected = [
        "x@1 * n@1",
        "n@1 = n@0",
        "x@2 = x@1",
        "x@2 = x@3",
        "x@3 * x@3",
        "x@3 * n@3",
        "x@3 = x@1",
        "x@3 = x@3",
        "n@3 = n@0",
        "x@4 = x@1",
        "x@4 = x@3",
    ];
    for (language, text) in texts {
        let text = text.replace("end;\n", "end; ");
        assert_eq!(told(language, &text), expected, "{language}");
    }
}

#[test]
fn names_alike_and_values_swapped_side_by_side() {
    let found = told(Language::Python, "a = 1\nb = 2\na, b = b, a\nprint(a)\n");
    let expected = [
        "a@2 * b@2",
        "b@2 * a@2",
        "b@2 = b@1",
        "a@2 = a@0",
        "a@3 = a@2",
    ];
    assert_eq!(found, expected);
    let one = parse(Language::Go, "func f(a int) int { b := a; return b }").unwrap();
    let other = parse(Language::Go, "func g(x int) int { y := x; return y }").unwrap();
    let wrong = parse(Language::Go, "func g(x int) int { y := x; return x }").unwrap();
    assert_eq!(items(&one), items(&other));
    assert_ne!(items(&one), items(&wrong));
    assert!(!items(&one).is_empty());
}

#[test]
fn a_loop_through_values_gives_them_to_its_variable() {
    let texts = [
        (
            Language::Java,
            "void f(int[] v) {\nfor (int x : v)\ng(x); }",
        ),
        (
            Language::CSharp,
            "void f(int[] v) {\nforeach (int x in v)\ng(x); }",
        ),
        (Language::Cpp, "void f(int v) {\nfor (int x : v)\ng(x); }"),
        (
            Language::JavaScript,
            "function f(v) {\nfor (const x of v)\ng(x); }",
        ),
        (
            Language::Go,
            "func f(v []int) {\nfor x := range v {\ng(x) } }",
        ),
        (Language::Python, "def f(v):\n for x in v:\n  g(x)\n"),
        (Language::Ruby, "def f(v)\nfor x in v do\ng(x) end end"),
        (Language::Rust, "fn f(v: T) {\nfor x in v {\ng(x); } }"),
    ];
    for (language, text) in texts {
        let mut found = told(language, text);
        found.sort();
        assert_eq!(found, ["v@1 = v@0", "x@1 * v@1", "x@2 = x@1"], "{language}");
    }
    let php = told(
        Language::Php,
        "function f($v) {\nforeach ($v as $x)\ng($x); }",
    );
    assert_eq!(php, ["$v@1 = $v@0", "$x@1 * $v@1", "$x@2 = $x@1"]);
}

#[test]
fn what_a_function_defines_stays_in_it() {
    let text = "x = 1\ndef f():\n y = x\n x = 2\nprint(x, y)\n";
    let expected = ["y@2 * x@2", "x@2 = x@0", "x@4 = x@0"];
    assert_eq!(told(Language::Python, text), expected);
}
