//! Frozen weights that several networks of one base have in common: each is packed once, however many
//! belts stand on the base at the same time.
//!
//! It holds packed maps and tables only. What a belt may change (biases, norms, everything trained)
//! is never shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use skillbelt_engine::{Precision, Weight};

/// Packed weights by the content of their checkpoint, their key there, and how they are kept.
#[derive(Default)]
pub struct Held {
    maps: Mutex<HashMap<(String, String, Precision), Arc<Weight>>>,
}

impl Held {
    /// What is held of a weight, if it has the expected shape.
    pub(super) fn get(
        &self,
        content: &str,
        key: &str,
        precision: Precision,
        shape: (usize, usize),
    ) -> Option<Arc<Weight>> {
        let maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let found = maps.get(&(content.to_owned(), key.to_owned(), precision))?;
        ((found.outputs(), found.inputs()) == shape).then(|| Arc::clone(found))
    }

    pub(super) fn put(&self, content: &str, key: &str, precision: Precision, map: &Arc<Weight>) {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (content.to_owned(), key.to_owned(), precision);
        maps.insert(key, Arc::clone(map));
    }

    /// Bytes of all that is held, each weight once.
    pub fn bytes(&self) -> usize {
        let maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        maps.values().map(|map| map.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use skillbelt_engine::Pass;
    use skillbelt_engine::ops::Map;

    use super::*;
    use crate::base::{self, Base, Batch, Purpose};

    fn open(family: &str, precision: Precision, held: &Held) -> Base {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        base::open_shared(&root.join(family), Purpose::frozen(precision), held).unwrap()
    }

    fn maps(base: &mut Base) -> Vec<Arc<Weight>> {
        let linears = base.network.linears_mut().unwrap().into_iter();
        let frozen = linears.filter_map(|linear| match &linear.map {
            Map::Frozen(weight) => Some(Arc::clone(weight)),
            Map::Trained(_) => None,
        });
        frozen.collect()
    }

    #[test]
    fn a_base_that_is_opened_again_has_the_same_weights_and_gives_the_same_numbers() {
        for family in ["bert", "qwen2", "t5"] {
            let held = Held::default();
            let mut first = open(family, Precision::F32, &held);
            let bytes = held.bytes();
            let mut second = open(family, Precision::F32, &held);
            assert!(bytes > 0);
            assert_eq!(held.bytes(), bytes, "{family}");
            let (own, others) = (maps(&mut first), maps(&mut second));
            assert!(!own.is_empty());
            assert!(own.iter().zip(&others).all(|(a, b)| Arc::ptr_eq(a, b)));
            let batch = Batch::pack(&[[1_u32, 5, 9, 3]]).unwrap();
            let run = |base: &Base| {
                let hidden = base.network.hidden(&Pass::inference(), &batch, None);
                hidden.unwrap().value().data().to_vec()
            };
            assert_eq!(run(&first), run(&second), "{family}");
        }
    }

    #[test]
    fn another_precision_or_another_checkpoint_shares_nothing() {
        let held = Held::default();
        let mut first = open("bert", Precision::F32, &held);
        for (family, precision) in [("bert", Precision::Int8), ("roberta", Precision::F32)] {
            let mut second = open(family, precision, &held);
            let (own, others) = (maps(&mut first), maps(&mut second));
            assert!(own.iter().zip(&others).all(|(a, b)| !Arc::ptr_eq(a, b)));
        }
    }
}
