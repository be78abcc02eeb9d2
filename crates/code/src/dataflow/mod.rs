//! (soon)
use crate::Program;
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item;
pub fn items(_: &Program<'_>) -> Vec<Item> {
    Vec::new()
}
