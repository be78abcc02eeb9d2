//! How long texts may be: what the recipe says, held against what the base can read.

use skillbelt_model::base::{Network, Shape};

use super::frame::Frame;
use crate::error::{Error, Result};
use crate::recipe::{TaskSettings, TaskType};

/// Longest text, query and answer in tokens, specials included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub text: usize,
    pub query: usize,
    pub target: usize,
}

pub(super) const TEXT: usize = 256;
const QUERY: usize = 64;
const TARGET: usize = 128;

impl Limits {
    /// Lengths that were not asked for shrink to what the base reads; others are refused.
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        network: &dyn Network,
        frame: &Frame,
    ) -> Result<Limits> {
        let positions = network.sizes().positions;
        let limit = |key: &'static str, asked: Option<usize>, usual: usize, least: usize| {
            let bound = positions.unwrap_or(usize::MAX);
            let limit = asked.unwrap_or(usual.min(bound));
            if limit > bound {
                return Err(refused(
                    task,
                    key,
                    format!("{limit} tokens, the base reads at most {bound}"),
                ));
            }
            if limit < least {
                return Err(refused(
                    task,
                    key,
                    format!("{limit} tokens leave no room for a text; it takes {least}"),
                ));
            }
            Ok(limit)
        };
        let joint = settings.kind == Some(TaskType::Pair)
            && settings.encoding.as_deref() != Some("separate");
        let least = match joint {
            true => frame.around_pair() + 2,
            false => frame.around() + 1,
        };
        Ok(Limits {
            text: limit("max_length", settings.max_length, TEXT, least)?,
            query: limit(
                "max_query_length",
                settings.max_query_length,
                QUERY,
                frame.around() + 1,
            )?,
            target: limit("max_target_length", settings.max_target_length, TARGET, 1)?,
        })
    }

    /// For a base that continues its source: both must fit together.
    pub fn for_writing(
        self,
        task: &str,
        settings: &TaskSettings,
        network: &dyn Network,
    ) -> Result<Limits> {
        let (Shape::Decoder, Some(bound)) = (network.shape(), network.sizes().positions) else {
            return Ok(self);
        };
        let mut limits = self;
        if settings.max_target_length.is_none() {
            limits.target = limits.target.min(bound / 2);
        }
        if settings.max_length.is_none() {
            limits.text = limits.text.min(bound.saturating_sub(limits.target));
        }
        let both = limits.text + limits.target;
        if both > bound || limits.text == 0 {
            let message =
                format!("with max_target_length {both} tokens, the base reads at most {bound}");
            return Err(refused(task, "max_length", message));
        }
        Ok(limits)
    }
}

fn refused(task: &str, key: &str, message: String) -> Error {
    Error::Setting {
        origin: format!("tasks.{task}"),
        key: key.to_owned(),
        message,
        hint: None,
    }
}
