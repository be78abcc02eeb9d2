//! From functions to findings: who is asked what, and what the answers make of it. Groups stand in
//! `grouped.rs`, what is told in the end in `told.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Counts;
use super::asked::Said;
use super::finding::{Finding, Place, fingerprint};
use super::gathered::Gathered;
use super::ignores::{Ignore, ignores};
use super::kind::Kind;
use super::past::Past;
use super::rule::Rule;
use super::shelf::Shelf;
use super::subject::{Kept, Subject};
use crate::checkout::{Checkout, Hash};

/// Fewer words are too few to say anything by.
const LEAST_WORDS: usize = 15;
/// Shorter functions are alike without being copies.
const LEAST_CLONE_WORDS: usize = 40;
const LEAST_CLONE_LINES: usize = 4;

/// A function by its place among all.
pub(super) type At = usize;

/// A finding and the functions that it is about, the one where it stands first.
pub(super) type Found = (Vec<At>, Finding);

/// The functions of a checkout and what each is asked.
pub struct Asked<'c> {
    pub(super) checkout: &'c Checkout,
    pub(super) kept: &'c [Option<Kept>],
    /// All functions with the number of their entry, in order.
    pub(super) all: Vec<(usize, &'c Subject)>,
    /// What comments say of functions, and what they say that is not followed.
    pub(super) ignores: HashMap<At, Vec<Ignore>>,
    pub(super) unheard: Vec<String>,
    pub(super) rules: &'c [Rule],
    pub(super) past: Option<&'c Past>,
    /// Prints of what the past had.
    pub(super) prints: HashSet<Hash>,
    /// Only functions that the past had not.
    pub(super) only_new: bool,
    /// By rule, the texts that it asks.
    pub texts: Vec<Vec<Hash>>,
    pub(super) places: HashMap<Hash, Vec<At>>,
    /// Texts that are compared with each other, sorted; and those of them that only functions have
    /// that were there before, where it is asked for new ones alone.
    pub(super) compared: Vec<Hash>,
    pub(super) old: BTreeSet<Hash>,
    /// Functions that no rule asks, by reason.
    pub left_out: BTreeMap<String, u64>,
    pub(super) asked: usize,
}

