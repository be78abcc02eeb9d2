//! Where the reference outputs lie: the folder in `SKILLBELT_GOLDEN`, else the repository's own.
//!
//! Both have the same layout: a folder per family, and `pickled/` with twins of some of them.

use std::path::{Path, PathBuf};

/// The root of the references. It must exist: a test without its reference fails.
pub fn golden_root() -> PathBuf {
    let root = match std::env::var_os("SKILLBELT_GOLDEN") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
    };
    assert!(root.is_dir(), "no references at {}", root.display());
    root
}
