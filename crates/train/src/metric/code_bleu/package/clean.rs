//! What the package takes off a text before it parses it: comments, in Python also texts that stand
//! alone, and empty lines.
//!
//! It looks at signs, not at the language: what looks like a comment inside of anything but quotes
//! is one, in every language but Python and Ruby (Ruby keeps its text). It never fails: what
//! Python's tokenizer refuses stays as it is, as there.

use skillbelt_code::Language;

use super::python;

/// The text without what the package takes off.
pub fn cleaned(language: Language, text: &str) -> String {
    match language {
        Language::Ruby => text.to_owned(),
        Language::Python => match python::cleaned(text) {
            Some(cleaned) => without_empty_lines(&cleaned),
            None => text.to_owned(),
        },
        _ => without_empty_lines(&without_comments(text)),
    }
}

fn without_empty_lines(text: &str) -> String {
    let full = |line: &&str| !line.chars().all(python::is_space);
    let lines: Vec<&str> = text.split('\n').filter(full).collect();
    lines.join("\n")
}

/// A space in place of each `// ..` and `/* .. */` that stands outside of quotes. A quote that is
/// never closed opens nothing.
fn without_comments(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    // Once one of them does not end, none after it does.
    let mut unclosed: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let opened = ["//", "/*", "'", "\""]
            .into_iter()
            .find(|sign| rest.starts_with(sign) && !unclosed.contains(sign));
        let length = opened.and_then(|sign| closed(sign, rest));
        match (opened, length) {
            (Some(sign), Some(length)) => {
                let (inner, after) = rest.split_at(length);
                cleaned.push_str(if sign.starts_with('/') { " " } else { inner });
                rest = after;
            }
            (sign, None) => {
                unclosed.extend(sign);
                cleaned.push(first);
                rest = &rest[first.len_utf8()..];
            }
            (None, Some(_)) => {}
        }
    }
    cleaned
}

/// The bytes up to the end of what `sign` opens at the beginning of `text`.
fn closed(sign: &str, text: &str) -> Option<usize> {
    match sign {
        "//" => Some(text.find('\n').unwrap_or(text.len())),
        "/*" => text[2..].find("*/").map(|at| at + 4),
        quote => {
            let mut escaped = false;
            for (at, character) in text.char_indices().skip(1) {
                match character {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    _ if quote.starts_with(character) => return Some(at + 1),
                    _ => {}
                }
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_a_space_and_empty_lines_go() {
        let text = "int a; // one\n\n/* two\n three */ int b;\nchar *s = \"// no\";";
        let expected = "int a;  \n  int b;\nchar *s = \"// no\";";
        assert_eq!(cleaned(Language::C, text), expected);
        assert_eq!(cleaned(Language::Ruby, text), text);
    }

    #[test]
    fn what_is_never_closed_opens_nothing() {
        for text in ["it's // x", "a /* b", "'\\'\\'\\'", "\"\\"] {
            let expected = text.replace("// x", " ");
            assert_eq!(cleaned(Language::Java, text), expected);
        }
    }
}
