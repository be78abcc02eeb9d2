//! Python's words as its own `tokenize` module finds them, up to version 3.11, and a text put
//! together again from them without comments and without texts that stand alone.
//!
//! From 3.12 on that module is another one, which refuses more; numbers made with it differ where a
//! text is no Python. Only what decides over the cleaned text is found here: kinds of words that
//! the cleaning does not ask about are not told apart.

use super::python_signs::{closing, continues, is_blank, is_letter, number, prefix, sign};

/// What the cleaning must know of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comment,
    Text,
    Indent,
    /// The end of a statement.
    Line,
    Other,
}

/// A word with the places of its first and its last line and column, in characters.
struct Word {
    kind: Kind,
    text: String,
    from: (usize, usize),
    to: (usize, usize),
}

/// White space as Python's `str` knows it.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The text without comments and without texts that stand alone, or nothing if there are no words
/// to be had.
pub fn cleaned(text: &str) -> Option<String> {
    let mut cleaned = String::new();
    let mut before = Kind::Indent;
    let mut line: Option<usize> = None;
    let mut column = 0;
    for word in words(text)? {
        if line.is_none_or(|line| word.from.0 > line) {
            column = 0;
        }
        if word.from.1 > column {
            cleaned.extend(std::iter::repeat_n(' ', word.from.1 - column));
        }
        let stands_alone = matches!(before, Kind::Indent | Kind::Line) || word.from.1 == 0;
        match word.kind {
            Kind::Comment => {}
            Kind::Text if stands_alone => {}
            _ => cleaned.push_str(&word.text),
        }
        before = word.kind;
        (line, column) = (Some(word.to.0), word.to.1);
    }
    Some(cleaned)
}

/// A text in quotes of which lines are still to come.
struct Open {
    from: (usize, usize),
    text: String,
    quote: char,
    /// Three quotes; one quote needs a backslash at the end of each line.
    triple: bool,
}

struct Words {
    found: Vec<Word>,
    open: Option<Open>,
    /// Brackets that are open; more closed than opened leaves it under zero.
    brackets: i64,
    /// The last line ended in a backslash.
    continued: bool,
    indents: Vec<usize>,
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Words {
        found: Vec::new(),
        open: None,
        brackets: 0,
        continued: false,
        indents: vec![0],
    };
    let lines: Vec<Vec<char>> = text
        .split_inclusive('\n')
        .map(|line| line.chars().collect())
        .collect();
    let mut last: Option<usize> = None;
    for (at, line) in lines.iter().enumerate() {
        last = at.checked_sub(1);
        if !words.line(at, line)? {
            // Nothing but blanks, without an end: the module stops there.
            words.end(last, &lines);
            return Some(words.found);
        }
        last = Some(at);
    }
    if words.open.is_some() || words.continued || words.brackets != 0 {
        return None;
    }
    words.end(last, &lines);
    Some(words.found)
}

impl Words {
    fn push(&mut self, kind: Kind, line: &[char], at: usize, from: usize, to: usize) {
        self.found.push(Word {
            kind,
            text: line[from..to].iter().collect(),
            from: (at, from),
            to: (at, to),
        });
    }

    /// The words of one line. False if the text ends here without an end of line.
    fn line(&mut self, at: usize, line: &[char]) -> Option<bool> {
        let mut place = 0;
        if let Some(open) = self.open.take() {
            match self.further(open, at, line) {
                Some(after) => place = after,
                None => return Some(true),
            }
        } else if self.brackets == 0 && !self.continued {
            place = match self.beginning(at, line)? {
                Beginning::Statement(place) => place,
                Beginning::Blank => return Some(true),
                Beginning::End => return Some(false),
            };
        } else {
            self.continued = false;
        }
        while place < line.len() {
            place = self.word(at, line, place);
        }
        Some(true)
    }

    /// A line inside of quotes: where it goes on after them, if they end.
    fn further(&mut self, mut open: Open, at: usize, line: &[char]) -> Option<usize> {
        let end = closing(line, 0, open.quote, open.triple);
        let upto = end.unwrap_or(line.len());
        open.text.extend(&line[..upto]);
        let goes_on =
            open.triple || line.ends_with(&['\\', '\n']) || { line.ends_with(&['\\', '\r', '\n']) };
        if end.is_none() && goes_on {
            self.open = Some(open);
            return None;
        }
        self.found.push(Word {
            // Without its end it is an error, and kept like any other word.
            kind: if end.is_some() {
                Kind::Text
            } else {
                Kind::Other
            },
            text: open.text,
            from: open.from,
            to: (at, upto),
        });
        end
    }

