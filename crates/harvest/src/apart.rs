//! Texts of one split that nearly stand in another: they are taken out of the later split, so that
//! nothing is asked that was learnt.

use skillbelt_code::near::Texts;

use crate::limits::NEAR;
use crate::split::Split;

/// Which texts stand too near to one of an earlier split, or could not be compared.
///
/// Splits come in the order in which they are used: what is learnt from stays. A text without a
/// single word is near to nothing.
pub fn too_near(texts: &[(&str, Split)]) -> Vec<Option<&'static str>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| texts[*at].1);
    let mut held = Texts::default();
    let mut found = vec![None; texts.len()];
    let mut kept: Vec<usize> = Vec::with_capacity(texts.len());
    for at in order {
        match held.add(texts[at].0) {
            Some(_) => kept.push(at),
            None => found[at] = Some("no room to compare it with other splits"),
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
}
