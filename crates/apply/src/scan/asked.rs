//! What the tasks say of texts: what is kept is used, the rest is read once for all tasks.

use std::collections::{BTreeMap, HashMap};

use skillbelt_train::Result;

use super::cache::{Cache, Key, Table};
use super::kind::Kind;
use super::oracle::Oracle;
use super::rule::Rule;
use super::shelf::Shelf;
use crate::checkout::Hash;

/// Texts that are read before what was said of them is kept.
const TOGETHER: usize = 256;

/// Answers by rule and text.
pub struct Said {
    /// By rule: the probabilities of all classes, by text. Empty for rules about pairs.
    pub shares: Vec<HashMap<Hash, Vec<f32>>>,
    pub vectors: HashMap<Hash, Vec<f32>>,
    /// Texts that were read now, and not found in the cache.
    pub read: usize,
}

/// Which texts a rule or the comparison of pairs needs.
pub struct Wanted<'w> {
    pub rules: &'w [Rule],
    /// By rule, the texts that it asks; none for rules about pairs.
    pub texts: Vec<Vec<Hash>>,
    /// Texts whose vectors are needed.
    pub vectors: Vec<Hash>,
    /// Texts whose vectors are of use if they were computed before.
    pub more_vectors: Vec<Hash>,
}

/// The cache's key of a task under a belt.
pub fn key(belt: &Key, task: &str) -> Key {
    Hash::of(format!("{belt}\0{task}").as_bytes())
}

/// The cache's key of vectors under a belt.
pub fn vector_key(belt: &Key) -> Key {
    key(belt, "\0vectors")
}

/// Asks all rules. `watch` hears how many texts were read, of how many.
pub fn ask(
    wanted: &Wanted<'_>,
    shelf: &mut Shelf<'_>,
    belt: &Key,
    cache: &Cache,
    oracle: &mut dyn Oracle,
    watch: &dyn Fn(usize, usize),
) -> Result<Said> {
    let mut said = Said {
        shares: Vec::new(),
        vectors: HashMap::new(),
        read: 0,
    };
    for (rule, texts) in wanted.rules.iter().zip(&wanted.texts) {
        said.shares.push(match rule.kind {
            Kind::Clone => HashMap::new(),
            _ => known(cache, Table::Answers, &key(belt, &rule.task), texts),
        });
    }
    let vectors = [&wanted.vectors[..], &wanted.more_vectors].concat();
    said.vectors = known(cache, Table::Vectors, &vector_key(belt), &vectors);
    // By text, the rules that have not answered it yet; texts that are asked alike are read together.
    let mut open: BTreeMap<Hash, Asking> = BTreeMap::new();
    for (rule, texts) in wanted.texts.iter().enumerate() {
        for text in texts
            .iter()
            .filter(|text| !said.shares[rule].contains_key(text))
        {
            let asking = open.entry(*text).or_default();
            if asking.rules.last() != Some(&rule) {
                asking.rules.push(rule);
            }
        }
    }
    for text in wanted
        .vectors
        .iter()
        .filter(|text| !said.vectors.contains_key(text))
    {
        open.entry(*text).or_default().vector = true;
    }
    shelf.fetch(open.keys())?;
    let mut alike: BTreeMap<Asking, Vec<Hash>> = BTreeMap::new();
    for (text, asking) in open {
        alike.entry(asking).or_default().push(text);
    }
    let all = alike.values().map(Vec::len).sum();
    for (asking, mut texts) in alike {
        // Texts of like length are packed well together, and the slowest come first.
        let length = |text: &Hash| shelf.text(text).len();
        texts.sort_by_key(|text| (std::cmp::Reverse(length(text)), *text));
        for texts in texts.chunks(TOGETHER) {
            read(
                wanted.rules,
                &asking,
                texts,
                shelf,
                (belt, cache),
                oracle,
                &mut said,
            )?;
            watch(said.read, all);
        }
    }
    Ok(said)
}

/// What is not known of a text: what these rules say of it, and its vector.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Asking {
    rules: Vec<usize>,
    vector: bool,
}

/// Reads texts of which the same is not known, and keeps what is said of them.
fn read(
    rules: &[Rule],
    asking: &Asking,
    texts: &[Hash],
    shelf: &Shelf<'_>,
    (belt, cache): (&Key, &Cache),
    oracle: &mut dyn Oracle,
    said: &mut Said,
) -> Result<()> {
    let tasks: Vec<&str> = asking
        .rules
        .iter()
        .map(|at| rules[*at].task.as_str())
        .collect();
    let code: Vec<&str> = texts.iter().map(|text| shelf.text(text)).collect();
    let answers = oracle.read(&tasks, &code, asking.vector)?;
    for (rule, shares) in asking.rules.iter().zip(&answers.shares) {
        let rows: Vec<(Hash, &[f32])> = texts
            .iter()
            .zip(shares)
            .map(|(text, shares)| (*text, shares.as_slice()))
            .collect();
        cache.keep_numbers(Table::Answers, &key(belt, &rules[*rule].task), &rows);
        let kept = rows.iter().map(|(text, shares)| (*text, shares.to_vec()));
        said.shares[*rule].extend(kept);
    }
    let rows: Vec<(Hash, &[f32])> = texts
        .iter()
        .zip(&answers.vectors)
        .map(|(text, vector)| (*text, vector.as_slice()))
        .collect();
    if asking.vector {
        cache.keep_numbers(Table::Vectors, &vector_key(belt), &rows);
    }
    let kept = rows.iter().map(|(text, vector)| (*text, vector.to_vec()));
    said.vectors.extend(kept);
    said.read += texts.len();
    Ok(())
}

/// What the cache holds of the wanted texts.
fn known(cache: &Cache, table: Table, key: &Key, texts: &[Hash]) -> HashMap<Hash, Vec<f32>> {
    if texts.is_empty() {
        return HashMap::new();
    }
    let mut all = cache.numbers(table, key);
    let mut known = HashMap::with_capacity(texts.len());
    for text in texts {
        if let Some(numbers) = all.remove(text) {
            known.insert(*text, numbers);
        }
    }
    known
}
