//! Which training rows are shown before a question: drawn by the seed, class after class, or those
//! that share most words with it. Never the row itself, a row of the same texts, or one of its group.

use std::collections::{BTreeMap, HashMap};

use skillbelt_engine::random::Stream;

use super::template::{Shown, Texts};
use crate::recipe::Choosing;
use crate::task::lexical::Index;

/// A row that may be shown.
#[derive(Debug, Clone)]
pub struct Showable {
    pub shown: Shown,
    /// What draws are balanced by: the number of the class, or 0.
    pub class: usize,
    pub group: Option<String>,
    pub name: String,
}

/// Rows that are chosen from.
pub struct Showcase {
    rows: Vec<Showable>,
    by_class: Vec<Vec<usize>>,
    choose: Choosing,
    shots: usize,
    draw: Stream,
    words: Dictionary,
    index: Index,
}

impl Showcase {
    pub fn new(rows: Vec<Showable>, choose: Choosing, shots: usize, seed: u64) -> Showcase {
        let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, row) in rows.iter().enumerate() {
            classes.entry(row.class).or_default().push(number);
        }
        let mut words = Dictionary::default();
        let bodies: Vec<Vec<u32>> = match choose {
            Choosing::Bm25 => rows
                .iter()
                .map(|row| words.learn(&whole(&row.shown.texts)))
                .collect(),
            Choosing::Random => Vec::new(),
        };
        Showcase {
            by_class: classes.into_values().collect(),
            index: Index::new(&bodies),
            draw: Stream::new(seed, 0, "examples of prompts"),
            rows,
            choose,
            shots,
            words,
        }
    }

    /// The rows that are shown before these texts, the nearest last. `name` and `group` are those of
    /// the row that is asked. The same row is shown the same examples in whatever set it stands.
    pub fn before(&self, name: &str, group: Option<&str>, texts: &Texts) -> Vec<Shown> {
        let is_out = |number: usize| {
            let row = &self.rows[number];
            (row.group.is_some() && row.group.as_deref() == group)
                || row.name == name
                || row.shown.texts == *texts
        };
        let mut chosen = match self.choose {
            Choosing::Random => Vec::new(),
            Choosing::Bm25 => self.nearest(texts, &is_out),
        };
        // What the nearest leave open, because they share no word, is drawn; it stands farthest.
        let drawn = self.drawn(name, self.shots - chosen.len(), &|n| {
            is_out(n) || chosen.contains(&n)
        });
        chosen.extend(drawn);
        chosen.reverse();
        chosen
            .into_iter()
            .map(|number| self.rows[number].shown.clone())
            .collect()
    }

    fn nearest(&self, texts: &Texts, is_out: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let query = self.words.known(&whole(texts));
        let few = self.index.nearest(&query, self.shots + 64);
        let mut chosen: Vec<usize> = few.into_iter().filter(|n| !is_out(*n)).collect();
        if chosen.len() < self.shots {
            let all = self.index.nearest(&query, self.rows.len());
            chosen = all.into_iter().filter(|n| !is_out(*n)).collect();
        }
        chosen.truncate(self.shots);
        chosen
    }

    /// So many rows, class after class from a drawn one on.
    fn drawn(&self, name: &str, count: usize, is_out: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let classes = self.by_class.len();
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        if classes == 0 {
            return chosen;
        }
        let own = blake3::hash(name.as_bytes());
        let mut eight = [0; 8];
        eight.copy_from_slice(&own.as_bytes()[..8]);
        let mut place = u64::from_le_bytes(eight) & !0xffff;
        let mut next = || {
            place += 1;
            self.draw.bits(place) as usize
        };
        let first = next() % classes;
        let mut fruitless = 0;
        for turn in 0.. {
            if chosen.len() == count || fruitless == classes {
                break;
            }
            let rows = &self.by_class[(first + turn) % classes];
            let start = next() % rows.len();
            let order = (0..rows.len()).map(|step| rows[(start + step) % rows.len()]);
            let mut free = order.filter(|n| !is_out(*n) && !chosen.contains(n));
            match free.next() {
                Some(number) => {
                    chosen.push(number);
                    fruitless = 0;
                }
                None => fruitless += 1,
            }
        }
        chosen
    }
}

fn whole(texts: &Texts) -> String {
    let texts: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    texts.join("\n")
}

/// Numbers of words, in the order in which they were met.
#[derive(Default)]
pub struct Dictionary {
    numbers: HashMap<String, u32>,
}

impl Dictionary {
    /// The words of a text as numbers; new ones join.
    pub fn learn(&mut self, text: &str) -> Vec<u32> {
        let words = code_words(text).into_iter();
        words
            .map(|word| {
                let next = self.numbers.len() as u32;
                *self.numbers.entry(word).or_insert(next)
            })
            .collect()
    }

