//! Functions that do the same: neighbours by their vectors, each verified by the head for pairs.
//!
//! Vectors only propose; a pair is a clone when the head says so, or when both have the same words.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::{Isa, Precision, Weight};
use skillbelt_train::Result;

use super::asked;
use super::cache::{Cache, Key};
use super::oracle::Oracle;
use super::rule::Rule;
use super::shelf::Shelf;
use crate::checkout::{Hash, Language};

/// Neighbours that are proposed for a function.
const NEIGHBOURS: usize = 6;
/// Cosine below which two functions are not proposed.
const NEAR: f32 = 0.8;
/// Functions that are multiplied with all others at once.
const BLOCK: usize = 128;
/// Pairs that are verified before the outcome is kept.
const TOGETHER: usize = 256;

/// Two texts, by their places, that a rule calls clones, and how surely.
pub type Pair = (u32, u32, f32);

/// What clones are looked for among.
pub struct Field<'f> {
    /// Different texts, sorted.
    pub texts: &'f [Hash],
    pub vectors: &'f HashMap<Hash, Vec<f32>>,
    /// By text, which languages it is compared within, as [`kin`] tells.
    pub kin: &'f [Language],
}

/// The language that stands for all that programs are copied between. Heads are taught pairs of one
/// language, and what they say of others is not to be believed.
pub fn kin(language: Language) -> Language {
    match language {
        Language::Cpp => Language::C,
        Language::TypeScript => Language::JavaScript,
        other => other,
    }
}

/// All pairs with their probability, in order, whatever the threshold.
pub fn pairs(
    field: &Field<'_>,
    rule: &Rule,
    shelf: &mut Shelf<'_>,
    (belt, cache): (&Key, &Cache),
    oracle: &mut dyn Oracle,
    watch: &dyn Fn(usize, usize),
) -> Result<Vec<Pair>> {
    let key = asked::key(belt, &rule.task);
    let proposed = proposed(field);
    let known = cache.pairs(&key);
    let name =
        |(one, other): &(u32, u32)| (field.texts[*one as usize], field.texts[*other as usize]);
    let mut shares: HashMap<(Hash, Hash), f32> = HashMap::new();
    let mut open: Vec<(Hash, Hash)> = Vec::new();
    for pair in proposed.iter().map(name) {
        match known.get(&pair) {
            Some(share) => {
                shares.insert(pair, *share);
            }
            None => open.push(pair),
        }
    }
    shelf.fetch(open.iter().flat_map(|(one, other)| [one, other]))?;
    for (done, chunk) in open.chunks(TOGETHER).enumerate() {
        let texts: Vec<(&str, &str)> = chunk
            .iter()
            .map(|(a, b)| (shelf.text(a), shelf.text(b)))
            .collect();
        let answers = oracle.compare(&rule.task, &texts)?;
        let share = |answer: &Vec<f32>| answer.get(rule.place).copied().unwrap_or(0.0);
        let fresh: Vec<((Hash, Hash), f32)> = chunk
            .iter()
            .copied()
            .zip(answers.iter().map(share))
            .collect();
        cache.keep_pairs(&key, &fresh);
        shares.extend(fresh);
        watch((done * TOGETHER + chunk.len()).min(open.len()), open.len());
    }
    let told = |pair: &(u32, u32)| Some((pair.0, pair.1, *shares.get(&name(pair))?));
    Ok(proposed.iter().filter_map(told).collect())
}

/// Pairs of places that are worth a verification: each with its nearest, the smaller place first.
fn proposed(field: &Field<'_>) -> Vec<(u32, u32)> {
    let rows: Vec<(u32, &[f32])> = field
        .texts
        .iter()
        .zip(0..)
        .filter_map(|(text, at)| Some((at, field.vectors.get(text)?.as_slice())))
        .collect();
    let Some(width) = rows.first().map(|(_, row)| row.len()) else {
        return Vec::new();
    };
    let numbers: Vec<f32> = rows.iter().flat_map(|(_, row)| *row).copied().collect();
    let all = Weight::pack(Precision::F32, rows.len(), width, &numbers);
    let mut cosines = vec![0.0; BLOCK.min(rows.len()) * rows.len()];
    let mut pairs: BTreeSet<(u32, u32)> = BTreeSet::new();
    for (block, first) in numbers.chunks(BLOCK * width).zip((0..).step_by(BLOCK)) {
        let count = block.len() / width;
        let cosines = &mut cosines[..count * rows.len()];
        all.forward(Isa::chosen(), block, count, cosines, Epilogue::SET);
        let near = cosines.par_chunks(rows.len()).enumerate();
        let kin = |at: usize| field.kin[rows[at].0 as usize];
        let near: Vec<Vec<usize>> = near
            .map(|(at, row)| nearest(first + at, row, |other| kin(first + at) == kin(other)))
            .collect();
        for (at, near) in near.into_iter().enumerate() {
            let one = rows[first + at].0;
            let others = near.into_iter().map(|other| rows[other].0);
            pairs.extend(others.map(|other| (one.min(other), one.max(other))));
        }
    }
    pairs.into_iter().collect()
}

