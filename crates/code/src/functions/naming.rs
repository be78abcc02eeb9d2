//! What a function is called, what it belongs to, and what is read as one with it.

use super::kinds::{COMMENTS, CONTAINERS, MARKS, WRAPPERS};
use super::tests_told;
use crate::facts::{self, is};
use crate::{At, Program};

/// The name, and what stands before it if the name is written as a path.
pub fn name(program: &Program<'_>, at: At) -> Option<(String, Option<String>)> {
    if let Some(name) = program.field(at, "name") {
        let within = receiver(program, at);
        return plain(program.text_of(name)).map(|name| (name, within));
    }
    // C and C++: the name is inside of what declares it.
    if made_by_macro(program, at) {
        return None;
    }
    let mut inner = program.field(at, "declarator")?;
    let mut called = false;
    loop {
        called |= program.kind(inner) == "function_declarator";
        let parent_is_list = program.kind(inner) == "parenthesized_declarator";
        let next = program.field(inner, "declarator").or_else(|| {
            let mut named = program
                .children(inner)
                .filter(|child| program.nodes()[*child].named);
            named
                .next()
                .filter(|_| parent_is_list || program.kind(inner) == "reference_declarator")
        });
        match next {
            Some(next) => inner = next,
            None => break,
        }
    }
    if !called {
        return None;
    }
    let path = program.text_of(inner);
    match path.rsplit_once("::") {
        Some((within, name)) => {
            let within = within.rsplit("::").next().unwrap_or(within);
            plain(name).map(|name| (name, Some(within.to_owned())))
        }
        None => plain(path).map(|name| (name, None)),
    }
}

/// Whether what looks like a function of C or C++ is a macro and a block: it says no type, and is no
/// constructor either. Tests that macros make are functions all the same.
fn made_by_macro(program: &Program<'_>, at: At) -> bool {
    if program.kind(at) != "function_definition" || program.field(at, "type").is_some() {
        return false;
    }
    let Some(declarator) = program.field(at, "declarator") else {
        return false;
    };
    let Some(name) = program.field(declarator, "declarator") else {
        return false;
    };
    let of_class = container(program, at).and_then(|class| type_name(program, class));
    match program.kind(name) {
        // Inside of a class that is called so it is a constructor.
        "identifier" | "field_identifier" => {
            let text = program.text_of(name);
            !tests_told::TEST_MACROS.contains(&text) && of_class.as_deref() != Some(text)
        }
        _ => false,
    }
}

/// The name that a function without one gets where it is written: `const name = () => ...` on the
/// outermost level of a file.
pub fn given_name(program: &Program<'_>, at: At) -> Option<String> {
    let parent = program.nodes()[at].parent?;
    let declaration = program.nodes()[parent].parent?;
    let alone = program
        .children(declaration)
        .filter(|child| program.kind(*child) == "variable_declarator")
        .count()
        == 1;
    let above = program.nodes()[declaration].parent?;
    let outermost = matches!(program.kind(above), "program" | "export_statement");
    let fits = program.kind(parent) == "variable_declarator"
        && program.nodes()[at].field == Some("value")
        && alone
        && outermost;
    let name = program.field(parent, "name").filter(|_| fits)?;
    (program.kind(name) == "identifier").then(|| program.text_of(name).to_owned())
}

/// A name that can be asked for: no operator, no computed key, no text over lines.
fn plain(name: &str) -> Option<String> {
    let sound = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#' | '~');
    (!name.is_empty() && name.len() <= 200 && name.chars().all(sound)).then(|| name.to_owned())
}

/// The type of a Go method's receiver.
fn receiver(program: &Program<'_>, at: At) -> Option<String> {
    let receiver = program.field(at, "receiver")?;
    let inside = receiver..program.end_of(receiver);
    let mut types = inside.filter(|at| program.kind(*at) == "type_identifier");
    types.next().map(|at| program.text_of(at).to_owned())
}

/// The class or type whose member a function is, if no other function stands between.
pub fn container(program: &Program<'_>, at: At) -> Option<At> {
    let facts = facts::of(program.language());
    let mut above = program.nodes()[at].parent;
    while let Some(at) = above {
        if is(program, at, CONTAINERS) {
            // The whole file is a `module` in Python.
            return (at != 0).then_some(at);
        }
        if is(program, at, facts.functions) || is(program, at, facts.closures) {
            return None;
        }
        above = program.nodes()[at].parent;
    }
    None
}

pub fn type_name(program: &Program<'_>, at: At) -> Option<String> {
    let name = program
        .field(at, "name")
        .or_else(|| program.field(at, "type"))?;
    let text = program.text_of(name);
    let end = text.find(['<', ' ', '\n']).unwrap_or(text.len());
    Some(text[..end].to_owned())
}

/// The outermost node that is read as one with a function.
pub fn whole(program: &Program<'_>, at: At) -> At {
    let mut whole = at;
    while let Some(parent) = program.nodes()[whole].parent {
        let declares = matches!(
            program.kind(parent),
            "variable_declarator" | "lexical_declaration" | "variable_declaration"
        );
        let of_value = declares && given_name(program, at).is_some();
        if parent == 0 || !(is(program, parent, WRAPPERS) || of_value) {
            break;
        }
        whole = parent;
    }
    whole
}

/// Texts of what is written before a function about it: attributes, decorators, annotations.
pub fn marks(program: &Program<'_>, siblings: &Siblings, whole: At, at: At) -> Vec<String> {
    let mut marks: Vec<String> = siblings
        .before(whole)
        .take_while(|at| is(program, *at, MARKS) || is(program, *at, COMMENTS))
        .filter(|at| is(program, *at, MARKS))
        .map(|at| program.text_of(at).to_owned())
        .collect();
    let inside = (whole..at).filter(|at| is(program, *at, MARKS));
    marks.extend(inside.map(|at| program.text_of(at).to_owned()));
    let first = program
        .children(at)
        .filter(|child| program.kind(*child) == "modifiers" || is(program, *child, MARKS));
    marks.extend(first.map(|at| program.text_of(at).to_owned()));
    marks
}

/// The sibling before each node, found once for a whole program.
pub struct Siblings(Vec<Option<At>>);

impl Siblings {
    pub fn of(program: &Program<'_>) -> Siblings {
        let mut last_child: Vec<Option<At>> = vec![None; program.nodes().len()];
        let before = program.nodes().iter().enumerate().map(|(at, node)| {
            let parent = node.parent?;
            last_child[parent].replace(at)
        });
        let before = before.collect();
        Siblings(before)
    }

    /// The siblings before a node, the nearest first.
    pub fn before(&self, at: At) -> impl Iterator<Item = At> + '_ {
        std::iter::successors(self.0[at], |at| self.0[*at])
    }
}