    /// The same; words that were never met are left out.
    pub fn known(&self, text: &str) -> Vec<u32> {
        let words = code_words(text).into_iter();
        words
            .filter_map(|word| self.numbers.get(&word).copied())
            .collect()
    }
}

/// The words of a program or a sentence in small letters: names, and also their parts where they are
/// joined by case or underscores; numbers; no signs.
pub fn code_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for name in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let parts = parts(name);
        if parts.len() > 1 {
            words.push(name.to_lowercase());
        }
        words.extend(parts);
    }
    words
}

/// `parseHTTPHeader_2` is parse, http, header, 2.
fn parts(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for (at, c) in letters.iter().enumerate() {
        if *c == '_' {
            open = false;
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let starts = before.is_some_and(|before| {
            let rises = !before.is_uppercase() && c.is_uppercase();
            let ends_capitals = before.is_uppercase()
                && c.is_uppercase()
                && after.is_some_and(|a| a.is_lowercase());
            rises || ends_capitals || before.is_numeric() != c.is_numeric()
        });
        match parts.last_mut().filter(|_| open && !starts) {
            Some(part) => part.extend(c.to_lowercase()),
            None => parts.push(c.to_lowercase().collect()),
        }
        open = true;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, class: usize, group: &str, text: &str) -> Showable {
        Showable {
            shown: Shown {
                texts: vec![("text", text.into())],
                answer: class.to_string(),
            },
            class,
            group: Some(group.to_owned()).filter(|group| !group.is_empty()),
            name: name.into(),
        }
    }

    fn many() -> Vec<Showable> {
        let class = |n: usize| usize::from(n.is_multiple_of(10));
        (0..100)
            .map(|n| {
                row(
                    &format!("r{n}"),
                    class(n),
                    &format!("g{}", n / 5),
                    &format!("fn f{n}() {{ }}"),
                )
            })
            .collect()
    }

    fn texts(text: &str) -> Texts {
        vec![("text", text.into())]
    }

    #[test]
    fn drawn_examples_are_balanced_and_never_the_row_its_group_or_its_twin() {
        let showcase = Showcase::new(many(), Choosing::Random, 4, 7);
        for (n, asked) in many().iter().enumerate() {
            let shown = showcase.before(&asked.name, asked.group.as_deref(), &asked.shown.texts);
            assert_eq!(shown.len(), 4);
            let rare = shown.iter().filter(|shown| shown.answer == "1").count();
            assert_eq!(rare, 2, "row {n}");
            for shown in &shown {
                let other = many().into_iter().find(|row| row.shown == *shown).unwrap();
                assert_ne!(other.group, asked.group, "row {n}");
            }
        }
        let twin = showcase.before("elsewhere", None, &texts("fn f10() { }"));
        assert!(
            twin.iter()
                .all(|shown| shown.texts != texts("fn f10() { }"))
        );
        let again = Showcase::new(many(), Choosing::Random, 4, 7);
        assert_eq!(
            again.before("x", None, &texts("y")),
            showcase.before("x", None, &texts("y"))
        );
        let other = Showcase::new(many(), Choosing::Random, 4, 8);
        assert_ne!(
            other.before("x", None, &texts("y")),
            showcase.before("x", None, &texts("y"))
        );
    }

    #[test]
    fn the_nearest_example_stands_last_and_what_shares_nothing_is_drawn() {
        let rows = vec![
            row("a", 0, "", "open socket connect"),
            row("b", 1, "", "parse json header"),
            row("c", 0, "", "parse yaml"),
            row("d", 1, "", "draw window"),
            row("e", 0, "", "free memory"),
        ];
        let showcase = Showcase::new(rows, Choosing::Bm25, 3, 0);
        let shown = showcase.before("q", None, &texts("parseJsonHeader"));
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[2].texts, texts("parse json header"));
        assert_eq!(shown[1].texts, texts("parse yaml"));
    }

    #[test]
    fn fewer_rows_than_shots_are_all_shown_once() {
        let showcase = Showcase::new(many()[..3].to_vec(), Choosing::Random, 9, 0);
        assert_eq!(showcase.before("q", None, &texts("z")).len(), 3);
        let none = Showcase::new(Vec::new(), Choosing::Bm25, 2, 0);
        assert!(none.before("q", None, &texts("z")).is_empty());
    }

    #[test]
    fn names_are_taken_apart_where_they_are_joined() {
        assert_eq!(
            code_words("parseHTTPHeader_2(x->y1)"),
            [
                "parsehttpheader_2",
                "parse",
                "http",
                "header",
                "2",
                "x",
                "y1",
                "y",
                "1"
            ]
        );
        assert_eq!(code_words("__init__ ;; a"), ["init", "a"]);
    }
}
