//! From functions to findings: who is asked what, what is told, what is known or ignored.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use skillbelt_train::Result;

use super::asked::Said;
use super::cache::{Cache, Key};
use super::clones::{self, Field, Pair};
use super::finding::{Finding, Place, fingerprint, number};
use super::gathered::Gathered;
use super::ignores::{Ignore, ignores};
use super::oracle::Oracle;
use super::past::{Known, Past};
use super::rule::{Kind, Rule};
use super::shelf::Shelf;
use super::subject::{Kept, Subject};
use super::{Counts, Ignored};
use crate::checkout::{Checkout, Hash};

/// Fewer words are too few to say anything by.
const LEAST_WORDS: usize = 15;
/// Shorter functions are alike without being copies.
const LEAST_CLONE_WORDS: usize = 40;
const LEAST_CLONE_LINES: usize = 4;

/// A function by its place among all.
type At = usize;

/// A finding and the functions that it is about, the one where it stands first.
type Found = (Vec<At>, Finding);

/// The functions of a checkout and what each is asked.
pub struct Asked<'c> {
    checkout: &'c Checkout,
    kept: &'c [Option<Kept>],
    /// All functions with the number of their entry, in order.
    all: Vec<(usize, &'c Subject)>,
    /// What comments say of functions, and what they say that is not followed.
    ignores: HashMap<At, Vec<Ignore>>,
    unheard: Vec<String>,
    rules: &'c [Rule],
    past: Option<&'c Past>,
    /// Prints of what the past had.
    prints: HashSet<Hash>,
    /// Only functions that the past had not.
    only_new: bool,
    /// By rule, the texts that it asks.
    pub texts: Vec<Vec<Hash>>,
    places: HashMap<Hash, Vec<At>>,
    /// Texts that are compared with each other, sorted; and those of them that only functions have
    /// that were there before, where it is asked for new ones alone.
    compared: Vec<Hash>,
    old: BTreeSet<Hash>,
    /// Functions that no rule asks, by reason.
    pub left_out: BTreeMap<String, u64>,
    asked: usize,
}

/// What is told in the end.
pub struct Told {
    pub findings: Vec<Finding>,
    pub ignored: Vec<Ignored>,
    pub known: usize,
    pub notes: Vec<String>,
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
    fn had(&self, at: At) -> bool {
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
        let field = Field {
            texts: &self.compared,
            vectors: &said.vectors,
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

    fn place(&self, at: At) -> Place {
        let (entry, subject) = self.all[at];
        let entry = &self.checkout.entries[entry];
        Place::of(&entry.shown, &entry.inside, entry.root, subject)
    }

    /// Why a comment wants a rule's finding about a function ignored.
    fn ignored(&self, rule: &Rule, at: At) -> Option<&str> {
        let heard = |ignore: &&Ignore| {
            ignore.rules.is_empty() || ignore.rules.iter().any(|word| rule.is_called(word))
        };
        let found = self.ignores.get(&at)?.iter().find(heard)?;
        Some(&found.reason)
    }

    /// Takes out what comments ignore and what was known before, and puts the rest in order.
    pub fn told(
        &self,
        mut all: Vec<Found>,
        said: &Said,
        known: Option<Known>,
        new_since: bool,
    ) -> Told {
        let mut told = Told {
            findings: Vec::new(),
            ignored: Vec::new(),
            known: 0,
            notes: self.unheard.clone(),
        };
        let mut before = match new_since {
            true => self.before(said),
            false => Known::default(),
        };
        let mut known = known.unwrap_or_default();
        all.sort_by_key(|(members, finding)| (members[0], finding.rule));
        for (members, finding) in all {
            let rule = &self.rules[finding.rule];
            if let Some(reason) = self.ignored(rule, members[0]) {
                let reason = reason.to_owned();
                told.ignored.push(Ignored { finding, reason });
                continue;
            }
            let takes = |known: &mut Known| {
                let place = &finding.place;
                known.takes(&rule.task, finding.print(), &place.path, &place.function)
            };
            let was = new_since && (self.was_there(&members) || takes(&mut before));
            if was || takes(&mut known) {
                told.known += 1;
            } else {
                told.findings.push(finding);
            }
        }
        number(&mut told.findings);
        told
    }

    /// Whether the past had the function, or at least two of a group.
    fn was_there(&self, members: &[At]) -> bool {
        let had = members.iter().filter(|at| self.had(**at)).count();
        had >= members.len().min(2)
    }

    /// Findings of functions that the past had and that are not there any more.
    fn before(&self, said: &Said) -> Known {
        let mut known = Known::default();
        for file in self.past.iter().flat_map(|past| &past.files) {
            for subject in file
                .kept
                .subjects
                .iter()
                .filter(|one| unasked(one).is_none())
            {
                for (number, rule) in self.rules.iter().enumerate() {
                    if told(rule, subject, said, number).is_some() {
                        let print = fingerprint(rule, &[subject.print]);
                        known.add(&rule.task, &print, &file.path, &subject.name);
                    }
                }
            }
        }
        known
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
fn unasked(subject: &Subject) -> Option<&'static str> {
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

fn is_compared(subject: &Subject) -> bool {
    let lines = subject.lines.1 + 1 - subject.lines.0;
    !subject.is_test && subject.words >= LEAST_CLONE_WORDS && lines >= LEAST_CLONE_LINES
}

/// How sure a rule is of a function, if it is sure enough.
fn told(rule: &Rule, subject: &Subject, said: &Said, number: usize) -> Option<f32> {
    let shares = said.shares.get(number).filter(|_| asks(rule, subject))?;
    let share = *shares.get(&subject.text)?.get(rule.place)?;
    (f64::from(share) >= rule.threshold).then_some(share)
}
