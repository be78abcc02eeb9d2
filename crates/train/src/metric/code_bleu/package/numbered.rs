//! The words of a text as the package numbers them, and what is found about each.
//!
//! It follows no values; it knows where words stand, what they say, and how sources are put together.

use std::collections::{BTreeSet, HashMap};

use skillbelt_code::{At, Program};

use super::order;

/// The package would have stopped with an error.
#[derive(Debug)]
pub struct Stumbled;

/// A name at a place with the names and places that it has its value from.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: u32,
    pub place: u32,
    pub computed: bool,
    pub from: Vec<u32>,
    pub places: Vec<u32>,
}

/// Whether the package takes a node for a word, with all that is under it.
pub fn is_word(program: &Program<'_>, at: At) -> bool {
    const TEXTS: &[&str] = &["string_literal", "string", "character_literal"];
    let kind = program.kind(at);
    (program.is_leaf(at) || TEXTS.contains(&kind)) && kind != "comment"
}

/// The words of a text, with numbers for their places and for what they say.
pub struct Words {
    /// By first and last byte. Words without text can share them; then the last has them all.
    places: HashMap<(usize, usize), (u32, u32)>,
    bytes: Vec<(usize, usize)>,
    texts: Vec<String>,
    hashes: Vec<u64>,
}

impl Words {
    pub fn of(program: &Program<'_>) -> Result<Words, Stumbled> {
        let lines: Vec<Vec<char>> = program
            .text()
            .split('\n')
            .map(|line| line.chars().collect())
            .collect();
        let mut words = Words {
            places: HashMap::new(),
            bytes: Vec::with_capacity(program.nodes().len()),
            texts: Vec::new(),
            hashes: Vec::new(),
        };
        let mut names: HashMap<String, u32> = HashMap::new();
        let mut place = 0;
        let mut end = 0;
        for (at, node) in program.nodes().iter().enumerate() {
            words.bytes.push((node.bytes.start, node.bytes.end));
            if at < end || !is_word(program, at) {
                continue;
            }
            end = program.end_of(at);
            let text = cut(&lines, node.from, node.to).ok_or(Stumbled)?;
            let next = names.len() as u32;
            let name = *names.entry(text).or_insert_with_key(|text| {
                words.hashes.push(order::hash(text));
                words.texts.push(text.clone());
                next
            });
            words
                .places
                .insert((node.bytes.start, node.bytes.end), (place, name));
            place += 1;
        }
        Ok(words)
    }

    /// Place and name.
    pub fn at(&self, at: At) -> Result<(u32, u32), Stumbled> {
        self.places.get(&self.bytes[at]).copied().ok_or(Stumbled)
    }

    pub fn text(&self, name: u32) -> &str {
        &self.texts[name as usize]
    }

    /// Sources of the second become sources of the first, in the order of a set.
    pub fn unite(&self, first: &mut Entry, second: Entry) {
        let names = first.from.iter().chain(&second.from);
        first.from = order::of_set(names.map(|name| (*name, self.hashes[*name as usize])));
        let places: BTreeSet<u32> = first.places.iter().chain(&second.places).copied().collect();
        first.places = places.into_iter().collect();
    }
}

/// What stands between two places. The package takes bytes of a line for characters, so that what
/// stands after other letters than those of ASCII is cut at the wrong place; it is here too.
fn cut(lines: &[Vec<char>], from: (usize, usize), to: (usize, usize)) -> Option<String> {
    let within = |line: &[char], from: usize, to: usize| -> String {
        let to = to.min(line.len());
        line[from.min(to)..to].iter().collect()
    };
    if from.0 == to.0 {
        return Some(within(lines.get(from.0)?, from.1, to.1));
    }
    let mut text = within(lines.get(from.0)?, from.1, usize::MAX);
    for line in lines.get(from.0 + 1..to.0)? {
        text.extend(line);
    }
    text.push_str(&within(lines.get(to.0)?, 0, to.1));
    Some(text)
}
