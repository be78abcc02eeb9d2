//! What is found in texts of nine languages.

use super::*;
use crate::parse;

fn found(language: Language, text: &str) -> Vec<Function> {
    let program = parse(language, text).unwrap();
    functions(&program)
}

/// Name, type, summary, and whether it is a test.
type Told<'t> = (&'t str, Option<&'t str>, &'t str, bool);

fn assert_told(language: Language, text: &str, expected: &[Told<'_>]) {
    let found = found(language, text);
    let summaries: Vec<String> = found
        .iter()
        .map(|one| {
            one.documentation
                .as_ref()
                .map(Documentation::summary)
                .unwrap_or_default()
        })
        .collect();
    let told: Vec<Told<'_>> = found
        .iter()
        .zip(&summaries)
        .map(|(one, summary)| (&*one.name, one.within.as_deref(), &**summary, one.is_test))
        .collect();
    assert_eq!(told, expected, "{language}");
}

#[test]
fn functions_of_nine_languages_are_found_with_what_is_written_about_them() {
    assert_told(
        Language::Python,
        "class A:\n    @property\n    def x(self):\n        \"\"\"The x of an A.\n\n        Args:\n            none\n        \"\"\"\n        return 1\n\ndef test_y():\n    def inner():\n        pass\n    assert True\n",
        &[
            ("x", Some("A"), "The x of an A.", false),
            ("test_y", None, "", true),
            ("inner", None, "", false),
        ],
    );
    assert_told(
        Language::Rust,
        "impl<T> Heap<T> {\n    /// Takes the least\n    /// of all.\n    ///\n    /// # Panics\n    /// Never.\n    #[inline]\n    pub fn pop(&mut self) -> T { self.0.pop() }\n}\n\n// no documentation\n#[test]\nfn works() {}\n",
        &[
            ("pop", Some("Heap"), "Takes the least of all.", false),
            ("works", None, "", true),
        ],
    );
    assert_told(
        Language::Java,
        "class A {\n  /**\n   * Adds {@link Sum two} numbers.\n   * @param a one\n   */\n  int add(int a, int b) { return a + b; }\n  @Test void adds() { }\n}\n",
        &[
            ("add", Some("A"), "Adds two numbers.", false),
            ("adds", Some("A"), "", true),
        ],
    );
    assert_told(
        Language::CSharp,
        "class A {\n  /// <summary>\n  /// Opens the <see cref=\"System.IO.File\"/> once.\n  /// </summary>\n  /// <param name=\"x\">y</param>\n  public void Open(int x) { Go(x); }\n}\n",
        &[("Open", Some("A"), "Opens the File once.", false)],
    );
    assert_told(
        Language::Go,
        "package p\n\n// Less tells whether i stands before j.\nfunc (h Heap) Less(i, j int) bool { return h[i] < h[j] }\n\nfunc TestLess(t *testing.T) {}\n",
        &[
            (
                "Less",
                Some("Heap"),
                "Less tells whether i stands before j.",
                false,
            ),
            ("TestLess", None, "", true),
        ],
    );
    assert_told(
        Language::JavaScript,
        "/** Doubles a number. */\nexport const twice = (x) => {\n  return x * 2;\n};\nclass A {\n  /** Says hello. */\n  hello() { return 1; }\n}\n/** Not of a function. */\n\nfunction plain() {}\n",
        &[
            ("twice", None, "Doubles a number.", false),
            ("hello", Some("A"), "Says hello.", false),
            ("plain", None, "", false),
        ],
    );
    assert_told(
        Language::TypeScript,
        "/** Doubles. */\nexport function twice(x: number): number { return x * 2; }\n",
        &[("twice", None, "Doubles.", false)],
    );
    assert_told(
        Language::C,
        "int other; /* of other */\nstatic char *next(char *at) { return at + 1; }\n/* Frees all\n * of it. */\nvoid done(void) { free(p); }\n",
        &[
            ("next", None, "", false),
            ("done", None, "Frees all of it.", false),
        ],
    );
    assert_told(
        Language::Cpp,
        "/// \\brief Adds one.\ntemplate <class T> T &Heap<T>::push(T t) { return t; }\nTEST(Heap, Pushes) { }\n",
        &[
            ("push", Some("Heap<T>"), "Adds one.", false),
            ("Heap.Pushes", None, "", true),
        ],
    );
}

#[test]
fn documentation_is_cut_out_of_the_code() {
    let text = "def f(x):\n    '''Adds one to x.'''\n    return x + 1\n";
    let program = parse(Language::Python, text).unwrap();
    let function = functions(&program).remove(0);
    assert_eq!(
        function.undocumented(&program),
        "def f(x):\n    return x + 1"
    );
    let text = "def f(x): 'Only told.'\n";
    let program = parse(Language::Python, text).unwrap();
    assert_eq!(functions(&program)[0].undocumented(&program), "def f(x): ");
}

#[test]
fn nested_and_broken_functions_are_told_apart() {
    let found = found(
        Language::Java,
        "class A { void f() { int x = ; } void g() { class B { void h() {} } } }",
    );
    let told: Vec<(&str, bool, bool)> = found
        .iter()
        .map(|f| (&*f.name, f.sound, f.nested))
        .collect();
    assert_eq!(
        told,
        [("f", false, false), ("g", true, false), ("h", true, true)]
    );
}

#[test]
fn what_stands_around_makes_a_program_of_a_member() {
    for (language, member, text) in [
        (Language::Java, true, "public A(int x) { this.x = x; }"),
        (
            Language::CSharp,
            true,
            "public async Task<int> F(int x) => x;",
        ),
        (
            Language::TypeScript,
            true,
            "private get x(): number { return 1; }",
        ),
        (Language::JavaScript, true, "async *f() { yield 1; }"),
        (Language::Cpp, true, "explicit A(int x) : x(x) {}"),
        (Language::Rust, true, "pub fn f(&self) -> u8 { 1 }"),
        (Language::Go, true, "func (a A) F() int { return 1 }"),
    ] {
        let (before, after) = around(language, member);
        let text = format!("{before}{text}{after}");
        assert!(parse(language, &text).unwrap().whole(), "{text}");
    }
}

#[test]
fn tests_of_javascript_go_by_their_titles() {
    let text = "describe('A heap', () => {\n  describe('when empty', function () {\n    it('gives   nothing', async () => { expect(1).toBe(1); });\n  });\n  it.each([1, 2])('takes %i', (n) => { const inner = () => n; push(n); });\n  it(title, () => {});\n});\ntest(\"alone\", () => {});\nconst test2 = run('no test', () => {});\nitems.forEach((x) => { it('of a loop', () => {}); });\n";
    for language in [Language::JavaScript, Language::TypeScript] {
        let told: Vec<(String, Option<String>, bool)> = found(language, text)
            .into_iter()
            .map(|one| (one.name, one.within, one.is_test))
            .collect();
        let test = |name: &str, within: Option<&str>| (name.into(), within.map(Into::into), true);
        assert_eq!(
            told,
            [
                test("gives nothing", Some("A heap when empty")),
                test("takes %i", Some("A heap")),
                test("alone", None),
            ],
            "{language}"
        );
    }
    let program = parse(Language::JavaScript, text).unwrap();
    let first = functions(&program).remove(0);
    assert!(first.undocumented(&program).starts_with("it('gives") && first.sound);
}

#[test]
fn elements_in_typescript_are_read_and_casts_as_well() {
    let text = "/** Shows a name. */\nexport function Name(props: Props): Element {\n  return <b title=\"x\">{props.name}</b>;\n}\nfunction cast(x: unknown) { return x as string; }\n";
    let all = found(Language::TypeScript, text);
    let told: Vec<_> = all.iter().map(|one| (&*one.name, one.sound)).collect();
    assert_eq!(told, [("Name", true), ("cast", true)]);
    let text = "function cast(x: unknown) { const mark = '</b>'; return <string>x; }\n";
    assert!(found(Language::TypeScript, text)[0].sound);
    let text = "const Row = (p: P) => { return <li key={p.id} />; };\nfunction broken( {\n";
    assert!(found(Language::TypeScript, text)[0].sound);
}

#[test]
fn macros_of_c_that_make_functions_are_no_functions() {
    for language in [Language::C, Language::Cpp] {
        let text = "int real(int x) { return x; }\nlist_for_each(item, head) { use(item); }\nDEFINE_THING(a, b) { return a + b; }\n";
        let told: Vec<_> = found(language, text)
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(told, ["real"], "{language}");
    }
    let text = "struct Heap { Heap(int n) { fill(n); } operator int() { return 1; } };\nHeap::Heap(long n) { fill(n); }\nTEST_F(Heap, Fills) { fill(3); }\n";
    let told: Vec<_> = found(Language::Cpp, text)
        .into_iter()
        .map(|one| (one.name, one.is_test))
        .collect();
    let expected = [("Heap", false), ("Heap", false), ("Heap.Fills", true)];
    assert_eq!(told, expected.map(|(name, test)| (name.to_owned(), test)));
}

#[test]
fn documentation_is_read_without_tags_whatever_lines_they_span() {
    let told = |language, text: &str| {
        let told = found(language, text).remove(0).documentation;
        told.unwrap().summary()
    };
    let java = |text: &str| {
        told(
            Language::Java,
            &format!("class A {{\n/**\n{text}\n*/\nvoid f() {{ g(); }}\n}}"),
        )
    };
    assert_eq!(
        java(
            " * Set by {@link Map#put(Object,\n * Object)} or {@link #put(int, int) put} or {@code {a}}."
        ),
        "Set by Map.put() or put or {a}."
    );
    assert_eq!(
        java(" * See <a href=\"http://x.org/rfc.txt\n * \">the RFC</a> for it."),
        "See the RFC for it."
    );
    assert_eq!(
        java(" * Calls this:\n * {@snippet lang = c :\n * void f();\n * }"),
        "Calls this:"
    );
    let c = "/*\n** Frees a list.\n** Twice.\n*/\nvoid f(void) { g(); }\n";
    assert_eq!(told(Language::C, c), "Frees a list. Twice.");
}
