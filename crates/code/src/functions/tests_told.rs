//! Whether a function is a test, by what the frameworks of its language go by.
//!
//! It asks names and marks only: a function that a test calls is no test.

use crate::{At, Language, Program};

/// Macros that look like functions and are tests.
pub const TEST_MACROS: &[&str] = &[
    "TEST",
    "TEST_F",
    "TEST_P",
    "TYPED_TEST",
    "TEST_CASE",
    "BOOST_AUTO_TEST_CASE",
];

pub fn is_test(language: Language, name: &str, within: Option<&str>, marks: &[String]) -> bool {
    let marked = |words: &[&str]| {
        marks.iter().any(|mark| {
            let mut parts = mark.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            parts.any(|part| words.contains(&part))
        })
    };
    match language {
        Language::Rust => marked(&["test", "rstest", "test_case", "quickcheck"]),
        Language::Java => {
            let annotated = marked(&[
                "Test",
                "ParameterizedTest",
                "RepeatedTest",
                "TestFactory",
                "Theory",
            ]);
            let old = name.starts_with("test") && within.is_some_and(of_tests);
            annotated || old
        }
        Language::CSharp => marked(&["Test", "Fact", "Theory", "TestMethod", "TestCase"]),
        Language::Go => ["Test", "Fuzz"].iter().any(|word| {
            let rest = name.strip_prefix(word);
            rest.is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_lowercase()))
        }),
        Language::C | Language::Cpp => TEST_MACROS.contains(&name) || name.starts_with("test_"),
        Language::Python => {
            name.starts_with("test_") || (name.starts_with("test") && within.is_some_and(of_tests))
        }
        Language::Php | Language::Ruby => name.starts_with("test"),
        Language::JavaScript | Language::TypeScript => false,
    }
}

fn of_tests(within: &str) -> bool {
    within.starts_with("Test")
        || ["Test", "Tests", "TestCase", "IT"]
            .iter()
            .any(|end| within.ends_with(end))
}

/// A test that a macro makes goes by what stands in its brackets.
pub fn full_name(program: &Program<'_>, at: At, name: String) -> String {
    let of_c = matches!(program.language(), Language::C | Language::Cpp);
    if !of_c || !TEST_MACROS.contains(&name.as_str()) {
        return name;
    }
    let text = program.text_of(at);
    let inside = text
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    match inside {
        Some((inside, _)) => {
            let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
            parts.join(".")
        }
        None => name,
    }
}
