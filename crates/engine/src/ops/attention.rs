//! Attention over packed spans: every query row looks at the keys of its own span that its reach
//! allows. Heads may share keys and values; scores may carry T5's bias.
//!
//! Scores are never stored whole. The way back keeps queries, keys and values and computes scores
//! again; it needs neither the result nor the softmax. The numbers of a span depend neither on the
//! other spans of the batch nor on the number of threads, to the bit.

mod cached;
mod deal;
mod group;
mod plan;
mod reach;
mod relative;
#[cfg(test)]
mod tests;

pub use cached::{Cached, attention_cached};
pub use reach::Reach;
pub use relative::RelativeBias;

use self::plan::{Bias, Plan};
use super::columns::Columns;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::attend::Form;
use crate::spans::Spans;
use crate::tape::{Pass, Var};

const OP: &str = "attention";

/// The form of an attention: `H` query heads of width `D` over `kv_heads` heads of keys and values.
#[derive(Debug, Clone, PartialEq)]
pub struct Attend {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
    /// What scores are multiplied by before the softmax.
    pub scale: f32,
    pub reach: Reach,
}

impl Attend {
    /// Query heads for each head of keys and values.
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    fn form(&self, isa: Isa) -> Form {
        Form {
            isa,
            width: self.head_width,
            scale: self.scale,
        }
    }

    fn check(&self, bias: Option<&RelativeBias>) -> Result<()> {
        let counts = [self.heads, self.kv_heads, self.head_width];
        if counts.contains(&0)
            || !self.heads.is_multiple_of(self.kv_heads)
            || !self.scale.is_finite()
        {
            let reason = format!(
                "{} heads of width {} over {} heads of keys, scores times {}",
                self.heads, self.head_width, self.kv_heads, self.scale
            );
            return Err(Error::Setting { op: OP, reason });
        }
        bias.map_or(Ok(()), |bias| bias.check(OP, self.heads))
    }
}

/// `softmax(scale * q k^T + bias) v` for each head of each span: `[Tq x H*D]`.
///
/// `q` has `H` heads of width `D` side by side, `k` and `v` have `kv_heads`, each from its first
/// column on. They may be columns of one value, which then gets one gradient.
#[allow(clippy::too_many_arguments)]
pub fn attention(
    pass: &Pass,
    q: Columns<'_>,
    k: Columns<'_>,
    v: Columns<'_>,
    q_spans: &Spans,
    kv_spans: &Spans,
    how: &Attend,
    bias: Option<&RelativeBias>,
) -> Result<Var> {
    how.check(bias)?;
    for (columns, spans, heads) in [
        (q, q_spans, how.heads),
        (k, kv_spans, how.kv_heads),
        (v, kv_spans, how.kv_heads),
    ] {
        spans.expect_rows(OP, columns.var.rows())?;
        columns.expect_width(OP, heads * how.head_width)?;
    }
    how.reach.check(OP, q_spans, kv_spans)?;

    let table = bias.map(|bias| pass.leaf(&bias.table));
    let plan = Plan {
        how: how.clone(),
        spans: [q_spans.clone(), kv_spans.clone()],
        firsts: [q.first, k.first, v.first],
        bias: bias.zip(table.as_ref()).map(|(bias, table)| Bias {
            rule: bias.rule(),
            table: table.share(),
        }),
    };
    let y = plan.forward(pass.isa(), [q, k, v].map(|columns| columns.var.value()));

    // Columns of one value are one input.
    let vars = [q.var, k.var, v.var];
    let places = [0, 1, 2].map(|part| {
        (0..part)
            .find(|other| is_one(vars[*other], vars[part]))
            .unwrap_or(part)
    });
    let inputs: [Option<&Var>; 4] = [
        Some(q.var),
        Some(k.var).filter(|_| places[1] == 1),
        Some(v.var).filter(|_| places[2] == 2),
        table.as_ref(),
    ];
    Ok(pass.record(y, &inputs, || {
        let isa = pass.isa();
        let kept = vars.map(|var| var.kept(pass));
        move |dy, flow| {
            plan.backward(isa, kept, places, dy, flow);
            Ok(())
        }
    }))
}

/// Whether two values share a gradient as well as their numbers.
fn is_one(a: &Var, b: &Var) -> bool {
    a.is_same(b) && a.needs_gradient() == b.needs_gradient()
}
