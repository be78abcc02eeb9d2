//! What the `.gitignore` files of a repository name. Patterns are read as the `ignore` crate reads
//! them; global settings of a machine are not asked, for they are no part of the input.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::limits::IGNORE_BYTES;

/// The rules that hold in a folder, the innermost last.
#[derive(Clone, Default)]
pub struct Ignored(Vec<Arc<Gitignore>>);

impl Ignored {
    pub fn none() -> Ignored {
        Ignored::default()
    }

    /// The same with the rules of a folder. A file that cannot be read or is beyond the limit rules
    /// nothing, and a line that is no pattern is passed over.
    pub fn with(&self, folder: &Path) -> Ignored {
        let mut all = self.0.clone();
        let path = folder.join(".gitignore");
        let regular = fs_err::symlink_metadata(&path).is_ok_and(|about| about.is_file());
        let mut bytes = Vec::new();
        let read = regular
            .then(|| fs_err::File::open(&path).ok())
            .flatten()
            .map(|file| file.take(IGNORE_BYTES).read_to_end(&mut bytes));
        if matches!(read, Some(Ok(_))) {
            let mut builder = GitignoreBuilder::new(folder);
            for line in String::from_utf8_lossy(&bytes).lines() {
                let _passed_over = builder.add_line(None, line);
            }
            if let Ok(rules) = builder.build() {
                all.push(Arc::new(rules));
            }
        }
        Ignored(all)
    }

    pub fn names(&self, path: &Path, is_folder: bool) -> bool {
        let mut said = self
            .0
            .iter()
            .rev()
            .map(|rules| rules.matched(path, is_folder));
        said.find(|said| !said.is_none())
            .is_some_and(|said| said.is_ignore())
    }
}
