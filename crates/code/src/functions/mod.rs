//! The functions of a file: where each stands, its name, its documentation, whether it is a test.
//!
//! It names what is there and judges none of it: a function without a body, or with mistakes in it,
//! is listed all the same, and says so. Kinds of nodes stand in one table ([`kinds`]).

mod documentation;
#[cfg(test)]
mod functions_tests;
mod kinds;
mod naming;
mod tests_told;
mod titled;

use std::ops::Range;

use crate::facts::{self, is};
use crate::{At, Language, Program};

pub use documentation::Documentation;

/// A function of a program.
#[derive(Debug, Clone)]
pub struct Function {
    /// The function itself.
    pub at: At,
    /// What is read as one with it: the node with its decorators, its template header, the `export`
    /// before it, or the declaration whose value it is.
    pub whole: At,
    pub name: String,
    /// The type or class that it belongs to.
    pub within: Option<String>,
    /// Written inside the braces of a class, so that it is no program by itself.
    pub member: bool,
    /// The block or expression that it does.
    pub body: Option<At>,
    pub documentation: Option<Documentation>,
    pub is_test: bool,
    /// Stands inside of another function of the list.
    pub nested: bool,
    /// All of its text is of the language.
    pub sound: bool,
}

impl Function {
    /// Bytes of the text that the function is, with decorators and the like.
    pub fn bytes(&self, program: &Program<'_>) -> Range<usize> {
        program.nodes()[self.whole].bytes.clone()
    }

    /// First and last line, from 1.
    pub fn lines(&self, program: &Program<'_>) -> (usize, usize) {
        let node = &program.nodes()[self.whole];
        (node.from.0 + 1, node.to.0 + 1)
    }

    /// The text of the function without its documentation.
    pub fn undocumented(&self, program: &Program<'_>) -> String {
        let bytes = self.bytes(program);
        let inside = self.documentation.iter().flat_map(|told| &told.cut);
        let mut text = String::new();
        let mut from = bytes.start;
        for cut in inside.filter(|cut| cut.start >= bytes.start && cut.end <= bytes.end) {
            text.push_str(program.text().get(from..cut.start).unwrap_or(""));
            from = cut.end;
        }
        text.push_str(program.text().get(from..bytes.end).unwrap_or(""));
        text
    }
}

/// What makes a program of a function that is taken out of its file: text before and behind it.
pub fn around(language: Language, member: bool) -> (&'static str, &'static str) {
    match language {
        Language::Java | Language::CSharp => ("class Around {\n", "\n}\n"),
        Language::JavaScript | Language::TypeScript if member => ("class Around {\n", "\n}\n"),
        Language::Cpp if member => ("struct Around {\n", "\n};\n"),
        _ => ("", "\n"),
    }
}

/// All functions with a name, in the order of the text.
pub fn functions(program: &Program<'_>) -> Vec<Function> {
    let facts = facts::of(program.language());
    let broken = broken_before(program);
    let siblings = naming::Siblings::of(program);
    let mut found: Vec<Function> = Vec::new();
    let mut outer_end = 0;
    for at in 0..program.nodes().len() {
        let own = is(program, at, facts.functions) && !kinds::UNNAMED.contains(&program.kind(at));
        let given = !own && is(program, at, facts.closures);
        let titled = given.then(|| titled::test(program, at)).flatten();
        let Some((name, within)) = (match (own, given) {
            (true, _) => naming::name(program, at),
            (_, true) => naming::given_name(program, at)
                .map(|name| (name, None))
                .or_else(|| titled.as_ref().map(titled::Titled::names)),
            _ => None,
        }) else {
            continue;
        };
        let whole = match &titled {
            Some(titled) => titled.whole,
            None => naming::whole(program, at),
        };
        let end = program.end_of(whole);
        let container = naming::container(program, at);
        let marks = naming::marks(program, &siblings, whole, at);
        let within = within.or_else(|| container.and_then(|at| naming::type_name(program, at)));
        found.push(Function {
            at,
            whole,
            is_test: titled.is_some()
                || tests_told::is_test(program.language(), &name, within.as_deref(), &marks),
            name: tests_told::full_name(program, at, name),
            within,
            member: container.is_some(),
            body: program.field(at, "body"),
            documentation: documentation::of(program, &siblings, at, whole),
            nested: at < outer_end,
            sound: broken[end] == broken[whole],
        });
        outer_end = outer_end.max(end);
    }
    found
}

/// For each place, how many nodes before it are mistakes.
fn broken_before(program: &Program<'_>) -> Vec<usize> {
    let mut sum = 0;
    let counted = program.nodes().iter().map(|node| {
        sum += usize::from(node.error || node.missing);
        sum
    });
    std::iter::once(0).chain(counted).collect()
}