    /// The beginning of a statement: how deep it stands.
    fn beginning(&mut self, at: usize, line: &[char]) -> Option<Beginning> {
        const TAB: usize = 8;
        let mut column = 0;
        let mut place = 0;
        for character in line {
            column = match character {
                ' ' => column + 1,
                '\t' => (column / TAB + 1) * TAB,
                '\u{c}' => 0,
                _ => break,
            };
            place += 1;
        }
        let Some(first) = line.get(place) else {
            return Some(Beginning::End);
        };
        if matches!(first, '#' | '\r' | '\n') {
            let mut from = place;
            if *first == '#' {
                let ends = line.iter().rev().take_while(|c| matches!(c, '\r' | '\n'));
                from = line.len() - ends.count();
                self.push(Kind::Comment, line, at, place, from);
            }
            self.push(Kind::Other, line, at, from, line.len());
            return Some(Beginning::Blank);
        }
        let deepest = self.indents.last().copied().unwrap_or(0);
        if column > deepest {
            self.indents.push(column);
            self.push(Kind::Indent, line, at, 0, place);
        }
        while self.indents.last().is_some_and(|deepest| column < *deepest) {
            if !self.indents.contains(&column) {
                return None;
            }
            self.indents.pop();
            self.push(Kind::Other, line, at, place, place);
        }
        Some(Beginning::Statement(place))
    }

    /// One word at `place` or after the blanks there; where it ends.
    fn word(&mut self, at: usize, line: &[char], place: usize) -> usize {
        let blanks = line[place..].iter().take_while(|c| is_blank(**c)).count();
        let from = place + blanks;
        let Some(first) = line.get(from) else {
            return line.len();
        };
        let next = line.get(from + 1);
        let ends_line =
            |from: usize| line[from..] == ['\n'] || line[from..].starts_with(&['\r', '\n']);
        if *first == '\\' && ends_line(from + 1) {
            self.continued = true;
            return line.len();
        }
        if ends_line(from) {
            let kind = if self.brackets > 0 {
                Kind::Other
            } else {
                Kind::Line
            };
            self.push(kind, line, at, from, line.len());
            return line.len();
        }
        if *first == '#' {
            let length = line[from..]
                .iter()
                .take_while(|c| !matches!(c, '\r' | '\n'));
            let to = from + length.count();
            self.push(Kind::Comment, line, at, from, to);
            return to;
        }
        if let Some(to) = self.quoted(at, line, from) {
            return to;
        }
        let to = if first.is_ascii_digit()
            || (*first == '.' && next.is_some_and(char::is_ascii_digit))
        {
            number(line, from)
        } else if is_letter(*first) {
            from + line[from..].iter().take_while(|c| is_letter(**c)).count()
        } else if let Some(length) = sign(&line[from..]) {
            match first {
                '(' | '[' | '{' => self.brackets += 1,
                ')' | ']' | '}' => self.brackets -= 1,
                _ => {}
            }
            from + length
        } else {
            // Nothing of the language: one character, a blank before it first.
            self.push(Kind::Other, line, at, place, place + 1);
            return place + 1;
        };
        self.push(Kind::Other, line, at, from, to);
        to
    }

    /// A text in quotes that begins at `from`; where the line goes on after it.
    fn quoted(&mut self, at: usize, line: &[char], from: usize) -> Option<usize> {
        let quote_at = from + prefix(&line[from..]);
        let quote = *line.get(quote_at).filter(|c| matches!(c, '\'' | '"'))?;
        let triple = line[quote_at..].starts_with(&[quote; 3]);
        let inside = quote_at + if triple { 3 } else { 1 };
        if let Some(to) = closing(line, inside, quote, triple) {
            self.push(Kind::Text, line, at, from, to);
            return Some(to);
        }
        if !triple && !continues(line, inside) {
            return None;
        }
        self.open = Some(Open {
            from: (at, from),
            text: line[from..].iter().collect(),
            quote,
            triple,
        });
        Some(line.len())
    }

    /// What the module adds at the end.
    fn end(&mut self, last: Option<usize>, lines: &[Vec<char>]) {
        let Some((at, line)) = last.and_then(|at| Some((at, lines.get(at)?))) else {
            return;
        };
        let mut full = line.iter().skip_while(|c| is_space(**c));
        let ended = line.last().is_none_or(|c| matches!(c, '\r' | '\n'));
        if !ended && full.next() != Some(&'#') {
            self.push(Kind::Line, line, at, line.len(), line.len());
        }
    }
}

enum Beginning {
    Statement(usize),
    /// A comment or nothing.
    Blank,
    /// Blanks up to the end of the text.
    End,
}
