//! Weights by name, from a folder in the hub's layout or from one file.
//!
//! A checkpoint is whatever the files say, checked to be consistent in itself: it does not know
//! which weights a model needs, and never runs anything that a file contains. The files are
//! mapped, not read: opening costs their headers, and reading a weight costs its f32 copy.
//!
//! **Guarantee.** Whatever bytes the files hold, every function here ends in a value or in a typed
//! error that names the file; no byte outside the files is read, and no memory is asked for beyond
//! a small multiple of what the files really contain. The bounds are named constants at the top
//! of each file of this module.

mod heap;
mod index;
mod mapped;
mod operands;
mod pickle;
mod rebuild;
mod safetensors;
mod torch;
mod view;
mod zip;

pub mod config;
pub mod json;
pub mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use config::ConfigFile;
pub use view::Dtype;

use crate::error::{Error, Place, Result};
use mapped::{Mapped, Views};
use view::View;

/// Finds the tensors of a file.
type Parser = fn(&Path, &[u8]) -> Result<Views>;

/// The forms in which a folder may hold its weights, the preferred one first: the file's name,
/// whether it is an index of several, and the parser of what holds the numbers.
const FORMS: [(&str, bool, Parser); 4] = [
    ("model.safetensors", false, safetensors::parse),
    ("model.safetensors.index.json", true, safetensors::parse),
    ("pytorch_model.bin", false, torch::parse),
    ("pytorch_model.bin.index.json", true, torch::parse),
];

/// Tensors by name, over all files of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    /// What errors about missing or surplus weights name: the file, or the index.
    path: PathBuf,
    files: Vec<Mapped>,
    /// Which of the files holds a tensor.
    places: BTreeMap<String, usize>,
}

/// Opens a plain file. Anything else that bears a name could keep a reader waiting for ever.
pub(crate) fn open_plain(path: &Path) -> Result<fs_err::File> {
    let about = fs_err::metadata(path).map_err(|source| Error::io(path, source))?;
    if !about.is_file() {
        let found = "something else";
        return Err(Error::bad_file(path, Place::Whole, "a plain file", found));
    }
    fs_err::File::open(path).map_err(|source| Error::io(path, source))
}

impl Checkpoint {
    /// Opens the weights of a base's folder; safetensors are preferred to pickles.
    pub fn open(folder: &Path) -> Result<Checkpoint> {
        // Asking for a form's file tells a folder that cannot be read from one without weights.
        let about = fs_err::metadata(folder).map_err(|source| Error::io(folder, source))?;
        if about.is_dir() {
            for (name, is_index, parse) in FORMS {
                let path = folder.join(name);
                if path
                    .try_exists()
                    .map_err(|source| Error::io(&path, source))?
                {
                    return match is_index {
                        true => Checkpoint::open_index(&path, folder, parse),
                        false => Checkpoint::open_one(&path, parse),
                    };
                }
            }
        }
        Err(Error::NoWeights {
            folder: folder.to_owned(),
        })
    }

    /// Opens one file: `.safetensors` by that ending, anything else as a file of torch.
    pub fn open_file(path: &Path) -> Result<Checkpoint> {
        if path
            .extension()
            .is_some_and(|ending| ending == "safetensors")
        {
            Checkpoint::open_one(path, safetensors::parse)
        } else {
            Checkpoint::open_one(path, torch::parse)
        }
    }

    fn open_one(path: &Path, parse: Parser) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::empty(path);
        checkpoint.add(Mapped::open(path, parse)?);
        Ok(checkpoint)
    }

    /// Opens all shards; each must hold exactly the tensors that the index says.
    fn open_index(index: &Path, folder: &Path, parse: Parser) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::empty(index);
        for (path, keys) in index::read(index, folder)? {
            let file = Mapped::open(&path, parse)?;
            if let Some(key) = keys.iter().find(|key| !file.views.contains_key(*key)) {
                let place = Place::Key(key.clone());
                let expected = "the tensor that the index names";
                return Err(Error::bad_file(&path, place, expected, "none"));
            }
            if let Some(key) = file.views.keys().find(|key| !keys.contains(*key)) {
                let place = Place::Key(key.clone());
                let expected = "only tensors that the index names";
                return Err(Error::bad_file(&path, place, expected, "another"));
            }
            checkpoint.add(file);
        }
        Ok(checkpoint)
    }

    fn empty(path: &Path) -> Checkpoint {
        Checkpoint {
            path: path.to_owned(),
            files: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Adds a file's tensors. Files of one checkpoint have no names in common.
    fn add(&mut self, file: Mapped) {
        for key in file.views.keys() {
            self.places.insert(key.clone(), self.files.len());
        }
        self.files.push(file);
    }

    /// The file that was opened: the weights themselves, or the index of the shards.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every file that holds numbers, in the order in which they were opened.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// All names, in sorted order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// A tensor's shape, if there is one of that name.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.find(key).map(|(_, view)| &view.shape[..])
    }

    /// A tensor's kind of numbers, if there is one of that name.
    pub fn dtype(&self, key: &str) -> Option<Dtype> {
        self.find(key).map(|(_, view)| view.dtype)
    }

    fn find(&self, key: &str) -> Option<(&Mapped, &View)> {
        let file = &self.files[*self.places.get(key)?];
        Some((file, file.views.get(key)?))
    }

    /// A tensor's numbers as f32, in row-major order, from f32, f16, bf16 or f64.
    ///
    /// Its absence, another shape than the expected one, and any other kind of number are errors,
    /// found before memory is asked for. Afterwards the file's pages are released, so that a
    /// base is never held twice.
    pub fn read_f32(&self, key: &str, expected_shape: &[usize]) -> Result<Vec<f32>> {
        let Some((file, view)) = self.find(key) else {
            return Err(Error::MissingTensor {
                path: self.path.clone(),
                key: key.to_owned(),
                expected: expected_shape.to_vec(),
            });
        };
        if view.shape != expected_shape {
            return Err(Error::WrongShape {
                path: file.path.clone(),
                key: key.to_owned(),
                expected: expected_shape.to_vec(),
                found: view.shape.clone(),
            });
        }
        file.read_f32(key, view)
    }

    /// A hash of all names, shapes, kinds and numbers, in hexadecimal.
    ///
    /// It does not depend on the form of the files: the same weights in one file, in shards or
    /// pickled have the same hash. BLAKE3 because a base's gigabytes then take no longer than
    /// reading them does (SHA-2 would be several times slower on machines without instructions
    /// for it), in its pure Rust form, which needs no C compiler.
    pub fn content_hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for key in self.places.keys() {
            let Some((file, view)) = self.find(key) else {
                continue;
            };
            // Lengths in front, so that no two different lists of fields give the same bytes.
            hash.update(&(key.len() as u64).to_le_bytes());
            hash.update(key.as_bytes());
            let dtype = view.dtype.name();
            hash.update(&(dtype.len() as u64).to_le_bytes());
            hash.update(dtype.as_bytes());
            hash.update(&(view.shape.len() as u64).to_le_bytes());
            for &size in &view.shape {
                hash.update(&(size as u64).to_le_bytes());
            }
            file.for_each_piece(view, |bytes| {
                hash.update(bytes);
            });
        }
        hash.finalize().to_hex().to_string()
    }
}
