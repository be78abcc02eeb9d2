//! Texts of one split that nearly stand in another: they are taken out of the later split, so that
//! nothing is asked that was learnt.

use rayon::prelude::*;
use skillbelt_code::near::{self, Texts};

use crate::limits::NEAR;
use crate::split::Split;

/// Which texts stand too near to one of an earlier split, or could not be compared.
///
/// Splits come in the order in which they are used: what is learnt from stays. A text without a
/// single word is near to nothing. If there are more than can be compared, some of all splits are left
/// out, by what they say and not by where they stand.
pub fn too_near(texts: &[(&str, Split)]) -> Vec<Option<&'static str>> {
    too_near_within(texts, near::HELD_RUNS)
}

fn too_near_within(texts: &[(&str, Split)], words: usize) -> Vec<Option<&'static str>> {
    let mut order = with_room(texts, words);
    order.sort_by_key(|at| texts[*at].1);
    let mut held = Texts::default();
    let mut found = vec![Some("no room to compare it with other splits"); texts.len()];
    let mut kept: Vec<usize> = Vec::with_capacity(texts.len());
    for at in order {
        if held.add(texts[at].0).is_some() {
            found[at] = None;
            kept.push(at);
        }
    }
    let splits: Vec<u8> = kept.iter().map(|at| 1 << texts[*at].1 as u8).collect();
    for near in held.matches(&splits, NEAR) {
        if texts[kept[near.text]].1 as usize > near.split {
            found[kept[near.text]] = Some("nearly the same as one of another split");
        }
    }
    found
}

/// The texts that have no more than so many words together, all of them if that is so.
fn with_room(texts: &[(&str, Split)], words: usize) -> Vec<usize> {
    let sizes: Vec<usize> = texts
        .par_iter()
        .map(|(text, _)| near::words(text).count())
        .collect();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    if sizes.iter().sum::<usize>() <= words {
        return order;
    }
    order.sort_by_cached_key(|at| near::hashed(texts[*at].0.as_bytes()));
    let mut held = 0;
    order.retain(|at| {
        held += sizes[*at];
        held <= words
    });
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_split_gives_way_and_equal_texts_of_one_split_stay() {
        let long = |word: &str| {
            (0..40)
                .map(|n| format!("{word}{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let (a, b) = (long("a"), long("b"));
        let nearly = format!("{a} one more");
        let texts = [
            (nearly.as_str(), Split::Test),
            (a.as_str(), Split::Train),
            (a.as_str(), Split::Train),
            (b.as_str(), Split::Valid),
            (b.as_str(), Split::Test),
        ];
        let gone: Vec<bool> = too_near(&texts).iter().map(Option::is_some).collect();
        assert_eq!(gone, [true, false, false, false, true]);
    }

    #[test]
    fn too_many_texts_cost_every_split_its_share_and_none_all_it_has() {
        let text = |number: usize| {
            let words = (0..20).map(|at| format!("n{number}w{at}"));
            words.collect::<Vec<_>>().join(" ")
        };
        let owned: Vec<String> = (0..1_000).map(text).collect();
        let splits = (0..1_000).map(|number| match number % 10 {
            0 => Split::Test,
            1 => Split::Valid,
            _ => Split::Train,
        });
        let texts: Vec<(&str, Split)> = owned.iter().map(String::as_str).zip(splits).collect();
        let kept = |words| {
            let gone = too_near_within(&texts, words);
            Split::ALL.map(|split| {
                let of_split = texts.iter().zip(&gone).filter(|((_, of), _)| *of == split);
                of_split.filter(|(_, gone)| gone.is_none()).count()
            })
        };
        assert_eq!(kept(20_000), [800, 100, 100]);
        let [train, valid, test] = kept(10_000);
        assert_eq!(train + valid + test, 500);
        assert!(
            train > 350 && valid > 25 && test > 25,
            "{train} {valid} {test}"
        );
    }
}
