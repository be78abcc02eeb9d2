//! METEOR as nltk computes it: words aligned in stages, an F that leans to recall, and a penalty for
//! scattered matches.
//!
//! The stages decide what the number is called. With all three (equal words, equal stems, synonyms of
//! WordNet) it is `meteor_nltk`; without a WordNet the third is missing, and it is called
//! `meteor_exact_stem`. The alignment is nltk's greedy one from the ends of both texts, not the one
//! with the fewest chunks that the first paper asks for.

use std::collections::HashMap;

use super::bleu::words;
use super::porter::stem;
use super::wordnet::WordNet;

/// Weight of the precision against the recall in the harmonic mean.
const ALPHA: f64 = 0.9;
/// Power and weight of the penalty.
const BETA: i32 = 3;
const GAMMA: f64 = 0.5;

/// A place in a text and the word there.
type Word = (usize, String);

/// Words are what white space parts, in small letters.
pub fn score(written: &str, expected: &str, synonyms: Option<&WordNet>) -> f64 {
    let numbered = |text: &str| -> Vec<Word> {
        let words = words(text).into_iter().map(str::to_lowercase);
        words.enumerate().collect()
    };
    let (mut ours, mut theirs) = (numbered(written), numbered(expected));
    let lengths = (ours.len() as f64, theirs.len() as f64);
    let mut matches = equal(&mut ours, &mut theirs);
    for (_, word) in ours.iter_mut().chain(&mut theirs) {
        *word = stem(word);
    }
    matches.extend(equal(&mut ours, &mut theirs));
    if let Some(wordnet) = synonyms {
        // As in nltk, synonyms are those of stems, for the stage before left these.
        matches.extend(alike(&mut ours, &mut theirs, wordnet));
    }
    matches.sort_unstable();
    if matches.is_empty() {
        return 0.0;
    }
    let count = matches.len() as f64;
    let (precision, recall) = (count / lengths.0, count / lengths.1);
    let mean = (precision * recall) / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let penalty = GAMMA * (chunks(&matches) as f64 / count).powi(BETA);
    (1.0 - penalty) * mean
}

/// Takes out equal words, the last of both first.
fn equal(ours: &mut Vec<Word>, theirs: &mut Vec<Word>) -> Vec<(usize, usize)> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, word) in theirs.iter() {
        places.entry(word).or_default().push(*place);
    }
    let last = |(place, word): &Word| Some((*place, places.get_mut(word.as_str())?.pop()?));
    let matches: Vec<(usize, usize)> = ours.iter().rev().filter_map(last).collect();
    let (of_ours, of_theirs): (Vec<usize>, Vec<usize>) = matches.iter().copied().unzip();
    without(ours, of_ours);
    without(theirs, of_theirs);
    matches
}

fn without(words: &mut Vec<Word>, mut taken: Vec<usize>) {
    taken.sort_unstable();
    words.retain(|(place, _)| taken.binary_search(place).is_err());
}

/// Takes out words of ours that have a synonym among theirs, the last of both first.
fn alike(ours: &mut Vec<Word>, theirs: &mut Vec<Word>, wordnet: &WordNet) -> Vec<(usize, usize)> {
    let mut matches = Vec::new();
    for (place, word) in ours.iter().rev() {
        let synonyms = wordnet.synonyms(word);
        let found = theirs
            .iter()
            .rposition(|(_, other)| synonyms.contains(other.as_str()));
        if let Some(found) = found {
            matches.push((*place, theirs.remove(found).0));
        }
    }
    without(ours, matches.iter().map(|(place, _)| *place).collect());
    matches
}

/// Runs of matches that stand side by side, and in the same order, in both texts.
fn chunks(matches: &[(usize, usize)]) -> usize {
    let goes_on =
        |pair: &&[(usize, usize)]| pair[1].0 == pair[0].0 + 1 && pair[1].1 == pair[0].1 + 1;
    matches.len() - matches.windows(2).filter(goes_on).count()
}
