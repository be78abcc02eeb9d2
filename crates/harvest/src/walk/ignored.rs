//! What the `.gitignore` files of a repository name, and `.skillbeltignore` files, which are read alike. Patterns are read as the `ignore` crate reads
//! them; global settings of a machine are not asked, for they are no part of the input.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::limits::IGNORE_BYTES;

/// Files with rules, and the reason for leaving out what they name. The later ones of a folder win.
const NAMED: [(&str, &str); 2] = [
    (".gitignore", "named in .gitignore"),
    (OURS, "named in .skillbeltignore"),
];

/// Rules that hold whether or not a folder belongs to a repository.
pub const OURS: &str = ".skillbeltignore";

/// The rules that hold in a folder, the innermost last.
#[derive(Clone, Default)]
pub struct Ignored(Vec<(&'static str, Arc<Gitignore>)>);

impl Ignored {
    pub fn none() -> Ignored {
        Ignored::default()
    }

    /// The same with the rules of a folder, those for git only inside of a repository. A file that
    /// cannot be read or is beyond the limit rules nothing, and a line that is no pattern is passed
    /// over.
    pub fn with(&self, folder: &Path, in_repository: bool) -> Ignored {
        let mut all = self.0.clone();
        for (name, reason) in NAMED {
            if in_repository || name == OURS {
                all.extend(rules(folder, name).map(|rules| (reason, Arc::new(rules))));
            }
        }
        Ignored(all)
    }

    /// Why a path is left out, if a rule names it.
    pub fn names(&self, path: &Path, is_folder: bool) -> Option<&'static str> {
        let mut said = self
            .0
            .iter()
            .rev()
            .map(|(reason, rules)| (reason, rules.matched(path, is_folder)));
        said.find(|(_, said)| !said.is_none())
            .filter(|(_, said)| said.is_ignore())
            .map(|(reason, _)| *reason)
    }
}

fn rules(folder: &Path, name: &str) -> Option<Gitignore> {
    let path = folder.join(name);
    let regular = fs_err::symlink_metadata(&path).is_ok_and(|about| about.is_file());
    let mut bytes = Vec::new();
    let read = regular
        .then(|| fs_err::File::open(&path).ok())
        .flatten()
        .map(|file| file.take(IGNORE_BYTES).read_to_end(&mut bytes));
    if !matches!(read, Some(Ok(_))) {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(&bytes).lines() {
        let _passed_over = builder.add_line(None, line);
    }
    builder.build().ok()
}
