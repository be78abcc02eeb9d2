//! Whether the folder of git itself may be opened: nothing in it that would be waited for without end,
//! nothing that leads elsewhere unseen, nothing larger than any real one.
//!
//! What is read of a repository after this are plain files. A repository that is changed meanwhile is
//! the machine's own doing, and no matter of what it holds.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is read of git's folder. Hooks, logs, inner repositories and pipes of daemons are not.
const READ: &[&str] = &[
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    "gitdir",
    "index",
    "info",
    "objects",
    "packed-refs",
    "refs",
    "shallow",
];
/// Bytes of a file that names something: a branch, another folder.
const NAMING: u64 = 64 << 10;
/// Bytes of a list: settings, names of all branches.
const LIST: u64 = 64 << 20;
/// Bytes of an object that lies by itself.
const LOOSE: u64 = 256 << 20;
/// Files and folders that are looked at.
const ENTRIES: usize = 2_000_000;
/// Folders that others name, as a second working tree names the first.
const NAMED: usize = 16;
/// Folders in each other, as parts of a branch's name.
const DEEP: usize = 64;

/// Refuses a repository that is no plain one, in words.
pub fn sound(folder: &Path) -> Result<(), String> {
    let mut open = vec![folder.join(".git")];
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut left = ENTRIES;
    while let Some(next) = open.pop() {
        if !seen.insert(next.clone()) {
            continue;
        }
        if seen.len() > NAMED {
            return Err("it leads to too many other folders".into());
        }
        let about = fs_err::symlink_metadata(&next).map_err(|error| error.to_string())?;
        if about.is_file() {
            let text = named(&next)?;
            let target = text.strip_prefix("gitdir:").unwrap_or("").trim();
            open.push(next.parent().unwrap_or(folder).join(target));
        } else if about.is_dir() {
            open.append(&mut looked_through(&next, &mut left)?);
        } else {
            return Err(odd(&next));
        }
    }
    Ok(())
}

/// Looks at what is read of a folder, and says which other folders it names.
fn looked_through(folder: &Path, left: &mut usize) -> Result<Vec<PathBuf>, String> {
    let mut open = vec![(folder.to_owned(), 0)];
    let mut others = Vec::new();
    while let Some((inner, depth)) = open.pop() {
        let entries = fs_err::read_dir(&inner).map_err(|error| error.to_string())?;
        for entry in entries.flatten() {
            *left = left.checked_sub(1).ok_or("it has too many files")?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(|error| error.to_string())?;
            if depth == 0 && !READ.contains(&&*name) {
                continue;
            }
            if depth > DEEP {
                return Err("its folders are nested too deep".into());
            }
            if kind.is_dir() {
                open.push((path, depth + 1));
                continue;
            }
            if !kind.is_file() {
                return Err(odd(&path));
            }
            let size = entry.metadata().map_err(|error| error.to_string())?.len();
            let most = match (depth, &*name) {
                (0, "HEAD" | "commondir" | "gitdir") => NAMING,
                (0, _) => LIST,
                _ if inner.ends_with("pack") => u64::MAX,
                _ => LOOSE,
            };
            if size > most {
                return Err(format!("{} is too large", path.display()));
            }
            match &*name {
                "commondir" if depth == 0 => others.push(inner.join(named(&path)?.trim())),
                "alternates" | "http-alternates" => {
                    let text = named(&path)?;
                    let store = inner.parent().unwrap_or(&inner);
                    let lines = text.lines().filter(|line| !line.trim().is_empty());
                    others.extend(lines.map(|line| store.join(line.trim())));
                }
                _ => {}
            }
        }
    }
    Ok(others)
}

/// The text of a file that names something.
fn named(path: &Path) -> Result<String, String> {
    let file = fs_err::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    match file.take(NAMING + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 <= NAMING => Ok(text),
        _ => Err(format!("{} names nothing", path.display())),
    }
}

fn odd(path: &Path) -> String {
    format!("{} is neither a file nor a folder", path.display())
}
