//! Words of programs and of prose, and texts as weighed sets of them. It knows no grammar: a word is
//! what stands between signs, and the parts that a name is put together from.

use std::collections::{BTreeMap, HashMap};

/// Words in fewer training texts than this are forgotten.
const FEWEST_TEXTS: u32 = 2;

/// The words of a text in small letters: names whole and in parts (`readLine`, `read_line` have the
/// parts `read` and `line`), numbers, and each sign by itself.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        if first.is_whitespace() {
            continue;
        }
        found.push(word.to_lowercase());
        let parts = parts(word);
        if parts.len() > 1 {
            found.extend(parts);
        }
    }
    found
}

/// What a name is put together from: parted at `_` and where a capital follows a small letter.
fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_small = false;
    for c in word.chars() {
        let begins = c == '_' || (was_small && c.is_uppercase());
        if begins {
            parts.push(String::new());
        }
        if c != '_'
            && let Some(last) = parts.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_ascii_digit();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Words as numbers, in the order in which they were met.
#[derive(Debug, Default)]
pub struct Numbered(HashMap<String, u32>);

impl Numbered {
    /// The words of a text, new ones with new numbers.
    pub fn learn(&mut self, text: &str) -> Vec<u32> {
        let number = |word: String| {
            let next = self.0.len() as u32;
            *self.0.entry(word).or_insert(next)
        };
        words(text).into_iter().map(number).collect()
    }

    /// The words of a text that are known.
    pub fn known(&self, text: &str) -> Vec<u32> {
        let words = words(text).into_iter();
        words
            .filter_map(|word| self.0.get(&word).copied())
            .collect()
    }
}

/// A text as weights of its features, by the number of the feature, ascending.
pub type Sparse = Vec<(u32, f32)>;

/// Which features there are, and how much each of them counts: `(1 + ln tf) * (ln((1 + n) / (1 + df))
/// + 1)`, every text of length one. Features are words and pairs of neighbours.
#[derive(Debug)]
pub struct Weighing {
    features: HashMap<String, (u32, f32)>,
}

impl Weighing {
    /// From the texts that are learnt from.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Weighing {
        let mut having: BTreeMap<String, u32> = BTreeMap::new();
        let mut all = 0u32;
        for text in texts {
            all += 1;
            for feature in counted(text).into_keys() {
                *having.entry(feature).or_default() += 1;
            }
        }
        having.retain(|_, texts| *texts >= FEWEST_TEXTS.min(all));
        let rarity = |texts: u32| ((1.0 + f64::from(all)) / (1.0 + f64::from(texts))).ln() + 1.0;
        let numbered = having.into_iter().zip(0u32..);
        let features =
            numbered.map(|((name, texts), number)| (name, (number, rarity(texts) as f32)));
        Weighing {
            features: features.collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.features.len()
    }

    /// Features that are not known are passed over.
    pub fn weigh(&self, text: &str) -> Sparse {
        let known = counted(text).into_iter().filter_map(|(feature, count)| {
            let (number, rarity) = self.features.get(&feature)?;
            Some((*number, (1.0 + f64::from(count).ln()) as f32 * rarity))
        });
        let mut weights: Sparse = known.collect();
        weights.sort_by_key(|(number, _)| *number);
        let squares = weights.iter().map(|(_, weight)| f64::from(*weight).powi(2));
        let length = squares.sum::<f64>().sqrt() as f32;
        for (_, weight) in &mut weights {
            *weight /= length;
        }
        weights
    }
}

fn counted(text: &str) -> BTreeMap<String, u32> {
    let words = words(text);
    let mut counts = BTreeMap::new();
    for pair in words.windows(2) {
        *counts.entry(pair.join(" ")).or_default() += 1;
    }
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Two texts as one: what they share (`a * b`), where they differ (`|a - b|`), and how alike they are
/// on the whole. `count` is that of the features.
pub fn joined(a: &Sparse, b: &Sparse, count: usize) -> Sparse {
    let (mut shared, mut differ) = (Sparse::new(), Sparse::new());
    let mut alike = 0.0;
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let number =
            |side: &Sparse, at: usize| side.get(at).map_or(u32::MAX, |(number, _)| *number);
        let (left, right) = (number(a, i), number(b, j));
        let next = left.min(right);
        let (mut x, mut y) = (0.0, 0.0);
        if left == next {
            x = a[i].1;
            i += 1;
        }
        if right == next {
            y = b[j].1;
            j += 1;
        }
        if x * y != 0.0 {
            shared.push((next, x * y));
            alike += x * y;
        }
        if x != y {
            differ.push((next + count as u32, (x - y).abs()));
        }
    }
    shared.extend(differ);
    shared.push((2 * count as u32, alike));
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_whole_and_in_parts_and_signs_stand_alone() {
        assert_eq!(
            words("readLine(max_len2) <= 7"),
            [
                "readline", "read", "line", "(", "max_len2", "max", "len2", ")", "<", "=", "7"
            ]
        );
        assert_eq!(words(" \n"), [""; 0]);
    }

    #[test]
    fn weights_are_those_of_the_formula_and_of_length_one() {
        let weighing = Weighing::new(["a b", "a c", "a a b"]);
        // `c`, `a c` and `a a` stand in one text only.
        assert_eq!(weighing.count(), 3);
        let (all, two) = (1.0f64, (4.0f64 / 3.0).ln() + 1.0);
        let found = weighing.weigh("a a b z");
        // In the order of their names: `a`, `a b`, `b`.
        let plain = [(1.0 + 2.0f64.ln()) * all, two, two];
        let length = plain.iter().map(|x| x * x).sum::<f64>().sqrt();
        for ((_, weight), expected) in found.iter().zip(plain) {
            assert!(
                (f64::from(*weight) - expected / length).abs() < 1e-6,
                "{found:?}"
            );
        }
        assert_eq!(found.len(), 3);
        assert!(weighing.weigh("z").is_empty());
    }

    #[test]
    fn two_texts_share_differ_and_are_alike() {
        let (a, b) = (vec![(0, 0.5), (2, 0.25)], vec![(1, 1.0), (2, 0.5)]);
        let expected = vec![(2, 0.125), (3, 0.5), (4, 1.0), (5, 0.25), (6, 0.125)];
        assert_eq!(joined(&a, &b, 3), expected);
        assert_eq!(joined(&b, &a, 3), expected);
    }
}
