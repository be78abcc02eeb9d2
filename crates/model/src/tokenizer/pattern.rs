//! Which regular expressions of a `tokenizer.json` may run, and how they are said so that this engine means by them
//! what the reference's engine means. It is no regex engine.
//!
//! Admitted: whatever a linear-time engine can run, plus the two idioms that published tokenizers use and that cannot
//! run away: the alternative `\s+(?!\S)`, and possessive repetition. Anything else that needs backtracking is refused.
//! The reference compiles with Ruby's syntax, where `^` and `$` stand at every line; here they are translated so.

use super::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_DEPTH};

const AT_LINES: &str = "(?m:";
const BLANKS_BEFORE_BLANK: &str = r"\s+(?!\S)";

/// The pattern in this engine's words, or why it is refused.
pub(super) fn admit(pattern: &str) -> Result<String, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("{} bytes", pattern.len()));
    }
    let said = lines(pattern);
    let plain = without_idioms(&said)?;
    let parsed = regex_syntax::ParserBuilder::new()
        .nest_limit(MAX_PATTERN_DEPTH)
        .build()
        .parse(&plain);
    match parsed {
        Ok(_) => Ok(said),
        Err(error) => Err(one_line(&error.to_string())),
    }
}

/// The last line of a parser's drawing holds its verdict.
fn one_line(drawing: &str) -> String {
    let verdict = drawing.lines().last().unwrap_or_default();
    format!(
        "one that needs backtracking or is malformed ({})",
        verdict.trim()
    )
}

/// A character of a pattern and where it stands: outside brackets, at which depth of groups.
struct Place {
    at: usize,
    mark: char,
    escaped: bool,
    in_class: bool,
    depth: usize,
}

fn places(pattern: &str) -> Vec<Place> {
    let (mut escaped, mut class, mut depth) = (false, 0usize, 0usize);
    let mut found = Vec::with_capacity(pattern.len());
    for (at, mark) in pattern.char_indices() {
        let literal = escaped;
        escaped = !literal && mark == '\\';
        if !literal {
            match mark {
                '[' => class += 1,
                ')' if class == 0 => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        found.push(Place {
            at,
            mark,
            escaped: literal,
            in_class: class > 0,
            depth,
        });
        if !literal {
            match mark {
                ']' => class = class.saturating_sub(1),
                '(' if class == 0 => depth += 1,
                _ => {}
            }
        }
    }
    found
}

/// `^` and `$` outside brackets stand at every line. What is said so already stays.
fn lines(pattern: &str) -> String {
    let mut said = String::with_capacity(pattern.len() + 8);
    for place in places(pattern) {
        if said.ends_with(AT_LINES) {
            said.push(place.mark);
            continue;
        }
        match place.mark {
            '^' if !place.escaped && !place.in_class => said.push_str("(?m:^)"),
            '$' if !place.escaped && !place.in_class => said.push_str("(?m:$)"),
            mark => said.push(mark),
        }
    }
    said
}

/// The pattern with the two harmless idioms replaced by their linear cousins; only for judging, never for matching.
/// Possessive repetition makes the engine step by step, so beside it no group may be repeated.
fn without_idioms(pattern: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(pattern.len());
    let mut skip_to = 0;
    let (mut repeated, mut possessive, mut group_repeated) = (false, false, false);
    let mut closed = false;
    for place in places(pattern) {
        if place.at < skip_to {
            continue;
        }
        let rest = &pattern[place.at..];
        let outside = place.depth == 0 && !place.in_class && !place.escaped;
        if outside && rest.starts_with(BLANKS_BEFORE_BLANK) {
            let after = &rest[BLANKS_BEFORE_BLANK.len()..];
            let starts = plain.is_empty() || plain.ends_with('|');
            if starts && (after.is_empty() || after.starts_with('|')) {
                plain.push_str(r"\s+");
                skip_to = place.at + BLANKS_BEFORE_BLANK.len();
                repeated = false;
                continue;
            }
        }
        let bare = !place.in_class && !place.escaped;
        group_repeated |= bare && closed && matches!(place.mark, '+' | '*' | '?' | '{');
        closed = bare && place.mark == ')';
        if bare && place.mark == '+' && repeated {
            possessive = true;
            repeated = false;
            continue;
        }
        repeated = bare && matches!(place.mark, '+' | '*' | '?' | '}') && !repeated;
        plain.push(place.mark);
    }
    if possessive && group_repeated {
        return Err("one that repeats a group beside possessive repetition".to_owned());
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_splitters_of_published_code_models_are_admitted_word_for_word() {
        let published = [
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            r"\s?\p{L}+",
            "[\r\n]",
        ];
        for pattern in published {
            assert_eq!(admit(pattern).as_deref(), Ok(pattern));
        }
    }

    #[test]
    fn line_anchors_are_said_as_the_reference_means_them() {
        assert_eq!(admit(r"\s+$").as_deref(), Ok(r"\s+(?m:$)"));
        assert_eq!(admit(r"\s+(?m:$)").as_deref(), Ok(r"\s+(?m:$)"));
        assert_eq!(admit(r"[$^]\$").as_deref(), Ok(r"[$^]\$"));
    }

    #[test]
    fn patterns_that_can_run_away_are_refused() {
        for pattern in [
            r"(\s+(?!\S))+",
            r"(a+)+(?!b)",
            r"(a|aa)+\1",
            r"x\s+(?!\S)y",
            r"(?<=a*)b",
            r"((a+)++)+b(?=c)",
        ] {
            assert!(admit(pattern).is_err(), "{pattern}");
        }
        assert!(admit(&"(".repeat(500)).is_err());
        assert!(admit(&"a".repeat(MAX_PATTERN_BYTES + 1)).is_err());
    }

    #[test]
    fn a_repetition_inside_a_group_does_not_become_possessive_by_accident() {
        assert!(admit(r"(a+)+").is_ok(), "linear: no backtracking needed");
        assert!(admit(r"(a++)+").is_err());
        assert!(admit(r"(a+)+c++b").is_err());
    }
}
