//! What a person may have meant by a word that is not known.

/// What people who come from other programs type, and what it is called here.
const OTHER_NAMES: [(&str, &str); 24] = [
    ("lr", "learning_rate"),
    ("epochs", "num_epochs"),
    ("num_train_epochs", "num_epochs"),
    ("steps", "max_steps"),
    ("per_device_train_batch_size", "batch_size"),
    ("train_batch_size", "batch_size"),
    ("scheduler", "lr_scheduler_type"),
    ("optimizer", "optim"),
    ("optimiser", "optim"),
    ("warmup", "warmup_ratio"),
    ("clip", "max_grad_norm"),
    ("grad_accumulation", "gradient_accumulation_steps"),
    ("r", "lora_r"),
    ("rank", "lora_r"),
    ("alpha", "lora_alpha"),
    ("dropout", "lora_dropout"),
    ("prefix_length", "num_virtual_tokens"),
    ("model", "base"),
    ("output_dir", "output"),
    ("validation", "valid"),
    ("dev", "valid"),
    ("max_seq_length", "max_length"),
    ("sampling_temperature", "mixing_temperature"),
    ("random_seed", "seed"),
];

/// What a foreign name is called here.
pub fn translated(word: &str) -> Option<&'static str> {
    let found = OTHER_NAMES.iter().find(|(foreign, _)| *foreign == word);
    found.map(|(_, here)| *here)
}

/// The known word that is nearest, if it is near enough to have been meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 64;
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    if word.len() > LONGEST {
        return None;
    }
    let word = plain(word);
    let near = known.into_iter().map(|k| (distance(&word, &plain(k)), k));
    // Ties go to the first in the order of the keys.
    let (least, key) = near.min_by_key(|(distance, _)| *distance)?;
    let allowed = (key.chars().count() / 3).clamp(1, 3);
    (least <= allowed).then_some(key)
}

/// Letters to insert, remove, replace or swap with a neighbour to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut older: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(older[j - 1] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_each_slip_once() {
        for (a, b, slips) in [
            ("", "abc", 3),
            ("rate", "rate", 0),
            ("learnig_rate", "learning_rate", 1),
            ("sede", "seed", 1),
            ("policy", "output", 6),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (slips, slips), "{a} {b}");
        }
    }

    #[test]
    fn a_word_that_is_far_from_all_is_not_guessed_at() {
        let known = ["seed", "optim", "learning_rate"];
        assert_eq!(nearest("sed", known), Some("seed"));
        assert_eq!(nearest("Learning-Rate", known), Some("learning_rate"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
