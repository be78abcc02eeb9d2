//! Tests of JavaScript and TypeScript, which are functions without a name that a runner is given with a
//! title: `it('adds', () => ...)` inside of `describe('a sum', () => ...)`.
//!
//! It goes by how the call is written. A title that is computed is none.

use super::facts::{self, is};
use crate::{At, Language, Program};

/// What runners call a test.
const TESTS: &[&str] = &["it", "test", "specify", "fit", "xit"];
/// What they call a number of tests.
const SUITES: &[&str] = &["describe", "context", "suite", "fdescribe", "xdescribe"];

/// Nobody writes suites in each other so deep.
const DEEP: usize = 32;

/// A test with its titles.
pub struct Titled {
    /// The statement that gives it to the runner.
    pub whole: At,
    title: String,
    /// Titles of what it stands in, the outermost first, with spaces between.
    suites: String,
}

impl Titled {
    /// The title, and the titles around it, if there are any.
    pub fn names(&self) -> (String, Option<String>) {
        let around = Some(self.suites.clone()).filter(|around| !around.is_empty());
        (self.title.clone(), around)
    }
}

/// The test that a function is, if it is one.
pub fn test(program: &Program<'_>, at: At) -> Option<Titled> {
    if !matches!(
        program.language(),
        Language::JavaScript | Language::TypeScript
    ) {
        return None;
    }
    let (call, title) = given_to(program, at, TESTS)?;
    let parent = program.nodes()[call].parent?;
    let whole = match program.kind(parent) {
        "expression_statement" => parent,
        _ => return None,
    };
    let closures = facts::of(program.language()).closures;
    let mut suites = Vec::new();
    let mut above = Some(parent);
    while let Some(at) = above {
        if is(program, at, closures) {
            // A test inside of another function is that function's.
            suites.push(given_to(program, at, SUITES)?.1);
            if suites.len() > DEEP {
                return None;
            }
        }
        above = program.nodes()[at].parent;
    }
    suites.reverse();
    Some(Titled {
        whole,
        title,
        suites: suites.join(" "),
    })
}

/// The call that a function is an argument of, and the title before it, if it is called so.
fn given_to(program: &Program<'_>, at: At, names: &[&str]) -> Option<(At, String)> {
    let arguments = program.nodes()[at].parent?;
    let call = program.nodes()[arguments].parent?;
    let fits = program.kind(arguments) == "arguments" && program.kind(call) == "call_expression";
    let called = program.field(call, "function").filter(|_| fits)?;
    // `it.only`, `test.concurrent.skip`, `it.each([...])`
    let first = program
        .text_of(called)
        .split(['.', '(', '`', ' ', '\n'])
        .next()?;
    let mut given = program
        .children(arguments)
        .filter(|child| program.nodes()[*child].named && !program.is_comment(*child));
    let title = given.next().filter(|title| *title != at)?;
    let plain = matches!(program.kind(title), "string" | "template_string");
    let text = program.text_of(title);
    let text = text.get(1..text.len().saturating_sub(1))?;
    let sound = plain && !text.contains("${") && !text.trim().is_empty() && text.len() <= 300;
    (names.contains(&first) && sound).then(|| {
        let words: Vec<&str> = text.split_whitespace().collect();
        (call, words.join(" "))
    })
}
