//! The pocket base: a small base that is part of the program, so that nothing need be fetched. Named
//! `pocket` wherever a base is named, it is put into the hub's cache as a folder in the hub's layout
//! and is from there on a base like any other.
//!
//! It is not chosen silently: a base that cannot be found never becomes this one.
//!
//! **Guarantee.** The folder's name has the hash of what it holds. A folder that is whole is used as
//! it is; one in which a byte is another, or missing, is made anew and put in its place by a rename.

mod format;
mod own;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use format::{pack, unpack};

use crate::error::{Error, Result};

/// What a person writes to name it. A folder of that name is `./pocket`.
pub const NAME: &str = "pocket";

/// The file that `skillbelt base pack` made of a pretrained base.
static PACKED: &[u8] = include_bytes!("../../pocket/pocket.base");

/// Contents of files, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The file that is built in.
pub fn packed() -> &'static [u8] {
    PACKED
}

/// The folder of the base in a cache, after putting it there if it is not; where nothing can be
/// written there, in a folder of one's own among temporary files.
pub fn folder(cache: &Path) -> Result<PathBuf> {
    place(PACKED, cache).or_else(|refused| match own::folder() {
        Some(own) => place(PACKED, &own).map_err(|_| refused),
        None => Err(refused),
    })
}

/// The same for any packed base.
fn place(packed: &[u8], cache: &Path) -> Result<PathBuf> {
    let files = unpack(packed)?;
    let hash = blake3::hash(packed).to_hex();
    let folder = cache.join(format!("{NAME}--{}", &hash[..16]));
    if is_whole(&folder, &files) {
        return Ok(folder);
    }
    // Another process may do the same: each builds its own, and either is right.
    let own = std::process::id();
    let aside = cache.join(format!("{NAME}--{}.writing-{own}", &hash[..16]));
    let old = cache.join(format!("{NAME}--{}.old-{own}", &hash[..16]));
    let told = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::io(&path, source)
    };
    remove(&aside).map_err(told(&aside))?;
    fs_err::create_dir_all(&aside).map_err(told(&aside))?;
    for (name, content) in &files {
        let path = aside.join(name);
        fs_err::write(&path, content).map_err(told(&path))?;
    }
    if folder.exists() {
        // It may have been taken away, or made whole, in between.
        let _gone = fs_err::rename(&folder, &old);
    }
    let placed = fs_err::rename(&aside, &folder);
    // What is left over hurts nobody.
    let _left = (remove(&aside), remove(&old));
    match placed {
        Err(error) if !is_whole(&folder, &files) => Err(Error::io(&folder, error)),
        _ => Ok(folder),
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_whole(folder: &Path, files: &Files) -> bool {
    let same = |(name, content): (&String, &Vec<u8>)| {
        fs_err::read(folder.join(name)).is_ok_and(|found| found == *content)
    };
    files.iter().all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;
    use crate::base::{Purpose, open};
    use crate::tokenizer::Tokenizer;

    #[test]
    fn the_base_that_is_built_in_opens_and_is_at_most_ten_megabytes() {
        assert!(PACKED.len() <= 10_000_000);
        let cache = tempfile::tempdir().unwrap();
        let found = folder(cache.path()).unwrap();
        let base = open(&found, Purpose::frozen(skillbelt_engine::Precision::F32)).unwrap();
        let tokenizer = Tokenizer::from_folder(&found).unwrap();
        assert!(tokenizer.vocab_size() <= base.network.sizes().vocabulary);
        assert!(base.network.head().is_some());
        let hash = |folder: &Path| Checkpoint::open(folder).unwrap().content_hash();
        let other = tempfile::tempdir().unwrap();
        assert_eq!(hash(&found), hash(&folder(other.path()).unwrap()));
    }

    #[test]
    fn packing_what_was_unpacked_gives_the_same_file() {
        let cache = tempfile::tempdir().unwrap();
        let found = folder(cache.path()).unwrap();
        assert!(pack(&found).unwrap() == PACKED);
    }

    #[test]
    fn a_cache_that_cannot_be_written_into_is_done_without() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = file.path().join("cache");
        let found = folder(&cache).unwrap();
        assert!(!found.starts_with(&cache) && is_whole(&found, &unpack(PACKED).unwrap()));
        assert!(place(PACKED, &cache).is_err());
    }

    #[test]
    fn a_folder_that_was_changed_is_made_anew() {
        let cache = tempfile::tempdir().unwrap();
        let found = folder(cache.path()).unwrap();
        let path = found.join("config.json");
        let good = fs_err::read(&path).unwrap();
        fs_err::write(&path, "{}").unwrap();
        fs_err::remove_file(found.join("tokenizer.json")).unwrap();
        assert_eq!(folder(cache.path()).unwrap(), found);
        assert_eq!(fs_err::read(&path).unwrap(), good);
        assert!(found.join("tokenizer.json").exists());
        assert_eq!(fs_err::read_dir(cache.path()).unwrap().count(), 1);
    }
}
