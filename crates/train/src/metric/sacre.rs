//! The words of sacreBLEU's tokenizer `13a`, which is that of the evaluations of NIST.

use super::bleu::{is_space, words};

/// Entities that are undone, in this order.
const ENTITIES: [(&str, &str); 4] = [
    ("&quot;", "\""),
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
];

/// Words and signs, case kept. Most signs of ASCII stand alone; a point or a comma only if it is not
/// between digits, a hyphen only after a digit, an apostrophe never.
pub fn words_13a(text: &str) -> Vec<String> {
    let line = text.trim_end_matches(is_space);
    let line = line.replace("<skipped>", "").replace("-\n", "");
    let line = line.replace('\n', " ");
    let line = ENTITIES
        .iter()
        .fold(line, |line, (entity, sign)| line.replace(entity, sign));
    let mut apart = vec![' '];
    for character in line.chars() {
        match sign(character) {
            true => apart.extend([' ', character, ' ']),
            false => apart.push(character),
        }
    }
    apart.push(' ');
    let stop = |c: char| matches!(c, '.' | ',');
    let other = |c: char| !c.is_ascii_digit();
    let line = pairs(&apart, |a, b| other(a) && stop(b), |a, b| [a, ' ', b, ' ']);
    let line = pairs(&line, |a, b| stop(a) && other(b), |a, b| [' ', a, ' ', b]);
    let line = pairs(&line, |a, b| !other(a) && b == '-', |a, b| [a, ' ', b, ' ']);
    let line: String = line.into_iter().collect();
    words(&line).into_iter().map(str::to_owned).collect()
}

fn sign(character: char) -> bool {
    matches!(character, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

/// Replaces neighbours for which something holds, from the start; what was replaced is not looked at
/// again.
fn pairs(
    line: &[char],
    holds: impl Fn(char, char) -> bool,
    replacement: impl Fn(char, char) -> [char; 4],
) -> Vec<char> {
    let (mut out, mut rest) = (Vec::with_capacity(line.len()), line);
    while let Some((first, after)) = rest.split_first() {
        match after.first() {
            Some(second) if holds(*first, *second) => {
                out.extend(replacement(*first, *second));
                rest = &after[1..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}
