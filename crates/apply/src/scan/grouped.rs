//! Findings about pairs: functions that do the same, as groups.

use std::collections::HashSet;

use skillbelt_train::Result;

use super::asked::Said;
use super::cache::{Cache, Key};
use super::clones::{self, Field, Pair};
use super::finding::{Finding, fingerprint};
use super::found::{Asked, At, Found, is_compared, unasked};
use super::oracle::Oracle;
use super::rule::Rule;
use super::shelf::Shelf;
use crate::checkout::{Hash, Language};

impl Asked<'_> {
    /// All pairs of a rule with their probabilities; from the cache if the texts are the same as in
    /// an earlier scan.
    pub fn pairs(
        &self,
        said: &Said,
        rule: &Rule,
        shelf: &mut Shelf<'_>,
        (belt, cache): (&Key, &Cache),
        oracle: &mut dyn Oracle,
        watch: &dyn Fn(usize, usize),
    ) -> Result<Vec<Pair>> {
        let mut name = blake3::Hasher::new();
        name.update(super::asked::key(belt, &rule.task).bytes());
        self.compared.iter().for_each(|text| {
            name.update(text.bytes());
        });
        let name = Hash::of(name.finalize().as_bytes());
        if let Some(pairs) = cache.clones(&name) {
            return Ok(pairs);
        }
        let kin: Vec<Language> = self.compared.iter().map(|text| self.kin(text)).collect();
        let field = Field {
            texts: &self.compared,
            vectors: &said.vectors,
            kin: &kin,
        };
        let pairs = clones::pairs(&field, rule, shelf, (belt, cache), oracle, watch)?;
        cache.keep_clones(&name, &pairs);
        Ok(pairs)
    }

    /// Findings of a rule about pairs: each group of functions that do the same is one. A function
    /// with a comment that ignores the rule leaves its group; a group that so falls apart is told with
    /// that function, and then ignored.
    pub fn cloned(&self, number: usize, pairs: &[Pair]) -> Vec<Found> {
        let rule = &self.rules[number];
        let count = self.compared.len();
        let sure = |pair: &&Pair| {
            let known = (pair.0.max(pair.1) as usize) < count;
            known && f64::from(pair.2) >= rule.threshold
        };
        let sure: Vec<Pair> = pairs.iter().filter(sure).copied().collect();
        let mut groups = clones::groups(count, &sure);
        let grouped: HashSet<usize> = groups.iter().flat_map(|(group, _)| group.clone()).collect();
        // The very same text in several places needs no head to say so.
        let alone = (0..count).filter(|at| !grouped.contains(at));
        groups.extend(alone.map(|at| (vec![at], 1.0)));
        let mut found = Vec::new();
        for (texts, confidence) in groups {
            let places = texts.iter().map(|at| &self.compared[*at]);
            let places = places.filter_map(|text| self.places.get(text)).flatten();
            let mut members: Vec<At> = places.copied().filter(|at| self.is_member(*at)).collect();
            members.sort_unstable();
            if members.len() < 2 {
                continue;
            }
            let (ignored, left): (Vec<At>, Vec<At>) = members
                .iter()
                .partition(|at| self.ignored(rule, **at).is_some());
            let members = match left.len() {
                0 | 1 => [ignored, left].concat(),
                _ => left,
            };
            found.extend(self.group(number, members, confidence));
        }
        found
    }

    /// What a text is compared with. Its name knows its language, so any of its places will do.
    fn kin(&self, text: &Hash) -> Language {
        let first = self.places[text][0];
        clones::kin(self.checkout.entries[self.all[first].0].language)
    }

    fn is_member(&self, at: At) -> bool {
        let subject = self.all[at].1;
        unasked(subject).is_none() && is_compared(subject)
    }

    /// One finding for a group. Where only what is new is asked for, it stands at a new member.
    fn group(&self, number: usize, mut members: Vec<At>, confidence: f32) -> Option<Found> {
        if self.only_new {
            let new = members.iter().position(|at| !self.had(*at))?;
            members[..=new].rotate_right(1);
        }
        let prints: Vec<Hash> = members.iter().map(|at| self.all[*at].1.print).collect();
        let (first, others) = members.split_first()?;
        let finding = Finding {
            rule: number,
            place: self.place(*first),
            confidence,
            fingerprint: fingerprint(&self.rules[number], &prints),
            others: others.iter().map(|at| self.place(*at)).collect(),
        };
        Some((members, finding))
    }
}
