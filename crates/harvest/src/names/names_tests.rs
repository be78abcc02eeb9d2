//! Which names are safe, in nine languages, and which are not.

use skillbelt_code::Language;

use super::*;
use crate::form::Form;

fn named(language: Language, member: bool, code: &str) -> Vec<String> {
    let form = Form::of(language, member, code);
    let parsed = form.parsed().unwrap_or_else(|| panic!("{code}"));
    locals(&parsed)
        .into_iter()
        .filter(|local| !local.kept)
        .map(|local| local.name)
        .collect()
}

#[test]
fn locals_and_parameters_are_known_where_nobody_outside_names_them() {
    let of = |language, code: &str| named(language, false, code);
    assert_eq!(
        of(
            Language::Python,
            "def f(a):\n    b = a\n    for c, d in b:\n        b += c.b + d\n    return g(a=b)"
        ),
        ["b", "c", "d"]
    );
    assert_eq!(
        named(
            Language::Java,
            true,
            "int f(int a, List<X> l) { int b = a; for (X x : l) { b += x.b(); } return b; }"
        ),
        ["a", "b", "l", "x"]
    );
    assert_eq!(
        named(
            Language::CSharp,
            true,
            "int F(int a) { var b = a; foreach (var x in l) { b += x.b; } return b; }"
        ),
        ["b", "x"]
    );
    assert_eq!(
        of(
            Language::Go,
            "func f(a int) int {\n\tb, err := g(a)\n\tfor i := range b {\n\t\tuse(i, err)\n\t}\n\treturn a\n}"
        ),
        ["a", "b", "err", "i"]
    );
    assert_eq!(
        of(
            Language::Rust,
            "fn f(a: u8, mut n: u8) -> u8 { let b = a + n; for i in 0..b { n += i; } n }"
        ),
        ["a", "b", "i", "n"]
    );
    assert_eq!(
        of(
            Language::C,
            "int f(char *a, int n) { int i, b[3]; for (i = 0; i < n; i++) b[i] = a[i]; return b[0]; }"
        ),
        ["a", "b", "i", "n"]
    );
    assert_eq!(
        of(
            Language::Cpp,
            "int f(const X &a) { auto b = a.b; for (auto &x : b) { g(x); } return b; }"
        ),
        ["a", "b", "x"]
    );
    assert_eq!(
        of(
            Language::JavaScript,
            "function f(a) { const b = a.b; for (const x of b) { g(x); } return (y) => y + b; }"
        ),
        ["a", "b", "x", "y"]
    );
    assert_eq!(
        of(
            Language::TypeScript,
            "function f(a: number): number { let b: number = a; return b; }"
        ),
        ["a", "b"]
    );
}

#[test]
fn names_that_may_mean_something_else_are_left_alone() {
    let none = |language, code: &str| {
        let found = named(language, false, code);
        assert!(found.is_empty(), "{language}: {found:?} in {code}");
    };
    // Known by the caller, by the module, by a text, by a member of the same name.
    none(
        Language::Python,
        "def f(a, b=1):\n    return [a for a in b]",
    );
    none(
        Language::Python,
        "def f():\n    global a\n    a = 1\n    import b\n    return b",
    );
    none(
        Language::Python,
        "def f():\n    a = 1\n    return eval('a')",
    );
    none(Language::Python, "def f():\n    a = 1\n    return f'{a=}'");
    none(Language::Python, "def f(x=a):\n    a = 1\n    return a");
    none(
        Language::Rust,
        "fn f() -> String { let a = 1; format!(\"{a}\") }",
    );
    none(Language::Rust, "fn f() -> S { let a = 1; S { a } }");
    none(Language::Rust, "fn f() -> u8 { let len = len(1); len }");
    none(Language::Rust, "fn f() { let a = 1; assert!(a == 1); }");
    none(
        Language::JavaScript,
        "function f() { const a = 1; return { a }; }",
    );
    none(Language::Java, "int f() { a = 1; int a = 2; return a; }");
    none(
        Language::C,
        "int f(void) { int a = 1;\n#ifdef A\n a = B;\n#endif\n return a; }",
    );
    none(
        Language::C,
        "int f(void) { int a = 1; CHECK(a); return a; }",
    );
    none(Language::Go, "func f() T {\n\ta := 1\n\treturn T{a: a}\n}");
    none(
        Language::Go,
        "func f() int {\n\t{\n\t\ta := 1\n\t\tuse(a)\n\t}\n\treturn a\n}",
    );
}

#[test]
fn types_are_what_declarations_say() {
    let form = Form::of(
        Language::C,
        false,
        "void f(char *a, char b, const int c[]) { char *d = a; }",
    );
    let parsed = form.parsed().unwrap();
    let typed: Vec<String> = locals(&parsed)
        .into_iter()
        .filter_map(|local| local.typed)
        .collect();
    assert_eq!(typed, ["char *", "char ", "int []", "char *"]);
}

#[test]
fn parameters_that_callers_may_name_are_known_and_kept() {
    let form = Form::of(
        Language::Python,
        false,
        "def f(a, b=1):\n    c = a\n    return c + b",
    );
    let parsed = form.parsed().unwrap();
    let told: Vec<(String, bool)> = locals(&parsed)
        .into_iter()
        .map(|local| (local.name, local.kept))
        .collect();
    let expected = [("a", true), ("b", true), ("c", false)];
    assert_eq!(told, expected.map(|(name, kept)| (name.to_owned(), kept)));
}
