//! The signs that Python's words are made of: where a number, a sign or a text in quotes ends.
//!
//! Each looks at one line; lines are put together elsewhere.

pub fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\u{c}' | '\t')
}

pub fn is_letter(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of the letters that may stand before a quote.
pub fn prefix(text: &[char]) -> usize {
    let letters: String = text
        .iter()
        .take(2)
        .take_while(|c| c.is_ascii_alphabetic())
        .map(char::to_ascii_lowercase)
        .collect();
    match letters.as_str() {
        "br" | "rb" | "fr" | "rf" => 2,
        _ if letters.starts_with(['b', 'r', 'u', 'f']) => 1,
        _ => 0,
    }
}

/// One past the quotes that end a text, looking from `place` on. A backslash takes the next
/// character out of the game, but not the end of the line: there the line ends without the quotes.
pub fn closing(line: &[char], mut place: usize, quote: char, triple: bool) -> Option<usize> {
    let length = if triple { 3 } else { 1 };
    while place < line.len() {
        if line[place] == '\\' {
            if line.get(place + 1).is_none_or(|next| *next == '\n') {
                return None;
            }
            place += 2;
        } else if line[place..].len() >= length
            && line[place..place + length].iter().all(|c| *c == quote)
        {
            return Some(place + length);
        } else {
            place += 1;
        }
    }
    None
}

/// Whether a text in single quotes goes on in the next line.
pub fn continues(line: &[char], mut place: usize) -> bool {
    while place < line.len() {
        match line[place..] {
            ['\\', '\n'] | ['\\', '\r', '\n'] => return true,
            ['\\', ..] => place += 2,
            _ => place += 1,
        }
    }
    false
}

/// One past the number at `from`.
pub fn number(line: &[char], from: usize) -> usize {
    let digits = |from: usize, is: fn(char) -> bool| -> Option<usize> {
        let mut to = from;
        loop {
            let part = to + usize::from(to > from && line.get(to) == Some(&'_'));
            match line.get(part) {
                Some(digit) if is(*digit) => to = part + 1,
                _ => return (to > from).then_some(to),
            }
        }
    };
    let decimal: fn(char) -> bool = |c| c.is_ascii_digit();
    let exponent = |from: usize| {
        let sign = matches!(line.get(from + 1), Some('+' | '-'));
        let marked = matches!(line.get(from), Some('e' | 'E'));
        marked
            .then(|| digits(from + 1 + usize::from(sign), decimal))
            .flatten()
    };
    let imaginary = |to: usize| to + usize::from(matches!(line.get(to), Some('j' | 'J')));
    let whole = digits(from, decimal);
    let point = whole.unwrap_or(from);
    if line.get(point) == Some(&'.') {
        let to = digits(point + 1, decimal).unwrap_or(point + 1);
        return imaginary(exponent(to).unwrap_or(to));
    }
    if let Some(to) = exponent(point) {
        return imaginary(to);
    }
    if imaginary(point) > point {
        return point + 1;
    }
    if line[from] == '0' {
        let base: Option<fn(char) -> bool> = match line.get(from + 1) {
            Some('x' | 'X') => Some(|c| c.is_ascii_hexdigit()),
            Some('b' | 'B') => Some(|c| matches!(c, '0' | '1')),
            Some('o' | 'O') => Some(|c| matches!(c, '0'..='7')),
            _ => None,
        };
        let marked = from + 2 + usize::from(line.get(from + 2) == Some(&'_'));
        let zeros = || digits(from, |c| c == '0').unwrap_or(from + 1);
        return base
            .and_then(|base| digits(marked, base))
            .unwrap_or_else(zeros);
    }
    point
}

/// The length of the sign that a line begins with, the longest there is.
pub fn sign(line: &[char]) -> Option<usize> {
    const SIGNS: [&[&str]; 3] = [
        &["**=", "...", "//=", "<<=", ">>="],
        &[
            "!=", "%=", "&=", "**", "*=", "+=", "-=", "->", "//", "/=", ":=", "<<", "<=", "==",
            ">=", ">>", "@=", "^=", "|=",
        ],
        &[
            "%", "&", "(", ")", "*", "+", ",", "-", ".", "/", ":", ";", "<", "=", ">", "@", "[",
            "]", "^", "{", "|", "}", "~",
        ],
    ];
    SIGNS.into_iter().flatten().find_map(|sign| {
        let matches = line.len() >= sign.len() && sign.chars().zip(line).all(|(a, b)| a == *b);
        matches.then_some(sign.len())
    })
}
