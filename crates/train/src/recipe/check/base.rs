//! The base, as far as its headers tell, and the output folder.

use std::path::Path;

use skillbelt_model::base::portrait::Portrait;
use skillbelt_model::{Checkpoint, ConfigFile, hub, pocket};

use super::Checking;
use crate::recipe::identity::{difference, identity};
use crate::recipe::resolve::{RESOLVED_FILE, resolve};

/// Held while a run works in a folder.
const LOCK: &str = "lock";

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
        let folder = match base.name != pocket::NAME && Path::new(&base.name).is_dir() {
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
        let output = self.resolved.recipe.output.clone();
        if output.is_file() {
            self.told(&["output"], "a file; it must be a folder, or not exist");
            return;
        }
        let shown = output.display();
        let file = output.join(RESOLVED_FILE);
        let Ok(text) = fs_err::read_to_string(&file) else {
            if holds_something(&output) {
                let message = format!("{shown} holds files that are no run");
                self.told(&["output"], message).hint =
                    Some("name a folder that is empty or does not exist".into());
            }
            return;
        };
        let other = resolve(&file, &text, &[]).and_then(|other| identity(&other.recipe));
        let difference = match (other, identity(&self.resolved.recipe)) {
            (Ok(other), Ok(own)) => difference(&other, &own),
            _ => Some(format!("{} cannot be read", file.display())),
        };
        if let Some(difference) = difference {
            let message = format!("{shown} holds another run: {difference}");
            self.told(&["output"], message).hint =
                Some("choose another output folder, or put that run away".into());
        }
    }
}

/// Whether there is more than what a run leaves that was stopped before it had begun.
fn holds_something(folder: &Path) -> bool {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return false;
    };
    let begun = |name: &str| name == LOCK || name == format!("{RESOLVED_FILE}.writing");
    let name = |entry: std::io::Result<fs_err::DirEntry>| entry.map(|entry| entry.file_name());
    entries
        .map(name)
        .any(|name| !name.is_ok_and(|name| name.to_str().is_some_and(begun)))
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
