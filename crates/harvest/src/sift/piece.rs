//! A function by itself: its text without documentation and without the indentation it had.

use skillbelt_code::functions::Function;
use skillbelt_code::{At, Language, Program};

use super::summary;

/// A function taken out of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub language: Language,
    pub name: String,
    pub within: Option<String>,
    /// Written inside of a class, see [`skillbelt_code::functions::around`].
    pub member: bool,
    /// Without documentation.
    pub code: String,
    /// Where the body begins in it.
    pub body: usize,
    /// What is written about it, empty if nothing is.
    pub documentation: String,
    /// Its first paragraph, or why that is none to be asked for.
    pub summary: Result<String, &'static str>,
    /// First and last, from 1.
    pub lines: (usize, usize),
}

impl Piece {
    pub fn of(program: &Program<'_>, function: &Function, body: At) -> Piece {
        let bytes = function.bytes(program);
        let node = &program.nodes()[function.whole];
        let line = bytes.start - node.from.1;
        let indent = program.text().get(line..bytes.start).unwrap_or("");
        let indent = if indent.trim().is_empty() {
            indent.len()
        } else {
            0
        };
        let begins = program.nodes()[body].bytes.start;
        let head = program.text().get(bytes.start..begins).unwrap_or("");
        let code = dedented(&function.undocumented(program), indent);
        let told = function.documentation.as_ref();
        let summary = match told {
            Some(told) => summary::fitting(&told.summary(), &function.name),
            None => Err("without documentation"),
        };
        let summary = summary.and_then(|text| match told_in(&text, &code) {
            true => Err("documentation is told again in the code"),
            false => Ok(text),
        });
        Piece {
            language: program.language(),
            name: function.name.clone(),
            within: function.within.clone(),
            member: function.member,
            body: dedented_head(head, indent).len().min(code.len()),
            code,
            documentation: told.map(|told| told.text.clone()).unwrap_or_default(),
            summary,
            lines: function.lines(program),
        }
    }

    /// All before the body.
    pub fn signature(&self) -> &str {
        self.code.get(..self.body).unwrap_or("").trim_end()
    }

    /// The body as it is written, from its first sign on.
    pub fn written_body(&self) -> &str {
        self.code.get(self.body..).unwrap_or("").trim_end()
    }

    /// The name with the type before it.
    pub fn full_name(&self) -> String {
        match &self.within {
            Some(within) => format!("{within}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The text with up to `indent` spaces or tabs taken from each line but the first, and no spaces at
/// the ends of lines.
pub fn dedented(text: &str, indent: usize) -> String {
    dedented_head(text.trim_end(), indent)
}

fn dedented_head(text: &str, indent: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number == 0 {
            out.push_str(line);
            continue;
        }
        out.push('\n');
        let spaces = line.len() - line.trim_start_matches([' ', '\t']).len();
        out.push_str(&line[spaces.min(indent)..]);
    }
    out
}

/// Whether a sentence stands in the code, whatever its case and spaces.
fn told_in(sentence: &str, code: &str) -> bool {
    let bare = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    bare(code).contains(&bare(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_code::functions::functions;
    use skillbelt_code::parse;

    fn piece(language: Language, text: &str) -> Piece {
        let program = parse(language, text).unwrap();
        let function = functions(&program).remove(0);
        Piece::of(&program, &function, function.body.unwrap())
    }

    #[test]
    fn a_function_stands_by_itself_and_parts_into_signature_and_body() {
        let found = piece(
            Language::Python,
            "class A:\n    def f(self, x):\n        '''Tells whether x is larger.'''\n        if x > 1:\n            return True\n        return False\n",
        );
        assert_eq!(
            found.code,
            "def f(self, x):\n    if x > 1:\n        return True\n    return False"
        );
        assert_eq!(found.signature(), "def f(self, x):");
        assert_eq!(
            found.written_body(),
            "if x > 1:\n        return True\n    return False"
        );
        assert_eq!(found.full_name(), "A.f");
        assert_eq!(found.summary.as_deref(), Ok("Tells whether x is larger."));
        let found = piece(
            Language::Java,
            "class A {\n\tint f(int x) {\n\t\treturn x;\n\t}\n}",
        );
        assert_eq!(found.code, "int f(int x) {\n\treturn x;\n}");
        assert_eq!(found.signature(), "int f(int x)");
        assert_eq!(found.written_body(), "{\n\treturn x;\n}");
    }

    #[test]
    fn documentation_that_the_code_says_again_is_not_asked_for() {
        let text = "/// Opens the file at once.\nfn f() {\n    // opens the file, at once\n    open();\n}\n";
        assert_eq!(
            piece(Language::Rust, text).summary,
            Err("documentation is told again in the code")
        );
    }
}
