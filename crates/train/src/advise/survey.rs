//! What a task's training rows say of themselves before anything is learnt: how many there are, how
//! long, and how often equal texts have unequal labels.

use std::collections::{BTreeMap, HashMap};

use super::line::TaskFacts;
use crate::data::TextId;
use crate::run::Prepared;
use crate::task::Item;

/// Surveys a task. `held` rows of its validation rows, or of its training rows, are looked at.
pub fn survey(task: &Prepared, held: usize, held_is_valid: bool) -> TaskFacts {
    let set = &task.train;
    let lengths = set.items.iter().flat_map(|item| item.texts.iter());
    let classed = !task.objective.labels().is_empty();
    let (repeated, contradicted) = contradictions(&set.items);
    TaskFacts {
        name: task.name.clone(),
        rows: set.items.len() as u64,
        tokens: lengths.map(|text| set.shelf.length(*text) as u64).sum(),
        repeated: classed.then_some(repeated),
        contradicted: classed.then_some(contradicted),
        held: held as u64,
        held_is_valid,
    }
}

/// Rows whose texts come again, and those among them that most of the others contradict. Equal
/// texts lie on the shelf once, so equal ids are equal texts, as the base reads them: after truncation.
fn contradictions(items: &[Item]) -> (u64, u64) {
    let mut labels: HashMap<&[TextId], BTreeMap<u32, u64>> = HashMap::new();
    for item in items.iter().filter(|item| item.is_known()) {
        *labels
            .entry(&item.texts)
            .or_default()
            .entry(item.label)
            .or_default() += 1;
    }
    // Sums, in which the order of the map cannot be seen.
    let (mut repeated, mut contradicted) = (0, 0);
    for counts in labels.values() {
        let rows: u64 = counts.values().sum();
        let most = counts.values().max().copied().unwrap_or_default();
        if rows > 1 {
            repeated += rows;
            contradicted += rows - most;
        }
    }
    (repeated, contradicted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shelf;

    #[test]
    fn equal_texts_with_unequal_labels_are_counted() {
        let mut shelf = Shelf::new();
        let rows = [
            (1, 0),
            (1, 0),
            (1, 1),
            (2, 1),
            (2, 1),
            (3, 0),
            (4, Item::UNKNOWN),
            (4, 1),
        ];
        let items: Vec<Item> = rows
            .iter()
            .map(|(text, label)| Item {
                texts: Box::new([shelf.put(&[*text]).unwrap()]),
                label: *label,
                name: String::new(),
                expected: None,
            })
            .collect();
        assert_eq!(contradictions(&items), (5, 1));
    }
}
