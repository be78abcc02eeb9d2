//! What `belt.json` means for an export: whose base the belt is for, and what no other program's
//! files can take along.
//!
//! It writes nothing.

use std::path::Path;

use skillbelt_engine::Precision;

use super::Order;
use super::error::Result;
use crate::belt::folder::{self, BeltFile};
use crate::belt::heads;
use crate::checkpoint::Checkpoint;

/// What a user of the export should know of the belt. One that was trained on another base is
/// refused.
pub(super) fn left_behind(belt: &Path, order: &Order, base: &Checkpoint) -> Result<Vec<String>> {
    if !belt.join(folder::FILE).is_file() {
        return Ok(Vec::new());
    }
    let card = BeltFile::read(belt)?;
    let name = order.base.file_name().unwrap_or_default();
    card.check_base(&base.content_hash(), &name.to_string_lossy())?;
    let mut notes = Vec::new();
    let headed = card.tasks.iter().filter(|task| task.head.is_some());
    let headed: Vec<&str> = headed.map(|task| &*task.name).collect();
    if !headed.is_empty() {
        notes.push(format!(
            "the heads of {} stay behind in `{}` of the belt's folder: what was written gives the \
             base's outputs under the belt, not these tasks' answers",
            headed.join(", "),
            heads::FILE
        ));
    }
    if card.precision != Precision::F32.name() {
        notes.push(format!(
            "the belt was trained on its base in {}, and this export was compared on the base in f32",
            card.precision
        ));
    }
    Ok(notes)
}
