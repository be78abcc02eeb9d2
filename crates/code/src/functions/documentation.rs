//! What is written about a function: its text without the signs of a comment, and where it stands.
//!
//! A comment counts as documentation where the language's own tools take it for that; in C, C++ and
//! Go, which have no such sign or do not insist on it, any comment straight above counts.

use std::ops::Range;

use super::kinds::{COMMENTS, MARKS};
use super::naming::Siblings;
use crate::facts::is;
use crate::{At, Language, Program};

/// Bytes after which a paragraph is read no further.
const PARAGRAPH_BYTES: usize = 20_000;
/// Bytes after which a tag that did not end is none.
const TAG_BYTES: usize = 2_000;

/// What is written about a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documentation {
    /// Bytes of the file that hold it. What lies inside of the function has to be cut out of it.
    pub cut: Vec<Range<usize>>,
    /// Its lines without signs and without indentation that all of them have.
    pub text: String,
}

impl Documentation {
    /// The first paragraph in one line, without what is written for tools: tags, markup, types of
    /// parameters. Empty if nothing is left.
    pub fn summary(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        let mut bytes = 0;
        for written in self.text.lines() {
            bytes += written.len();
            if bytes > PARAGRAPH_BYTES && !words.is_empty() {
                break;
            }
            let line = plain(written);
            let line = line.trim();
            let heading = line.ends_with(':')
                && !line.contains(' ')
                && line.starts_with(|letter: char| letter.is_uppercase());
            let ends = line.is_empty() || is_tag(line) || is_rule(line) || heading;
            match (ends, words.is_empty()) {
                (true, false) => break,
                (true, true) if is_tag(line) || heading => break,
                (true, true) => {}
                (false, _) => words.push(untagged(written)),
            }
        }
        // A tag may begin in one line and end in another.
        plain(&words.join(" "))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The documentation of a function, if it has any.
pub fn of(program: &Program<'_>, siblings: &Siblings, at: At, whole: At) -> Option<Documentation> {
    let told = match program.language() {
        Language::Python => inside(program, at),
        _ => above(program, siblings, whole),
    };
    told.filter(|told| !told.text.trim().is_empty())
}

/// Python: a text that is the first statement of the body. It is cut with the line that it ends.
fn inside(program: &Program<'_>, at: At) -> Option<Documentation> {
    let body = program.field(at, "body")?;
    let first = program
        .children(body)
        .find(|child| !program.is_comment(*child))?;
    let text = program
        .children(first)
        .next()
        .filter(|_| program.kind(first) == "expression_statement")?;
    let alone = program.kind(text) == "string" && program.child_count(first) == 1;
    let written = program.text_of(text);
    let opening = written.find(['"', '\''])?;
    let prefix = written[..opening].to_lowercase();
    if !alone || prefix.contains(['f', 'b']) {
        return None;
    }
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes
        .into_iter()
        .find(|quote| written[opening..].starts_with(quote))?;
    let inner = written[opening..]
        .strip_prefix(quote)?
        .strip_suffix(quote)?;
    let bytes = program.nodes()[first].bytes.clone();
    let rest = program.text().get(bytes.end..).unwrap_or("");
    let spaces = rest.len() - rest.trim_start().len();
    let next_starts = rest.get(..spaces).is_some_and(|gap| gap.contains('\n'));
    // Up to where the next statement begins, so that its own indentation stays right.
    let body_end = program.nodes()[body].bytes.end;
    let follows = next_starts && bytes.end + spaces < body_end;
    let end = bytes.end + if follows { spaces } else { 0 };
    Some(Documentation {
        cut: std::iter::once(bytes.start..end).collect(),
        text: dedented(inner.lines()),
    })
}

/// Comments straight above, with attributes between them and the function.
fn above(program: &Program<'_>, siblings: &Siblings, whole: At) -> Option<Documentation> {
    let mut next_row = program.nodes()[whole].from.0;
    let mut comments: Vec<At> = Vec::new();
    for sibling in siblings.before(whole) {
        let node = &program.nodes()[sibling];
        if is(program, sibling, MARKS) {
            next_row = node.from.0;
            continue;
        }
        // A comment to the end of a line may hold the line's end.
        let last_row = node.to.0 - usize::from(node.to.1 == 0 && node.to.0 > node.from.0);
        if !is(program, sibling, COMMENTS) || last_row + 1 < next_row {
            break;
        }
        if !counts(program.language(), program.text_of(sibling)) || behind_code(program, sibling) {
            break;
        }
        next_row = node.from.0;
        comments.push(sibling);
    }
    comments.reverse();
    let lines: Vec<String> = comments
        .iter()
        .flat_map(|at| {
            program
                .text_of(*at)
                .lines()
                .map(unsigned)
                .collect::<Vec<_>>()
        })
        .collect();
    (!comments.is_empty()).then(|| Documentation {
        cut: comments
            .iter()
            .map(|at| program.nodes()[*at].bytes.clone())
            .collect(),
        text: dedented(lines.iter().map(String::as_str)),
    })
}

/// Whether a comment is about what stands before it on its line.
fn behind_code(program: &Program<'_>, at: At) -> bool {
    let node = &program.nodes()[at];
    let line = node.bytes.start - node.from.1.min(node.bytes.start);
    let before = program.text().get(line..node.bytes.start).unwrap_or("");
    !before.trim().is_empty()
}

/// Whether a comment is documentation in its language.
fn counts(language: Language, comment: &str) -> bool {
    let comment = comment.trim_start();
    match language {
        Language::Rust => {
            (comment.starts_with("///") && !comment.starts_with("////"))
                || (comment.starts_with("/**") && !comment.starts_with("/***"))
        }
        Language::Java | Language::JavaScript | Language::TypeScript | Language::Php => {
            comment.starts_with("/**")
        }
        Language::CSharp => comment.starts_with("///") || comment.starts_with("/**"),
        Language::Go => !comment.starts_with("//go:") && !comment.starts_with("//nolint"),
        Language::C | Language::Cpp | Language::Ruby => true,
        Language::Python => false,
    }
}

/// A line of a comment without its signs.
fn unsigned(line: &str) -> String {
    let mut line = line.trim();
    for sign in ["/**<", "/**", "/*!", "/*", "///<", "///", "//!", "//", "#"] {
        if let Some(rest) = line.strip_prefix(sign) {
            line = rest;
            break;
        }
    }
    line = line
        .trim_end()
        .strip_suffix("*/")
        .unwrap_or(line)
        .trim_end();
    let stars = line.trim_start();
    let inner = match stars.starts_with('*') {
        // Some write two of them before every line.
        true => stars.trim_start_matches('*'),
        false => line,
    };
    inner.trim_end_matches('*').to_owned()
}

/// Lines without the indentation that all but the first have, and without empty ones around.
fn dedented<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    let lines: Vec<&str> = lines.map(str::trim_end).collect();
    let depth = |line: &&str| line.len() - line.trim_start().len();
    let behind = lines.iter().skip(1).filter(|line| !line.is_empty());
    let common = behind.map(depth).min().unwrap_or(0);
    let cut = lines.iter().enumerate().map(|(number, line)| match number {
        0 => line.trim_start(),
        _ => line.get(common..).unwrap_or(""),
    });
    let text: Vec<&str> = cut.collect();
    text.join("\n").trim_matches('\n').to_owned()
}

/// A line that is for tools: `@param x`, `:return:`, `# Examples`, `Args:`.
fn is_tag(line: &str) -> bool {
    let sectioned = [
        "Args:",
        "Arguments:",
        "Parameters:",
        "Params:",
        "Returns:",
        "Return:",
        "Raises:",
        "Yields:",
        "Example:",
        "Examples:",
        "Note:",
        "Notes:",
        "See also:",
        "Usage:",
    ];
    let tagged = line.starts_with(['@', '\\', ':', '#'])
        || line.starts_with("```")
        || line.starts_with(">>>")
        || line.starts_with(".. ");
    tagged || sectioned.iter().any(|word| line.eq_ignore_ascii_case(word))
}

/// A line of signs under a heading.
fn is_rule(line: &str) -> bool {
    line.len() > 1 && line.chars().all(|letter| "-=*~_+#/".contains(letter))
}

/// A line without the word that says that the summary begins.
fn untagged(line: &str) -> &str {
    let mut line = line.trim();
    for word in ["@brief", "\\brief", "@summary", "@description", "@desc"] {
        if let Some(rest) = line.strip_prefix(word) {
            line = rest.trim_start();
        }
    }
    line
}

/// A text without markup: `<summary>`, `{@link X}`, `\brief`, back quotes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = untagged(text);
    while let Some(at) = rest.find(['<', '{']) {
        out.push_str(&rest[..at]);
        let here = &rest[at..];
        let read = match inline(here) {
            Some((read, length)) => Some((read, length)),
            None => markup(here).map(|length| (named(&here[..length]), length)),
        };
        match read {
            Some((read, length)) => {
                out.push_str(&read);
                rest = &here[length..];
            }
            None => {
                out.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
    }
    out.push_str(rest);
    out.replace('`', "")
}

/// What a tag of C# names, which is a word of the sentence.
fn named(tag: &str) -> String {
    let words = [
        "cref=\"",
        "paramref name=\"",
        "typeparamref name=\"",
        "langword=\"",
    ];
    let found = words.iter().find_map(|word| tag.split_once(word));
    let name = found.and_then(|(_, rest)| rest.split_once('"'));
    name.map_or(String::new(), |(name, _)| {
        name.rsplit(['.', ':']).next().unwrap_or(name).to_owned()
    })
}

/// What is read of a tag such as `{@link Target shown}` or `{@code text}`, and how long the tag is.
fn inline(text: &str) -> Option<(String, usize)> {
    text.strip_prefix("{@")?;
    let mut depth = 0;
    // Of one that does not end nothing is known.
    let end = text.bytes().take(TAG_BYTES).position(|sign| {
        depth += i32::from(sign == b'{') - i32::from(sign == b'}');
        depth == 0
    })?;
    let (kind, rest) = text[2..end].split_once(' ').unwrap_or((&text[2..end], ""));
    let read = match kind {
        "link" | "linkplain" | "value" => linked(rest.trim()),
        "code" | "literal" => rest.trim().to_owned(),
        // Whole examples are no words of a sentence.
        "snippet" => String::new(),
        // What is read elsewhere has nothing here to be read.
        "inheritDoc" | "inheritdoc" => return None,
        _ => rest.trim().to_owned(),
    };
    Some((read, end + 1))
}

/// What is shown for a target, or the target itself without the types of its parameters.
fn linked(link: &str) -> String {
    let mut depth = 0;
    let end = link.bytes().position(|sign| {
        depth += i32::from(sign == b'(') - i32::from(sign == b')');
        depth == 0 && matches!(sign, b' ' | b'|')
    });
    match end {
        Some(end) => link[end + 1..].trim().to_owned(),
        None => {
            let (target, called) = match link.split_once('(') {
                Some((target, _)) => (target, "()"),
                None => (link, ""),
            };
            format!(
                "{}{called}",
                target.trim_start_matches('#').replace('#', ".")
            )
        }
    }
}

/// The length of a tag at the beginning of a text.
fn markup(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let named = inner.strip_prefix('/').unwrap_or(inner);
    let end = text.bytes().take(300).position(|sign| sign == b'>')?;
    let opens = named.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (opens && !text[1..end].contains('<')).then_some(end + 1)
}
