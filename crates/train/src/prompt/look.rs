//! What would be asked, without asking: how many rows and prompts, how long they are, the first of
//! them in full.

use serde::Serialize;

use super::asked::Asked;
use super::fit::Losses;
use super::labels::room_for_answer;
use super::{Bases, Order, gate, has, model, ready};
use crate::error::Result;
use crate::recipe::{Labelling, Search, TaskType};

/// One task, looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Looked {
    pub task: String,
    pub split: String,
    pub rows: usize,
    pub rejected: u64,
    /// Prompts, or texts that become vectors.
    pub prompts: u64,
    /// Tokens of all prompts, counted or foreseen; nothing for a search.
    pub tokens: Option<u64>,
    pub longest: usize,
    /// The first prompt.
    pub first: Option<String>,
    pub left_out: Losses,
}

/// Makes the prompts of every task that has files for the split. Writes nothing and asks nothing.
pub fn look(order: &Order<'_>) -> Result<Vec<Looked>> {
    let settings = order.recipe.prompting.clone().unwrap_or_default();
    let bases = Bases::open(order, &settings)?;
    let model = model(order, &settings, bases.asked(), false)?;
    let mut all = Vec::new();
    for (place, (name, task)) in order.recipe.tasks.iter().enumerate() {
        if !has(task, order.split) {
            continue;
        }
        let gate = gate(
            bases.rows.as_ref(),
            name,
            task,
            place,
            order.recipe.training.seed,
        )?;
        let asked = ready(order, &settings, &*model, (name, task), &gate)?;
        all.push(looked(&asked, order.split.name())?);
    }
    Ok(all)
}

fn looked(asked: &Asked<'_>, split: &str) -> Result<Looked> {
    let rows = asked.drawn.rows.len();
    let mut looked = Looked {
        task: asked.name.to_owned(),
        split: split.to_owned(),
        rows,
        rejected: asked.drawn.tally.rejections(),
        prompts: 0,
        tokens: None,
        longest: 0,
        first: None,
        left_out: Losses::default(),
    };
    if asked.kind() == TaskType::Retrieve {
        let pool = asked.drawn.pool.len();
        let (first, reranked) = (rows + pool, rows * asked.prompting.top.min(pool.max(rows)));
        looked.prompts = match asked.prompting.search {
            Search::Embeddings => first,
            Search::Bm25 => 0,
            Search::RerankBm25 => reranked,
            Search::RerankEmbeddings => first + reranked,
        } as u64;
        return Ok(looked);
    }
    let more = match (asked.kind(), asked.prompting.labels) {
        (TaskType::Generate, _) => asked.limits().2,
        (_, Labelling::Likelihood | Labelling::Generation) => room_for_answer(asked)?,
    };
    let mut tokens = 0;
    for row in &asked.drawn.rows {
        let Ok(prompt) = asked.prompt(row, asked.texts(&row.content), more)? else {
            continue;
        };
        let length = asked.model.prompt_tokens(&prompt)?;
        tokens += length as u64;
        looked.prompts += 1;
        looked.longest = looked.longest.max(length);
        looked.first.get_or_insert(prompt);
    }
    looked.tokens = Some(tokens);
    looked.left_out = asked.count.borrow().losses.clone();
    Ok(looked)
}
