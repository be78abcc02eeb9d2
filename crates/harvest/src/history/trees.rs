//! The folders of commits, two of them side by side: which files differ.
//!
//! It reads lists of names and no contents, and no more of them than [`Objects`] allows.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use super::objects::{Objects, object};
use crate::limits::{FOLDERS_DEEP, TREE_ENTRIES};

/// Bytes of one folder's list.
const TREE_BYTES: u64 = 64 << 20;
/// The least that an entry of a folder takes.
const ENTRY_BYTES: usize = 28;
/// What it costs to read a folder, in entries.
const FOLDER: usize = 200;

/// An entry of a folder: what it is and what it holds.
type Entry = (EntryKind, ObjectId);

/// Takes a path, and what it held and holds.
type Differs<'s> = dyn FnMut(&str, Option<ObjectId>, Option<ObjectId>) + 's;

impl Objects {
    /// Hands over every file that differs between two trees: its path, and what it held and holds.
    /// Links and submodules are no files.
    pub(super) fn walk(
        &self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        sink: &mut Differs<'_>,
    ) -> Result<(), &'static str> {
        let mut open = vec![(String::new(), 0, old, new)];
        let mut seen = 0;
        while let Some((folder, depth, old, new)) = open.pop() {
            if old == new {
                continue;
            }
            if depth > FOLDERS_DEEP {
                return Err("folders nested too deep");
            }
            let (old, new) = (self.entries(old)?, self.entries(new)?);
            seen += old.len() + new.len();
            if seen > TREE_ENTRIES {
                return Err("too many files");
            }
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let (was, is) = (old.get(name), new.get(name));
                if was == is {
                    continue;
                }
                let path = match folder.is_empty() {
                    true => name.clone(),
                    false => format!("{folder}/{name}"),
                };
                let of = |entry: Option<&Entry>, folder: bool| {
                    let fits = |kind: EntryKind| match folder {
                        true => kind == EntryKind::Tree,
                        false => matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable),
                    };
                    entry.filter(|(kind, _)| fits(*kind)).map(|(_, id)| *id)
                };
                if of(was, true).is_some() || of(is, true).is_some() {
                    open.push((path.clone(), depth + 1, of(was, true), of(is, true)));
                }
                let (was, is) = (of(was, false), of(is, false));
                if was.is_some() || is.is_some() {
                    sink(&path, was, is);
                }
            }
        }
        Ok(())
    }

    fn entries(&self, id: Option<ObjectId>) -> Result<BTreeMap<String, Entry>, &'static str> {
        let Some(id) = id else {
            return Ok(BTreeMap::new());
        };
        let repository = &self.repository;
        let data = object(repository, id, TREE_BYTES)?;
        let left = self
            .entries
            .get()
            .checked_sub(FOLDER + data.len() / ENTRY_BYTES);
        self.entries.set(left.ok_or("too many files")?);
        let tree = gix::objs::TreeRef::from_bytes(&data, repository.object_hash())
            .map_err(|_| "a folder is broken")?;
        let entry = |entry: &gix::objs::tree::EntryRef<'_>| {
            let name = entry.filename.to_str_lossy().into_owned();
            (name, (entry.mode.kind(), entry.oid.to_owned()))
        };
        Ok(tree.entries.iter().map(entry).collect())
    }
}
