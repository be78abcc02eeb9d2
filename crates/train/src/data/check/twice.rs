//! What stands twice: rows, parts of rows, texts that are almost the same, ids; and groups that
//! stand in several splits.

use std::collections::hash_map::Entry;

use super::census::{Census, SHOWN, Said};
use super::report::Crossing;
use crate::data::{Place, Row, Split};
use crate::recipe::TaskType;

/// Tells texts apart; a hash, because all texts would not fit in memory.
pub type Key = [u8; 16];

/// Something that may stand in several places: the first place in each split.
#[derive(Default)]
pub struct Seen {
    pub places: [Option<Place>; 3],
}

impl Seen {
    pub fn splits(&self) -> u8 {
        (0..3)
            .map(|split| u8::from(self.places[split].is_some()) << split)
            .sum()
    }
}

impl Census<'_> {
    /// Duplicates of whole rows, and labels that contradict each other.
    pub(super) fn whole(&mut self, said: &Said<'_>, place: &Place) {
        let key = key(&said.whole);
        let split = self.split;
        let (seen, label) = self
            .wholes
            .entry(key)
            .or_insert_with(|| (Seen::default(), said.label.map(str::to_owned)));
        let first = seen.places.iter().flatten().next().cloned();
        if let (Some(first), true) = (
            &first,
            label.as_deref() != said.label && self.conflicting.insert(key),
        ) {
            self.conflicts.contents += 1;
            let shown = |label: Option<&str>| label.unwrap_or("no label").to_owned();
            if self.conflicts.examples.len() < SHOWN {
                self.conflicts.examples.push(format!(
                    "{first}: {}; {place}: {}",
                    shown(label.as_deref()),
                    shown(said.label)
                ));
            }
        }
        for earlier in 0..3 {
            let Some(first) = &seen.places[earlier] else {
                continue;
            };
            if earlier == split {
                if let Some((_, report)) = self.splits.last_mut() {
                    report.duplicates += 1;
                    show(&mut report.duplicate_examples, first, place);
                }
            } else if let Some(pairing) = self.across.get_mut(&(split, earlier)) {
                pairing.rows += 1;
                show(&mut pairing.row_examples, first, place);
            }
        }
        seen.places[split].get_or_insert_with(|| place.clone());
    }

    /// Texts that stand in two splits; new ones are kept to be compared.
    pub(super) fn part(&mut self, text: &str, place: &Place) {
        // Of a row that is one text, equal rows are told already.
        let told = matches!(self.kind, TaskType::Classify) || self.by_member();
        let key = key(&[text]);
        let split = self.split;
        let seen = match self.parts.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let number = self.texts.add(text);
                if number.is_some() {
                    self.compared.push((place.clone(), key));
                }
                entry.insert(Seen::default())
            }
        };
        if seen.places[split].is_some() {
            return;
        }
        for earlier in (0..3).filter(|_| !told) {
            if let (Some(first), Some(pairing)) = (
                &seen.places[earlier],
                self.across.get_mut(&(split, earlier)),
            ) {
                pairing.parts += 1;
                show(&mut pairing.part_examples, first, place);
            }
        }
        if let Some(seen) = self.parts.get_mut(&key) {
            seen.places[split] = Some(place.clone());
        }
    }

    fn by_member(&self) -> bool {
        self.kind == TaskType::Retrieve
            && self.splits.values().any(|split| !split.labels.is_empty())
    }

    pub(super) fn names(&mut self, row: &Row) {
        if let Some(id) = &row.id {
            match self.ids.entry(key(&[id])) {
                Entry::Vacant(entry) => drop(entry.insert(row.place.clone())),
                Entry::Occupied(entry) => {
                    if let Some((_, report)) = self.splits.last_mut() {
                        report.duplicate_ids += 1;
                        if report.duplicate_id_examples.len() < SHOWN {
                            report.duplicate_id_examples.push(format!(
                                "`{id}`: {}, {}",
                                entry.get(),
                                row.place
                            ));
                        }
                    }
                }
            }
        }
        if let Some(group) = &row.group {
            let seen = self.groups.entry(group.clone()).or_default();
            seen.places[self.split].get_or_insert_with(|| row.place.clone());
        }
    }

    pub(super) fn near(&mut self, share: f64) {
        let splits: Vec<u8> = self
            .compared
            .iter()
            .map(|(_, key)| self.parts.get(key).map_or(0, Seen::splits))
            .collect();
        for found in self.texts.matches(&splits, share) {
            let (place, key) = &self.compared[found.text];
            let (_, earlier_key) = &self.compared[found.earlier];
            let (Some(seen), Some(earlier)) = (self.parts.get(key), self.parts.get(earlier_key))
            else {
                continue;
            };
            for split in (0..3).filter(|split| seen.places[*split].is_some()) {
                let here = seen.places[split].as_ref().unwrap_or(place);
                let Some(there) = &earlier.places[found.split] else {
                    continue;
                };
                if split == found.split {
                    if let Some(report) = self.splits.get_mut(Split::ALL[split].name()) {
                        report.near += 1;
                        show(&mut report.near_examples, there, here);
                    }
                } else if let Some(pairing) = self
                    .across
                    .get_mut(&(split.max(found.split), split.min(found.split)))
                {
                    pairing.near += 1;
                    show(&mut pairing.near_examples, there, here);
                }
            }
        }
    }

    pub(super) fn crossing(&self) -> Crossing {
        let mut crossing = Crossing {
            declared: self.task.fields.contains_key("group"),
            groups: self.groups.len() as u64,
            ..Crossing::default()
        };
        for (group, seen) in self
            .groups
            .iter()
            .filter(|(_, seen)| seen.splits().count_ones() > 1)
        {
            crossing.crossing += 1;
            if crossing.examples.len() < SHOWN {
                let places: Vec<String> =
                    seen.places.iter().flatten().map(Place::to_string).collect();
                crossing
                    .examples
                    .push(format!("`{group}`: {}", places.join(", ")));
            }
        }
        crossing
    }
}

fn key(texts: &[&str]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

fn show(examples: &mut Vec<[String; 2]>, first: &Place, second: &Place) {
    if examples.len() < SHOWN {
        examples.push([first.to_string(), second.to_string()]);
    }
}
