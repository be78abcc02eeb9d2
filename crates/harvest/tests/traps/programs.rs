//! Traps of what stands in files.

use crate::repository::{Repository, source};

/// Signs in lines, so that no line is too long to be read.
fn lines(sign: &str, times: usize) -> String {
    let line = format!("{}\n", sign.repeat((400 / sign.len()).max(1)));
    line.repeat(times / (400 / sign.len()).max(1) + 1)
}

pub fn long_line(r: &Repository) {
    let mut text = vec![b'a'; 100 << 20];
    text[0] = b'#';
    fs_err::write(r.path().join("line.py"), text).unwrap();
}

pub fn half_a_megabyte(r: &Repository) {
    r.write("line.js", &format!("x = '{}';\n", "a".repeat(500_000)));
}

pub fn not_utf8(r: &Repository) {
    let text = [source(5).as_bytes(), b"\xff\xfe\x80\xc0\xaf\n"].concat();
    fs_err::write(r.path().join("a.py"), text).unwrap();
    fs_err::write(r.path().join("b.py"), b"# \xed\xa0\x80\nx = 1\n").unwrap();
}

pub fn two_bytes(r: &Repository) {
    let text: Vec<u8> = source(5)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs_err::write(
        r.path().join("a.py"),
        [b"\xff\xfe".as_slice(), &text].concat(),
    )
    .unwrap();
}

pub fn unseen_letters(r: &Repository) {
    let text = source(5).replace("kept", "\u{202e}kept\u{2066}\u{200b}");
    r.write("a.py", &text);
    r.write(
        "b.rs",
        "fn f\u{200d}g() {\n    a();\n    b();\n    c\u{feff}();\n}\n",
    );
}

pub fn accents(r: &Repository) {
    let word = format!("e{}", "\u{301}".repeat(1_000));
    r.write("a.py", &source(5).replace("kept", &word));
}

pub fn old_ends(r: &Repository) {
    r.write("a.py", &source(5).replace('\n', "\r"));
    r.write("b.py", &source(6).replace('\n', "\r\n"));
}

const ENDINGS: [&str; 10] = [
    "c", "cpp", "cs", "go", "java", "js", "py", "rs", "ts", "tsx",
];

pub fn brackets(r: &Repository) {
    for (at, ending) in ENDINGS.iter().enumerate() {
        let (open, close) = [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">")][at % 4];
        r.write(
            &format!("a.{ending}"),
            &format!("x = {}", lines(open, 100_000)),
        );
        let text = format!("x = {}1{}", lines(open, 50_000), lines(close, 50_000));
        r.write(&format!("b.{ending}"), &text);
    }
}

pub fn functions_in_each_other(r: &Repository) {
    let (open, close) = ("function f() {\n", "}\n");
    r.write(
        "a.js",
        &format!("{}{}", open.repeat(40_000), close.repeat(40_000)),
    );
    r.write(
        "b.js",
        &format!("{}{}", "x = () => {\n".repeat(30_000), close.repeat(30_000)),
    );
    let text: Vec<String> = (0..500)
        .map(|n| format!("{}def f():\n", " ".repeat(n)))
        .collect();
    r.write(
        "a.py",
        &format!("{}{}pass\n", text.concat(), " ".repeat(500)),
    );
}

pub fn classes_in_each_other(r: &Repository) {
    let open = "class A { int f(int a) { return a; }\n";
    r.write(
        "A.java",
        &format!("{}{}", open.repeat(10_000), "}\n".repeat(10_000)),
    );
    r.write(
        "A.cs",
        &format!("{}{}", open.repeat(10_000), "}\n".repeat(10_000)),
    );
}

pub fn suites_in_each_other(r: &Repository) {
    let suite = "describe('a', () => {\n";
    let test = "it('b', () => { c(); });\n";
    let text = format!(
        "{}{}{}",
        suite.repeat(12_000),
        test.repeat(12_000),
        "});\n".repeat(12_000)
    );
    r.write("a.test.js", &text);
}

pub fn branches(r: &Repository) {
    let text = |open: &str, close: &str| format!("{}{}", open.repeat(12_000), close.repeat(12_000));
    r.write(
        "a.go",
        &format!("package p\nfunc f() {{\n{}}}\n", text("if x {\n", "}\n")),
    );
    r.write(
        "a.c",
        &format!("void f(void) {{\n{}}}\n", text("while (x) {\n", "}\n")),
    );
}

pub fn chain(r: &Repository) {
    let text = "else if (x == 1) { y(); }\n".repeat(10_000);
    r.write(
        "a.c",
        &format!("void f(void) {{\nif (x) {{ y(); }}\n{text}}}\n"),
    );
}

pub fn operators(r: &Repository) {
    let text = format!("int x = 1\n{};\n", "+ -!~a\n".repeat(20_000));
    for ending in ["c", "java", "js", "rs"] {
        r.write(&format!("a.{ending}"), &text);
    }
    r.write(
        "a.py",
        &format!("x = ({}1)\n", "not -~a and\n".repeat(40_000)),
    );
}

