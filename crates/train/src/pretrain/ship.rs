//! What a pretraining ships: a base in the hub's layout, that every command and the field's own
//! libraries open.

use std::path::Path;

use serde_json::json;
use skillbelt_model::ConfigFile;
use skillbelt_model::belt::Full;

use super::stock::Stock;
use crate::error::{Error, Result};

/// A network with all that its folder says of it.
pub struct Shipping<'b> {
    full: &'b Full,
    config: &'b ConfigFile,
    stock: &'b Stock,
}

impl<'b> Shipping<'b> {
    pub fn new(full: &'b Full, config: &'b ConfigFile, stock: &'b Stock) -> Shipping<'b> {
        Shipping {
            full,
            config,
            stock,
        }
    }

    /// Writes the network as it is now into an empty folder.
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.full.save_weights(folder)?;
        let path = folder.join("config.json");
        let text = format!("{:#}\n", json!(self.config.object()));
        fs_err::write(&path, text).map_err(|error| Error::io(&path, error))?;
        self.stock.copy_tokenizer(folder)
    }
}