impl<'c> Asked<'c> {
    pub fn new(
        checkout: &'c Checkout,
        gathered: &'c Gathered,
        rules: &'c [Rule],
        past: Option<&'c Past>,
        only_new: bool,
    ) -> Asked<'c> {
        let all = gathered.kept.iter().enumerate().flat_map(|(entry, kept)| {
            let subjects = kept.iter().flat_map(|kept| &kept.subjects);
            subjects.map(move |subject| (entry, subject))
        });
        let mut asked = Asked {
            checkout,
            kept: &gathered.kept,
            all: all.collect(),
            ignores: HashMap::new(),
            unheard: Vec::new(),
            rules,
            past,
            prints: past.map(Past::prints).unwrap_or_default(),
            only_new,
            texts: vec![Vec::new(); rules.len()],
            places: HashMap::new(),
            compared: Vec::new(),
            old: BTreeSet::new(),
            left_out: gathered.left_out.clone(),
            asked: 0,
        };
        let (mut compared, mut new) = (BTreeSet::new(), BTreeSet::new());
        let clones = rules
            .iter()
            .any(|rule| rule.kind == Kind::Clone && rule.silent.is_none());
        asked.listen();
        for at in 0..asked.all.len() {
            let subject = asked.all[at].1;
            asked.places.entry(subject.text).or_default().push(at);
            if let Some(reason) = unasked(subject) {
                *asked.left_out.entry(reason.to_owned()).or_default() += 1;
                continue;
            }
            if clones && is_compared(subject) {
                compared.insert(subject.text);
            }
            if only_new && asked.had(at) {
                *asked.left_out.entry("not changed".to_owned()).or_default() += 1;
                continue;
            }
            let mut any = clones && is_compared(subject);
            if any {
                new.insert(subject.text);
            }
            for (rule, texts) in rules.iter().zip(&mut asked.texts) {
                if asks(rule, subject) {
                    texts.push(subject.text);
                    any = true;
                }
            }
            asked.asked += usize::from(any);
        }
        asked.old = compared.difference(&new).copied().collect();
        asked.compared = compared.into_iter().collect();
        asked
    }

    /// Whether the past had a function. Without a past nothing was there before.
    pub(super) fn had(&self, at: At) -> bool {
        let (entry, subject) = self.all[at];
        self.past
            .is_some_and(|past| past.had(entry, subject, &self.prints))
    }

    /// Asks also what the past said of functions that are not there any more, so that a finding of a
    /// function that was only edited is not taken for a new one.
    pub fn ask_the_past(&mut self, shelf: &mut Shelf<'_>) {
        for file in self.past.iter().flat_map(|past| &past.files) {
            for function in &file.functions {
                shelf.put(file.language, function);
            }
            for subject in file
                .kept
                .subjects
                .iter()
                .filter(|one| unasked(one).is_none())
            {
                for (rule, texts) in self.rules.iter().zip(&mut self.texts) {
                    if asks(rule, subject) {
                        texts.push(subject.text);
                    }
                }
            }
        }
    }

    /// Texts whose vectors are needed for comparing, and texts that are compared if they were read
    /// before: what is new is set against all that is known, and the old is not read for it.
    pub fn members(&self) -> (Vec<Hash>, Vec<Hash>) {
        self.compared
            .iter()
            .partition(|text| !self.old.contains(text))
    }

    /// Leaves out of the comparison what was never read; how many texts.
    pub fn without_vectors(&mut self, said: &Said) -> usize {
        let before = self.compared.len();
        self.compared.retain(|text| said.vectors.contains_key(text));
        before - self.compared.len()
    }

    pub fn all_texts(&self) -> Vec<Hash> {
        let all: BTreeSet<Hash> = self.places.keys().copied().collect();
        all.into_iter().collect()
    }

    pub fn counts(&self, checkout: &Checkout, gathered: &Gathered) -> Counts {
        let tests = self
            .all
            .iter()
            .filter(|(_, subject)| subject.is_test)
            .count();
        Counts {
            files: self.kept.iter().flatten().count(),
            functions: self.all.len() - tests,
            tests,
            asked: self.asked,
            parsed: gathered.parsed,
            other_files: checkout.others,
            ..Counts::default()
        }
    }

    /// Findings of rules about single functions.
    pub fn classified(&self, said: &Said) -> Vec<Found> {
        let mut found = Vec::new();
        for (at, (_, subject)) in self.all.iter().enumerate() {
            if unasked(subject).is_some() || (self.only_new && self.had(at)) {
                continue;
            }
            for (number, rule) in self.rules.iter().enumerate() {
                if let Some(confidence) = told(rule, subject, said, number) {
                    let finding = Finding {
                        rule: number,
                        place: self.place(at),
                        confidence,
                        fingerprint: fingerprint(rule, &[subject.print]),
                        others: Vec::new(),
                    };
                    found.push((vec![at], finding));
                }
            }
        }
        found
    }

    pub(super) fn place(&self, at: At) -> Place {
        let (entry, subject) = self.all[at];
        let entry = &self.checkout.entries[entry];
        Place::of(&entry.shown, &entry.inside, entry.root, subject)
    }

    /// Why a comment wants a rule's finding about a function ignored.
    pub(super) fn ignored(&self, rule: &Rule, at: At) -> Option<&str> {
        let heard = |ignore: &&Ignore| {
            ignore.rules.is_empty() || ignore.rules.iter().any(|word| rule.is_called(word))
        };
        let found = self.ignores.get(&at)?.iter().find(heard)?;
        Some(&found.reason)
    }

    /// Hears what comments say.
    fn listen(&mut self) {
        let mut first = 0;
        for (entry, kept) in self.kept.iter().enumerate() {
            let Some(kept) = kept else { continue };
            let shown = &self.checkout.entries[entry].shown;
            let (heard, unheard) = ignores(kept);
            for ignore in heard {
                match ignore.subject {
                    Some(at) => self.ignores.entry(first + at).or_default().push(ignore),
                    None => {
                        let told =
                            format!("{shown}:{}: the comment is about no function", ignore.line);
                        self.unheard.push(told);
                    }
                }
            }
            for one in unheard {
                let told = format!("{shown}:{}: the comment {}", one.line, one.why);
                self.unheard.push(told);
            }
            first += kept.subjects.len();
        }
    }
}

/// Why a function is asked nothing, if that is so.
pub(super) fn unasked(subject: &Subject) -> Option<&'static str> {
    if subject.nested {
        return Some("inside of another function, which is asked as a whole");
    }
    if !subject.sound {
        return Some("does not parse");
    }
    (subject.words < LEAST_WORDS).then_some("too short to say anything of")
}

fn asks(rule: &Rule, subject: &Subject) -> bool {
    let of_kind = match rule.kind {
        Kind::Clone => false,
        Kind::Flaky => subject.is_test,
        Kind::Vulnerability | Kind::Defect | Kind::Other => !subject.is_test,
    };
    of_kind && rule.silent.is_none()
}

pub(super) fn is_compared(subject: &Subject) -> bool {
    let lines = subject.lines.1 + 1 - subject.lines.0;
    !subject.is_test && subject.words >= LEAST_CLONE_WORDS && lines >= LEAST_CLONE_LINES
}

/// How sure a rule is of a function, if it is sure enough.
pub(super) fn told(rule: &Rule, subject: &Subject, said: &Said, number: usize) -> Option<f32> {
    let shares = said.shares.get(number).filter(|_| asks(rule, subject))?;
    let share = *shares.get(&subject.text)?.get(rule.place)?;
    (f64::from(share) >= rule.threshold).then_some(share)
}
