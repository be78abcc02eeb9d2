//! The places of one block at which a belt may act beside the linear maps: after attention, after
//! the feed-forward part, and before the keys and values.
//!
//! A family closes each part of a block by way of its sites and knows no kind of belt. Without a belt
//! that is the fused sum of the family itself, to the bit and at its speed. Which numbers an adapter
//! holds and how files spell them is the affair of the kinds of belts.

use skillbelt_engine::ops::{
    Bottleneck, Linear, Norm, Prefix, RelativeBias, add, bottleneck, linear, norm,
};
use skillbelt_engine::{Pass, Result, Var};

/// What the files of the libraries call the places of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Before the path of every block; a checkpoint of the bare network lacks it.
    pub root: &'static str,
    /// The module that holds an adapter after attention.
    pub attention: String,
    /// The module that holds an adapter at the feed-forward part.
    pub feed_forward: String,
    pub self_attention: String,
    /// How its prefix is told from those of the other attentions of a network.
    pub location: &'static str,
    /// Of a block that reads an encoded text.
    pub cross_attention: Option<String>,
}

impl Names {
    /// The spelling of most families: adapters stand in modules of the block at `path`.
    pub fn of_layer(root: &'static str, path: &str, attention: &str) -> Names {
        Names {
            root,
            attention: format!("{path}.attention_adapters"),
            feed_forward: format!("{path}.output_adapters"),
            self_attention: format!("{path}.{attention}"),
            location: "self_prefix",
            cross_attention: None,
        }
    }
}

/// A bottleneck at the end of one part of a block.
#[derive(Clone)]
pub struct Adapter {
    pub maps: Bottleneck,
    pub reads: Reads,
}

/// What an adapter looks at. What it makes of it is added to the sum of part and stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// What the part made.
    Part,
    /// That plus what the part's stream had before, after the norm that follows the sum if there is
    /// one.
    Sum,
    /// What stood before the part: the adapter is parallel to it.
    Before,
}

/// How a part of a block stands to the stream of hidden states.
#[derive(Clone, Copy)]
pub enum Around<'a> {
    /// Its result is added to the stream, which is also what adapters take to stand before it.
    Stream,
    /// Its result is added to the stream; adapters take what it was fed to stand before it.
    Fed(&'a Var),
    /// Its result is added to the stream and the sum goes through a norm.
    Norm(&'a Norm),
}

/// Keys and values that stand before those of every sequence.
#[derive(Debug, Clone)]
pub struct PrefixRows {
    pub prefix: Prefix,
    /// Tokens count their positions from its end on, as if it were text; else from nought, as if it
    /// were not there.
    pub counted: bool,
}

impl PrefixRows {
    /// The bias of distances as the tokens behind this prefix count them.
    pub fn bias(&self, bias: &RelativeBias) -> RelativeBias {
        let ahead = if self.counted {
            0
        } else {
            self.prefix.length()
        };
        RelativeBias {
            ahead,
            ..bias.clone()
        }
    }
}

/// The sites of one block; a new one has no belt.
pub struct Sites {
    names: Names,
    attention: Option<Adapter>,
    feed_forward: Option<Adapter>,
    prefix: Option<PrefixRows>,
    cross_prefix: Option<Prefix>,
}

impl Sites {
    pub fn new(names: Names) -> Sites {
        Sites {
            names,
            attention: None,
            feed_forward: None,
            prefix: None,
            cross_prefix: None,
        }
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The end of self-attention: what was seen goes through `project` and onto the stream.
    pub fn after_attention(
        &self,
        pass: &Pass,
        seen: &Var,
        project: &Linear,
        stream: &Var,
        around: Around<'_>,
    ) -> Result<Var> {
        close(
            self.attention.as_ref(),
            pass,
            (seen, project),
            stream,
            around,
        )
    }

    /// The end of the feed-forward part.
    pub fn after_feed_forward(
        &self,
        pass: &Pass,
        wide: &Var,
        project: &Linear,
        stream: &Var,
        around: Around<'_>,
    ) -> Result<Var> {
        close(
            self.feed_forward.as_ref(),
            pass,
            (wide, project),
            stream,
            around,
        )
    }

    /// What stands before the keys and values of the tokens themselves.
    pub fn prefix(&self) -> Option<&PrefixRows> {
        self.prefix.as_ref()
    }

    /// What stands before the keys and values of an encoded text.
    pub fn cross_prefix(&self) -> Option<&Prefix> {
        self.cross_prefix.as_ref()
    }

    /// Positions that the prefix takes from a text.
    pub fn counted(&self) -> usize {
        let counted = self.prefix.as_ref().filter(|prefix| prefix.counted);
        counted.map_or(0, |prefix| prefix.prefix.length())
    }

    pub fn put_after_attention(&mut self, adapter: Adapter) -> Result<()> {
        put(&mut self.attention, adapter, &self.names.attention)
    }

    pub fn put_after_feed_forward(&mut self, adapter: Adapter) -> Result<()> {
        put(&mut self.feed_forward, adapter, &self.names.feed_forward)
    }

    pub fn put_prefix(&mut self, prefix: PrefixRows) -> Result<()> {
        put(&mut self.prefix, prefix, &self.names.self_attention)
    }

    pub fn put_cross_prefix(&mut self, prefix: Prefix) -> Result<()> {
        let name = self.names.cross_attention.as_deref().unwrap_or_default();
        put(&mut self.cross_prefix, prefix, name)
    }
}

/// One belt to a place: a second would silently replace the first.
fn put<T>(place: &mut Option<T>, belt: T, name: &str) -> Result<()> {
    if place.is_some() {
        return Err(skillbelt_engine::Error::Setting {
            op: "attach a belt",
            reason: format!("{name} bears one already"),
        });
    }
    *place = Some(belt);
    Ok(())
}

/// `stream [T x C] + project(part)`, what an adapter adds, and the norm that follows.
fn close(
    adapter: Option<&Adapter>,
    pass: &Pass,
    (part, project): (&Var, &Linear),
    stream: &Var,
    around: Around<'_>,
) -> Result<Var> {
    let normed = |x: Var| match around {
        Around::Norm(after) => norm(pass, &x, after),
        Around::Stream | Around::Fed(_) => Ok(x),
    };
    let Some(Adapter { maps, reads }) = adapter else {
        return normed(linear(pass, part, project, Some(stream))?);
    };
    let sum = || linear(pass, part, project, Some(stream));
    let y = match (reads, around) {
        (Reads::Before, _) => {
            let before = match around {
                Around::Fed(fed) => fed,
                Around::Stream | Around::Norm(_) => stream,
            };
            bottleneck(pass, before, maps, Some(&sum()?))?
        }
        (Reads::Sum, Around::Stream) => {
            let sum = sum()?;
            bottleneck(pass, &sum, maps, Some(&sum))?
        }
        (Reads::Sum, Around::Norm(after)) => {
            let sum = sum()?;
            bottleneck(pass, &norm(pass, &sum, after)?, maps, Some(&sum))?
        }
        (Reads::Sum, Around::Fed(fed)) => {
            let made = linear(pass, part, project, None)?;
            let sum = add(pass, &made, stream)?;
            bottleneck(pass, &add(pass, &made, fed)?, maps, Some(&sum))?
        }
        (Reads::Part, _) => {
            let made = linear(pass, part, project, None)?;
            let sum = add(pass, &made, stream)?;
            bottleneck(pass, &made, maps, Some(&sum))?
        }
    };
    normed(y)
}