/// The places of the nearest others by their cosines, of those that may be.
fn nearest(own: usize, cosines: &[f32], may_be: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut best: Vec<(f32, usize)> = Vec::new();
    for (other, cosine) in cosines.iter().copied().enumerate() {
        if cosine < NEAR || other == own {
            continue;
        }
        let last = best.last().map_or(f32::NEG_INFINITY, |last| last.0);
        if (best.len() < NEIGHBOURS || cosine > last) && may_be(other) {
            let at = best.partition_point(|(known, _)| *known >= cosine);
            best.insert(at, (cosine, other));
            best.truncate(NEIGHBOURS);
        }
    }
    best.into_iter().map(|(_, other)| other).collect()
}

/// Members that hang together, each group sorted, groups by their first; and of each group the least
/// sure of the links that joined it. `count` places, joined by pairs.
///
/// Two groups become one when at least half of all pairs between them are links. One link alone would
/// string together what is alike by twos and not by hundreds.
pub fn groups(count: usize, pairs: &[Pair]) -> Vec<(Vec<usize>, f32)> {
    let mut linked: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (one, other, _) in pairs {
        linked[*one as usize].push(*other as usize);
        linked[*other as usize].push(*one as usize);
    }
    let mut group_of: Vec<usize> = (0..count).collect();
    let mut groups: Vec<(Vec<usize>, f32)> = (0..count).map(|at| (vec![at], 1.0)).collect();
    // The surest links first, so that what holds a group is the strongest there is.
    let mut links: Vec<&Pair> = pairs.iter().collect();
    links.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    for (one, other, share) in links {
        let (one, other) = (group_of[*one as usize], group_of[*other as usize]);
        if one == other {
            continue;
        }
        let (small, large) = match groups[one].0.len() <= groups[other].0.len() {
            true => (one, other),
            false => (other, one),
        };
        let members = groups[small].0.iter().flat_map(|at| &linked[*at]);
        let between = members.filter(|at| group_of[**at] == large).count();
        if between * 2 < groups[small].0.len() * groups[large].0.len() {
            continue;
        }
        let (moved, least) = std::mem::take(&mut groups[small]);
        moved.iter().for_each(|at| group_of[*at] = large);
        groups[large].0.extend(moved);
        groups[large].1 = groups[large].1.min(least).min(*share);
    }
    groups.retain(|(members, _)| members.len() > 1);
    groups
        .iter_mut()
        .for_each(|(members, _)| members.sort_unstable());
    groups.sort_by_key(|(members, _)| members[0]);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_those_that_plain_comparison_finds() {
        let texts: Vec<Hash> = (0..200_u32).map(|n| Hash::of(&n.to_le_bytes())).collect();
        let vector = |n: usize| {
            let raw: Vec<f32> = (0..19)
                .map(|at| {
                    ((n / 4 * 31 + at * 7) % 13) as f32 + (n % 4) as f32 * 0.2 * (at % 3) as f32
                })
                .collect();
            let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
            raw.iter().map(|x| x / length).collect::<Vec<f32>>()
        };
        let vectors: HashMap<Hash, Vec<f32>> =
            texts.iter().copied().zip((0..200).map(vector)).collect();
        let one = vec![Language::C; texts.len()];
        let field = |kin| Field {
            texts: &texts,
            vectors: &vectors,
            kin,
        };
        let found = proposed(&field(&one));
        let mut expected = BTreeSet::new();
        for one in 0..200_usize {
            let dot = |other: usize| -> f32 {
                vector(one)
                    .iter()
                    .zip(vector(other))
                    .map(|(a, b)| a * b)
                    .sum()
            };
            let mut all: Vec<(f32, usize)> = (0..200)
                .filter(|other| *other != one)
                .map(|other| (dot(other), other))
                .filter(|(cosine, _)| *cosine > NEAR + 1e-5)
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0));
            // The last of the nearest may be one of several that are as near.
            let sure = all.get(NEIGHBOURS).map_or(0.0, |next| next.0 + 1e-5);
            for (_, other) in all.into_iter().take(NEIGHBOURS).filter(|(c, _)| *c > sure) {
                expected.insert((one.min(other) as u32, one.max(other) as u32));
            }
        }
        let found: BTreeSet<(u32, u32)> = found.into_iter().collect();
        assert!(expected.len() > 200, "{}", expected.len());
        assert!(found.is_superset(&expected));
        assert!(found.len() <= 200 * NEIGHBOURS);
        // Functions of other languages are no neighbours.
        let two: Vec<Language> = (0..200)
            .map(|at| [Language::C, Language::Go][at % 2])
            .collect();
        let found = proposed(&field(&two));
        assert!(!found.is_empty() && found.iter().all(|(a, b)| a % 2 == b % 2));
    }

    #[test]
    fn what_hangs_together_is_one_group_held_by_its_weakest_link() {
        let pairs = [(0, 1, 0.9), (1, 2, 0.7), (0, 2, 0.6), (4, 5, 0.8)];
        let found = groups(6, &pairs);
        assert_eq!(found, [(vec![0, 1, 2], 0.7), (vec![4, 5], 0.8)]);
        assert!(groups(3, &[]).is_empty());
    }

    #[test]
    fn a_string_of_likenesses_is_no_group() {
        let string: Vec<Pair> = (0..99).map(|at| (at, at + 1, 0.9)).collect();
        let found = groups(100, &string);
        assert!(found.len() > 20, "{found:?}");
        assert!(found.iter().all(|(members, _)| members.len() <= 4));
        // Control: where all are like all, they are one.
        let all = (0..20).flat_map(|a| (a + 1..20).map(move |b| (a, b, 0.9)));
        let all: Vec<Pair> = all.collect();
        assert_eq!(groups(20, &all)[0].0.len(), 20);
    }
}
