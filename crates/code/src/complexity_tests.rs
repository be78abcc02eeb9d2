//! Numbers counted by hand from the definitions, and texts that would break a walk by recursion.

use super::*;
use crate::{Language, parse};

fn of(language: Language, text: &str) -> Complexity {
    let program = parse(language, text).unwrap();
    assert!(program.whole(), "{language}: {text}");
    Complexity::of(&program)
}

/// Cyclomatic, cognitive, nesting.
fn three(language: Language, text: &str) -> (usize, usize, usize) {
    let found = of(language, text);
    (found.cyclomatic, found.cognitive, found.nesting)
}

/// The examples of the paper on cognitive complexity.
#[test]
fn the_papers_own_examples_have_the_papers_numbers() {
    let primes = "int sumOfPrimes(int max) { int total = 0; OUT: for (int i = 1; i <= max; ++i) {
        for (int j = 2; j < i; ++j) { if (i % j == 0) { continue OUT; } } total += i; }
        return total; }";
    assert_eq!(three(Language::Java, primes), (4, 7, 3));
    let words = "String getWords(int number) { switch (number) { case 1: return \"one\";
        case 2: return \"a couple\"; case 3: return \"a few\"; default: return \"lots\"; } }";
    assert_eq!(three(Language::Java, words), (4, 1, 1));
    let nested = "void myMethod() { try { if (condition1) { for (int i = 0; i < 10; i++) {
        while (condition2) { } } } } catch (Exception e) { if (condition2) { } } }";
    assert_eq!(of(Language::Java, nested).cognitive, 9);
    let lambda = "void myMethod2() { Runnable r = () -> { if (condition1) { } }; }";
    assert_eq!(of(Language::Java, lambda).cognitive, 2);
    let runs = "void f() { if (a && b && c || d || e && f) { } if (a && !(b && c)) { } }";
    assert_eq!(of(Language::Java, runs).cognitive, 4 + 3);
}

/// The same program in every language: a loop, in it `if a and b`, `else if`, `else`.
#[test]
fn one_program_has_the_same_numbers_in_every_language() {
    let texts = [
        (
            Language::C,
            "void f(int a, int b) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::Cpp,
            "void f(int a, int b) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::CSharp,
            "void f(int a, int b) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::Java,
            "void f(int a, int b) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::JavaScript,
            "function f(a, b) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::TypeScript,
            "function f(a: T, b: T) { while (a) { if (a && b) { g(); } else if (b) { h(); } else { k(); } } }",
        ),
        (
            Language::Go,
            "func f(a, b bool) { for a { if a && b { g() } else if b { h() } else { k() } } }",
        ),
        (
            Language::Php,
            "function f($a, $b) { while ($a) { if ($a && $b) { g(); } elseif ($b) { h(); } else { k(); } } }",
        ),
        (
            Language::Php,
            "function f($a, $b) { while ($a) { if ($a && $b) { g(); } else if ($b) { h(); } else { k(); } } }",
        ),
        (
            Language::Python,
            "def f(a, b):\n while a:\n  if a and b:\n   g()\n  elif b:\n   h()\n  else:\n   k()\n",
        ),
        (
            Language::Ruby,
            "def f(a, b)\n while a\n  if a && b\n   g\n  elsif b\n   h\n  else\n   k\n  end\n end\nend",
        ),
        (
            Language::Rust,
            "fn f(a: bool, b: bool) { while a { if a && b { g(); } else if b { h(); } else { k(); } } }",
        ),
    ];
    // 1 + while + if + and + else if; while 1, if 2, else if 1, else 1, and 1.
    for (language, text) in texts {
        assert_eq!(three(language, text), (5, 6, 2), "{language}: {text}");
        assert_eq!(of(language, text).functions, 1, "{language}");
    }
}

