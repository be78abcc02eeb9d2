//! What a vector depends on besides the text: a name for it, so that what was computed before can be
//! used again and is never used wrongly. No weights are loaded for it; they are read once.

use std::path::{Path, PathBuf};

use skillbelt_engine::Precision;
use skillbelt_model::Checkpoint;
use skillbelt_train::{Error, Result};

/// Files beside the weights that change what is read: configurations and tokenizers.
const BESIDE: &[&str] = &["json", "txt", "model"];
/// None of them is larger.
const MOST_BYTES: u64 = 64 << 20;

/// Of a base, a belt on it (or none), and how the base's weights are held. Equal names, equal
/// vectors; the name changes with the program, because its arithmetic may.
pub fn identity(belt: Option<&Path>, base: &Path, precision: Precision) -> Result<String> {
    let mut hash = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    put(env!("CARGO_PKG_VERSION").as_bytes());
    put(precision.name().as_bytes());
    put(Checkpoint::open(base)?.content_hash().as_bytes());
    let beside = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| BESIDE.contains(&ending))
    };
    let folders = [(Some(base), false), (belt, true)];
    for (folder, whole) in folders {
        let Some(folder) = folder else { continue };
        for path in files(folder)? {
            if !whole && !beside(&path) {
                continue;
            }
            put(path.file_name().unwrap_or_default().as_encoded_bytes());
            put(&read(&path)?);
        }
    }
    Ok(hash.finalize().to_hex().to_string())
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(Error::told)? {
        let path = entry.map_err(Error::told)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs_err::metadata(path).map_err(Error::told)?.len();
    match bytes > MOST_BYTES
        && path
            .extension()
            .is_some_and(|ending| ending != "safetensors")
    {
        true => Err(Error::told(format_args!(
            "{}: {bytes} bytes, expected at most {MOST_BYTES}",
            path.display()
        ))),
        false => fs_err::read(path).map_err(Error::told),
    }
}
