//! What learning from plain texts shares, whatever the aim: pieces of windows, and how many bits a
//! text costs per byte.

use skillbelt_engine::ops::Linear;

use crate::data::TextId;
use crate::error::Result;
use crate::task::{Answer, Learnt, Set, Stage, unreadable};

/// Why no row of a data set is taken.
pub const NO_ROWS: &str = "pretraining reads texts, not rows";

/// The bytes that tokens stand for.
pub struct Pieces {
    /// By id; none for tokens with a role.
    pub bytes: Vec<u32>,
}

impl Pieces {
    /// The pieces of some windows, in their order.
    pub fn of(set: &Set, batch: &[usize]) -> Vec<TextId> {
        let pieces = batch.iter().flat_map(|item| set.items[*item].texts.iter());
        pieces.copied().collect()
    }

    /// The cost of each window in nats, and the bytes that the tokens it was asked for stand for.
    /// `cost` gives the loss of each token of a window that was asked, and the tokens.
    pub fn weigh(
        &self,
        set: &Set,
        cost: impl Fn(&[Vec<u32>]) -> Result<(Vec<f32>, Vec<u32>)>,
    ) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(set.items.len());
        for item in 0..set.items.len() {
            let texts = Pieces::of(set, &[item]);
            let places: Vec<usize> = (0..texts.len()).collect();
            let (losses, asked) = cost(&fetch(set, &texts, &places)?)?;
            let nats: f64 = losses.iter().map(|loss| f64::from(*loss)).sum();
            let bytes = asked.iter().map(|id| u64::from(self.bytes[*id as usize]));
            answers.push(Answer::Text {
                written: None,
                expected: None,
                loss: Some((nats, bytes.sum())),
            });
        }
        Ok(answers)
    }
}

/// The ids of some texts.
pub fn fetch(set: &Set, texts: &[TextId], places: &[usize]) -> Result<Vec<Vec<u32>>> {
    let ids = places
        .iter()
        .map(|place| set.shelf.get(texts[*place]).map_err(unreadable));
    ids.collect()
}

/// The map to the vocabulary, which a base must have to be pretrained.
pub fn head<'n>(stage: &Stage<'n>) -> Result<&'n Linear> {
    let head = stage.network.head();
    Ok(head.ok_or_else(|| {
        stage
            .network
            .cannot("learn from plain texts: it has no language-model head")
    })?)
}

/// All nats in bits, over all bytes; no number where nothing was asked.
pub fn bits_per_byte(answers: &[Answer]) -> f64 {
    let (nats, bytes) = sums(answers);
    nats / std::f64::consts::LN_2 / bytes as f64
}

/// The mean loss in nats per byte.
pub fn mean(set: &Set, answers: &[Answer]) -> Learnt {
    let (nats, bytes) = sums(answers);
    let all = set.items.iter().flat_map(|item| item.texts.iter());
    Learnt {
        loss: nats / bytes.max(1) as f64,
        units: bytes,
        tokens: all.map(|text| set.shelf.length(*text) as u64).sum(),
    }
}

fn sums(answers: &[Answer]) -> (f64, u64) {
    let losses = answers.iter().filter_map(|answer| match answer {
        Answer::Text { loss, .. } => *loss,
        _ => None,
    });
    losses.fold((0.0, 0), |(nats, bytes), (own, of)| {
        (nats + own, bytes + of)
    })
}
