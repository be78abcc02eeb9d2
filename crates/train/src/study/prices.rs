//! What asking will cost, before it is begun: prompts are laid out and counted, and none is sent.

use crate::error::Result;
use crate::study::cell::{Cell, Work};
use crate::study::estimate::{Part, Source};
use crate::study::folder::Standing;
use crate::study::{Study, asking};

impl Study {
    /// One part for each way to ask, by its name and the base that is asked.
    pub(super) fn to_be_asked(&self) -> Result<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        for cell in &self.cells {
            if !matches!(cell.work, Work::Ask(_)) {
                continue;
            }
            let same = |part: &Part| part.base == cell.base && part.belt == cell.belt;
            let at = match parts.iter().position(same) {
                Some(at) => at,
                None => {
                    parts.push(nothing(cell));
                    parts.len() - 1
                }
            };
            self.add(cell, &mut parts[at])?;
        }
        Ok(parts)
    }

    fn add(&self, cell: &Cell, part: &mut Part) -> Result<()> {
        part.cells += 1;
        let Work::Ask(asking) = &cell.work else {
            return Ok(());
        };
        if let Standing::Done(_) = self.folder.standing(&cell.key)? {
            return Ok(());
        }
        part.left += 1;
        let prompting = asking.resolved.recipe.prompting.as_ref();
        let endpoint = prompting.and_then(|prompting| prompting.endpoint.as_ref());
        let price = endpoint.map_or(0.0, |endpoint| endpoint.price_in);
        match asking::look(self, cell, asking) {
            Ok(looked) => {
                let tokens: u64 = looked.iter().filter_map(|task| task.tokens).sum();
                let prompts: u64 = looked.iter().map(|task| task.prompts).sum();
                part.tokens += tokens as f64;
                if let Source::Prompts(all, cost) = &mut part.source {
                    *all += prompts;
                    *cost += tokens as f64 * price / 1e6;
                }
            }
            // That it cannot be guessed is no reason not to begin; what is wrong is told by its cell.
            Err(error) => part.source = Source::Unknown(error.to_string()),
        }
        Ok(())
    }
}

fn nothing(cell: &Cell) -> Part {
    Part {
        base: cell.base.clone(),
        belt: cell.belt.clone(),
        cells: 0,
        left: 0,
        tokens: 0.0,
        seconds: 0.0,
        spread: 0.0,
        source: Source::Prompts(0, 0.0),
    }
}
