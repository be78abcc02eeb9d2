//! How sources and targets go through a network that writes: read and answered, or continued. It
//! gives the states that the loss wants, one for each token that is to be written.

use skillbelt_engine::{Pass, Var};
use skillbelt_model::base::Batch;

use super::{Stage, vectors};
use crate::error::Result;

/// One item as the network reads it.
pub struct Sequence {
    pub source: Vec<u32>,
    /// With the token that ends it.
    pub target: Vec<u32>,
}

/// What a base writes from, and which tokens count.
pub struct Reading {
    /// What the decoder of an encoder-decoder begins with; a decoder goes on from the source.
    pub start: Option<u32>,
    pub loss_on_source: bool,
}

impl Reading {
    /// Hidden states `[M x C]` before the head, one for each labelled token, with these tokens.
    pub fn states(
        &self,
        stage: &Stage<'_>,
        pass: &Pass,
        pack: &[Sequence],
    ) -> Result<(Var, Vec<u32>)> {
        let network = stage.network;
        let (hidden, targets) = match self.start {
            Some(start) => {
                let sources: Vec<&[u32]> = pack.iter().map(|one| &one.source[..]).collect();
                let read = Batch::pack(&sources)?;
                let encoded = network.hidden(pass, &read, None)?;
                let inputs: Vec<Vec<u32>> =
                    pack.iter().map(|one| shifted(start, &one.target)).collect();
                let batch = Batch::pack(&inputs)?;
                let hidden = network.decode(pass, &encoded, &read.spans, &batch, None)?;
                let targets = pack.iter().flat_map(|one| one.target.iter().copied());
                (hidden, targets.collect())
            }
            None => self.continued(stage, pass, pack)?,
        };
        Ok((network.before_head(pass, &hidden)?, targets))
    }

    /// As `states`, of a base that continues the source; the last token is not read.
    fn continued(
        &self,
        stage: &Stage<'_>,
        pass: &Pass,
        pack: &[Sequence],
    ) -> Result<(Var, Vec<u32>)> {
        let mut inputs = Vec::with_capacity(pack.len());
        let (mut rows, mut targets, mut start) = (Vec::new(), Vec::new(), 0);
        for Sequence { source, target } in pack {
            let mut ids = [&source[..], target].concat();
            let first = if self.loss_on_source { 1 } else { source.len() };
            targets.extend_from_slice(&ids[first..]);
            rows.extend((first - 1..ids.len() - 1).map(|row| start + row));
            ids.pop();
            start += ids.len();
            inputs.push(ids);
        }
        let batch = Batch::pack(&inputs)?;
        let hidden = stage.network.hidden(pass, &batch, None)?;
        Ok((vectors::rows(pass, &hidden, &rows)?, targets))
    }
}

/// What the decoder reads when it is to write `target`.
fn shifted(start: u32, target: &[u32]) -> Vec<u32> {
    let mut ids = Vec::with_capacity(target.len());
    ids.push(start);
    ids.extend_from_slice(&target[..target.len() - 1]);
    ids
}