pub fn comments(r: &Repository) {
    let text = "// a b c\n".repeat(100_000);
    r.write("a.c", &format!("{text}int f(int a) {{\n  return a;\n}}\n"));
    r.write(
        "a.rs",
        &format!("{}fn f() {{}}\n", "/// a b c\n".repeat(90_000)),
    );
    r.write(
        "b.c",
        &"/* a */ int f(int a) { return a; } "
            .repeat(5)
            .replace("} ", "}\n")
            .repeat(3_000),
    );
}

pub fn attributes(r: &Repository) {
    r.write(
        "a.rs",
        &format!("{}fn f() {{}}\n", "#[a]\n".repeat(100_000)),
    );
    r.write(
        "a.py",
        &format!("{}def f(): pass\n", "@a\n".repeat(100_000)),
    );
    let text = format!("class A {{\n{}void f() {{ }}\n}}\n", "@A\n".repeat(100_000));
    r.write("A.java", &text);
}

pub fn open_texts(r: &Repository) {
    r.write(
        "a.py",
        &format!("{}x = \"\"\"{}", source(5), lines("never ", 80_000)),
    );
    r.write("a.js", &format!("x = `{}", lines("${a} ", 80_000)));
    r.write(
        "a.rs",
        &format!("fn f() {{ let x = r####\"{}", lines("\"### ", 80_000)),
    );
    r.write("a.cpp", &format!("auto x = R\"({}", lines(")' ", 80_000)));
}

pub fn templates(r: &Repository) {
    let open = lines("A<", 60_000);
    r.write(
        "a.cpp",
        &format!(
            "template <class T> {open}int{} f() {{ return 1; }}",
            lines(">", 30_000)
        ),
    );
    r.write(
        "a.java",
        &format!("class A {{ {open}B f() {{ return null; }} }}"),
    );
    r.write(
        "a.rs",
        &format!("fn f() -> {open}u8{} {{ 1 }}", lines(">", 30_000)),
    );
}

pub fn undecided(r: &Repository) {
    r.write("a.c", &lines("a * (b) (c) [d] * ", 40_000));
    r.write("a.cpp", &lines("a < b > (c) < d > :: ", 40_000));
    r.write("a.cs", &lines("a < b , c > ( d ) ? ", 40_000));
    r.write("a.ts", &lines("<a>(b) => <c>(d) ? ", 40_000));
    r.write("a.js", &lines("/ a / b / ( ` ", 40_000));
}

pub fn directives(r: &Repository) {
    let text =
        "#if A\nint f(int a) {\n#else\nint f(long a) {\n#endif\n  return a;\n}\n".repeat(3_000);
    r.write("a.c", &text);
    r.write("b.c", &"#if A\n".repeat(50_000));
    r.write(
        "c.cpp",
        &format!("{}\\\n", "#define A(x) x \\\n".repeat(20_000)),
    );
}

pub fn halves(r: &Repository) {
    let whole = source(5);
    for cut in (0..whole.len()).step_by(whole.len() / 60) {
        let (first, rest) = whole.split_at(cut);
        r.write(&format!("h/first{cut}.py"), first);
        r.write(&format!("h/rest{cut}.java"), rest);
    }
}

pub fn long_word(r: &Repository) {
    let word = "w".repeat(4_900);
    r.write("a.py", &source(5).replace("kept", &word));
    let text = format!("int {word}(int a) {{\n  return a;\n}}\n").repeat(100);
    r.write("a.c", &text);
}

pub fn long_documentation(r: &Repository) {
    let text = "Tells of it. ".repeat(30) + "\n";
    r.write(
        "a.py",
        &source(5).replace("Collects", &format!("{} Collects", text.repeat(1_000))),
    );
    let link = "{@link A ".repeat(10) + "\n";
    let text = format!(
        "class A {{\n/**\n{}*/\nint f(int a) {{\n  return a;\n}}\n}}\n",
        link.repeat(5_000)
    );
    r.write("A.java", &text);
    r.write("B.java", &text.replace("{@link A ", "<a < b "));
}

pub fn same(r: &Repository) {
    for number in 0..20 {
        r.write(&format!("same/{number}.py"), &source(5).repeat(500));
    }
}

pub fn nearly_the_same(r: &Repository) {
    for number in 0..20 {
        let one =
            |n: usize| source(5).replace("return kept", &format!("return kept[{number}:{n}]"));
        let all: String = (0..75).map(one).collect();
        r.write(&format!("near/{number}.py"), &all);
    }
}

pub fn elements(r: &Repository) {
    let text = format!("{}{}", lines("<a>", 60_000), lines("</a>", 60_000));
    r.write("a.tsx", &format!("const x = {text};\n"));
    r.write(
        "b.tsx",
        &format!("const x = {};\n", lines("<a b={<c>", 60_000)),
    );
}
