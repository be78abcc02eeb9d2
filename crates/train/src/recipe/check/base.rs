//! The base, as far as its headers tell, and the output folder.

use std::path::Path;

use skillbelt_model::base::portrait::Portrait;
use skillbelt_model::{Checkpoint, ConfigFile, hub};

use super::Checking;
use crate::recipe::resolve::{RESOLVED_FILE, resolve};

impl Checking<'_> {
    /// Checks the section; a base that is on this machine is looked at.
    pub(super) fn base(&mut self) -> Option<Portrait> {
        let base = self.resolved.recipe.base.clone();
        self.one_of(
            &base.precision,
            &["f32", "bf16", "int8", "nf4"],
            &["base", "precision"],
        );
        let name = match &base.revision {
            Some(revision) => format!("{}@{revision}", base.name),
            None => base.name.clone(),
        };
        let folder = match Path::new(&base.name).is_dir() {
            true => Path::new(&base.name).to_owned(),
            false => {
                let mut options = hub::Options::from_env().ok()?;
                options.offline = true;
                match hub::resolve(&name, &options, &hub::Unwatched) {
                    Ok(folder) => folder,
                    // A name on the hub that is not here yet will be fetched when the run starts.
                    Err(_) if looks_like_a_hub_name(&base.name) => return None,
                    Err(error) => {
                        let hint = error.hint().map(|hint| hint.to_string());
                        self.told(&["base", "name"], error).hint = hint;
                        return None;
                    }
                }
            }
        };
        let portrait = || -> skillbelt_model::Result<Portrait> {
            let config = ConfigFile::open(&folder.join("config.json"))?;
            Portrait::of(&config, &Checkpoint::open(&folder)?)
        };
        match portrait() {
            Ok(portrait) => Some(portrait),
            Err(error) => {
                self.told(&["base", "name"], error);
                None
            }
        }
    }

    /// A folder that holds something else is not written into.
    pub(super) fn output(&mut self) {
        let output = &self.resolved.recipe.output;
        if output.is_file() {
            self.told(&["output"], "a file; it must be a folder, or not exist");
            return;
        }
        let Ok(mut entries) = fs_err::read_dir(output) else {
            return;
        };
        if entries.next().is_none() {
            return;
        }
        let shown = output.display();
        let file = output.join(RESOLVED_FILE);
        let (message, hint) = match fs_err::read_to_string(&file) {
            Err(_) => (
                format!("{shown} holds files that are no run"),
                "name a folder that is empty or does not exist",
            ),
            Ok(text) => {
                let other = resolve(&file, &text, &[])
                    .and_then(|other| other.hash())
                    .ok();
                if other.is_some() && other == self.resolved.hash().ok() {
                    return;
                }
                (
                    format!("{shown} holds another run"),
                    "name another folder, or put that run away",
                )
            }
        };
        self.told(&["output"], message).hint = Some(hint.into());
    }
}

/// `owner/name`, which is no path that a person would write.
fn looks_like_a_hub_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() <= 2
        && !name.starts_with('.')
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(plain))
}
