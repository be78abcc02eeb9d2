//! A typed section that stands in a YAML file of its own, read with the same strictness as a recipe:
//! every key known, every value of the right kind, each mistake with its line.

use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::conform::Conform;
use super::problem::as_error;
use super::resolve::text_of;
use super::shape::Shaped;
use super::yaml;
use crate::error::{Error, Result};

/// Reads the section. Paths in it are left as they are written.
pub fn read_section<T: Shaped + DeserializeOwned>(path: &Path) -> Result<T> {
    let text = text_of(path)?;
    let file: Arc<Path> = path.into();
    let tree = yaml::parse(&file, &text)?;
    let shape = T::shape();
    let mut conform = Conform::new(&shape);
    let json = conform.recipe(&tree);
    if let Some(error) = as_error(conform.problems) {
        return Err(error);
    }
    serde_json::from_value(json).map_err(|error| Error::File {
        path: path.to_owned(),
        line: 1,
        message: error.to_string(),
        hint: None,
    })
}
