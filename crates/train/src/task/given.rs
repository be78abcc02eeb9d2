//! What a base gives to the tasks that are set to it. It loads no weights.

use std::path::Path;
use std::sync::Arc;

use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;
use skillbelt_model::checkpoint::ConfigFile;
use skillbelt_model::generate::Habits;
use skillbelt_model::tokenizer::chat::ChatTemplates;

use crate::error::Result;

/// The network with its tokenizer, its writing habits, and the form of its conversations.
#[derive(Clone)]
pub struct Given<'b> {
    pub network: &'b dyn Network,
    pub tokenizer: &'b Tokenizer,
    pub habits: Habits,
    pub chat: Option<Arc<ChatTemplates>>,
}

impl<'b> Given<'b> {
    /// Of a base in the hub's layout.
    pub fn of_folder(
        folder: &Path,
        config: &ConfigFile,
        network: &'b dyn Network,
        tokenizer: &'b Tokenizer,
    ) -> Result<Given<'b>> {
        Ok(Given {
            network,
            tokenizer,
            habits: Habits::read(folder, config, tokenizer)?,
            chat: ChatTemplates::from_folder(folder)?.map(Arc::new),
        })
    }
}