#[test]
fn what_stands_in_an_else_is_as_deep_as_what_stands_in_its_if() {
    let texts = [
        (
            Language::C,
            "void f() { if (a) { if (b) { } } else { if (c) { } x(); } }",
        ),
        (
            Language::Java,
            "void f() { if (a) { if (b) { } } else { if (c) { } x(); } }",
        ),
        (
            Language::Go,
            "func f() { if a { if b { } } else { if c { }; x() } }",
        ),
        (
            Language::Php,
            "function f() { if ($a) { if ($b) { } } elseif ($d) { if ($c) { } x(); } }",
        ),
        (
            Language::Python,
            "def f():\n if a:\n  if b: pass\n elif d:\n  if c: pass\n",
        ),
        (
            Language::Ruby,
            "def f\n if a\n  if b then 1 end\n else\n  if c then 2 end\n  x\n end\nend",
        ),
        (
            Language::Rust,
            "fn f() { if a { if b { } } else { if c { } x(); } }",
        ),
    ];
    // if 1, inner if 2, else 1, inner if 2.
    for (language, text) in texts {
        let found = of(language, text);
        assert_eq!(
            (found.cognitive, found.nesting),
            (6, 2),
            "{language}: {text}"
        );
    }
}

#[test]
fn cases_but_the_default_are_ways_and_a_switch_is_one_strain() {
    let texts = [
        (
            Language::C,
            "void f() { switch (a) { case 1: g(); case 2: h(); default: k(); } }",
        ),
        (
            Language::CSharp,
            "void f() { switch (a) { case 1: break; case 2: break; default: break; } }",
        ),
        (
            Language::CSharp,
            "void f() { var x = a switch { 1 => 2, 2 => 3, _ => 4 }; }",
        ),
        (
            Language::Java,
            "void f() { int x = switch (a) { case 1 -> 2; case 2 -> 3; default -> 4; }; }",
        ),
        (
            Language::JavaScript,
            "function f() { switch (a) { case 1: g(); case 2: h(); default: k(); } }",
        ),
        (
            Language::Go,
            "func f() { switch a { case 1: g(); case 2: h(); default: k() } }",
        ),
        (
            Language::Php,
            "function f() { $x = match($a) { 1 => 2, 2 => 3, default => 4 }; }",
        ),
        (
            Language::Python,
            "def f():\n match a:\n  case 1: pass\n  case 2: pass\n  case _: pass\n",
        ),
        (
            Language::Ruby,
            "def f\n case a\n when 1 then 2\n when 2 then 3\n else 4\n end\nend",
        ),
        (
            Language::Rust,
            "fn f() { match a { 1 => 2, 2 => 3, _ => 4 }; }",
        ),
    ];
    for (language, text) in texts {
        assert_eq!(three(language, text), (3, 1, 1), "{language}: {text}");
    }
}

#[test]
fn a_function_that_calls_itself_is_one_strain_more() {
    let texts = [
        (
            Language::C,
            "int f(int n) { return n ? f(n - 1) + f(n - 2) : 1; }",
        ),
        (
            Language::Java,
            "int f(int n) { return n > 0 ? this.f(n - 1) : 1; }",
        ),
        (
            Language::Python,
            "def f(n):\n return self.f(n - 1) if n else 1\n",
        ),
        (Language::Ruby, "def f(n)\n n > 0 ? f(n - 1) : 1\nend"),
        (
            Language::Rust,
            "fn f(n: u32) -> u32 { if n > 0 { f(n - 1) } 1 }",
        ),
    ];
    for (language, text) in texts {
        assert_eq!(three(language, text), (2, 2, 1), "{language}: {text}");
    }
    let other = "int f(int n) { return n > 0 ? other.f(n - 1) : 1; }";
    assert_eq!(three(Language::Java, other), (2, 1, 1));
}

#[test]
fn lengths_leave_comments_and_empty_lines_out() {
    let found = of(
        Language::Python,
        "# said\n\nx = '''a\nb'''  # more\n\ny = 1\n",
    );
    assert_eq!((found.lines, found.tokens), (3, 6));
    assert_eq!(of(Language::Java, "").cyclomatic, 1);
}
