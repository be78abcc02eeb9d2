//! What the history of a repository tells: functions before and after they were fixed, functions that
//! were copied, and when each file was changed last.
//!
//! It reads objects and nothing else: no settings of the machine, no hooks, no filters, no working
//! tree. A repository that cannot be read is told and gone on without.

mod changes;
mod copies;
mod fixes;
pub mod objects;
mod revision;
mod sound;
mod trees;

use std::collections::{BTreeMap, HashMap};

use crate::census::Census;
use crate::limits::COMMIT_FILES;
use crate::plan::Plan;
use crate::walk::Repository;
use changes::Changed;
use objects::Objects;

pub use copies::{Copied, Shape};
pub use fixes::Fixed;
pub use objects::blob_name;
pub use sound::sound;

/// What was found in one repository.
#[derive(Debug, Default)]
pub struct History {
    /// The blob that HEAD has at each path of the repository, and HEAD itself.
    pub head: Option<(String, HashMap<String, String>)>,
    /// When each path was changed last, among the commits that were read.
    pub changed: BTreeMap<String, i64>,
    pub fixed: Vec<Fixed>,
    /// Functions that came up with the words of one that was there already.
    pub copies: Vec<Shape>,
    pub commits: Census,
    pub warnings: Vec<String>,
}

/// Reads the history of a repository as far as the plan says.
pub fn read(repository: &Repository, plan: &Plan) -> History {
    let mut history = History::default();
    let warned = |what: String| format!("{}: its history is not used: {what}", repository.name());
    let opened = sound::sound(&repository.folder);
    let objects = match opened.and_then(|()| Objects::open(&repository.folder)) {
        Ok(objects) => objects,
        Err(why) => {
            history.warnings.push(warned(why));
            return history;
        }
    };
    match objects.head() {
        Ok(Some(head)) => history.head = Some(head),
        Ok(None) => return history,
        Err(why) => {
            history.warnings.push(warned(why));
            return history;
        }
    }
    if plan.commits == 0 {
        return history;
    }
    let commits = match objects.commits(plan.commits) {
        Ok(commits) => commits,
        Err(why) => {
            history.warnings.push(warned(why));
            return history;
        }
    };
    let mut read: Vec<Changed> = Vec::new();
    for commit in commits {
        match objects.changed(&commit, plan) {
            Ok(changed) if changed.merge => history.commits.left("a merge", || commit.clone()),
            Ok(changed) => {
                for path in &changed.touched {
                    let time = history.changed.entry(path.clone()).or_insert(changed.time);
                    *time = (*time).max(changed.time);
                }
                if changed.files.len() > COMMIT_FILES {
                    history
                        .commits
                        .left("changes more than 100 source files", || commit.clone());
                } else {
                    history.commits.used(1);
                    read.push(changed);
                }
            }
            Err(why) => history.commits.left(why, || commit.clone()),
        }
    }
    let (versions, not_read) = objects.versions(&read);
    if not_read > 0 {
        let what = format!("{not_read} versions of files are beyond what is read of one history");
        history
            .warnings
            .push(format!("{}: {what}", repository.name()));
    }
    history.fixed = fixes::found(repository, &read, &versions, &mut history.commits);
    history.copies = copies::found(&read, &versions);
    history
}
