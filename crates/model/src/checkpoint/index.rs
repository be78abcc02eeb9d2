//! The index of a sharded checkpoint: which tensor lies in which file of the same folder.
//!
//! It opens no shard. A name that leads out of the folder is refused here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::json::{self, MAX_INDEX_BYTES};
use crate::error::{Error, Place, Result};

/// More files than any checkpoint is cut into.
pub const MAX_SHARDS: usize = 4096;

/// The key of the index that holds the map.
const WEIGHT_MAP: &str = "weight_map";

/// Names of tensors by the shard that holds them.
pub(crate) type Shards = BTreeMap<PathBuf, BTreeSet<String>>;

/// Reads the index; the shards' paths are those within `folder`.
pub(crate) fn read(path: &Path, folder: &Path) -> Result<Shards> {
    let index = json::read(path, MAX_INDEX_BYTES)?;
    let bad = |key: &str, expected: &str, found: Option<&Value>| {
        let found = found.map_or("nothing".to_owned(), json::describe);
        Error::bad_file(path, Place::Key(key.to_owned()), expected, found)
    };
    let map = index.get(WEIGHT_MAP);
    let Some(Value::Object(map)) = map else {
        return Err(bad(WEIGHT_MAP, "an object of file names", map));
    };
    let mut shards = Shards::new();
    for (key, value) in map {
        let name = value.as_str().filter(|name| stays_inside(name));
        let Some(name) = name else {
            let expected = "the name of a file in the index's own folder";
            return Err(bad(key, expected, Some(value)));
        };
        let shard = shards.entry(folder.join(name)).or_default();
        shard.insert(key.clone());
        if shards.len() > MAX_SHARDS {
            let expected = format!("at most {MAX_SHARDS} files");
            return Err(Error::bad_file(path, Place::Whole, expected, "more"));
        }
    }
    Ok(shards)
}

/// One plain name (which may be a link: the hub's cache is made of links): no folder, no way up, no root, also not by another system's separators.
fn stays_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let plain = matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(part)), None) if part == name
    );
    plain && !name.contains(['/', '\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_stay_inside() {
        assert!(stays_inside("model-00001-of-00002.safetensors"));
        for name in [
            "", ".", "..", "../x", "/etc/x", "a/b", "./a", "a/", "..\\x", "C:x", "a\0b",
        ] {
            assert!(!stays_inside(name), "{name:?}");
        }
    }
}
