//! One program to run: what is started, with what words, seeing what.

use std::path::PathBuf;

use crate::limits::Limits;
use crate::view::View;

/// A program, and all that it will have. Nothing of the caller's environment reaches it.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable, as the program's own tree names it.
    pub executable: PathBuf,
    /// Its arguments; the name of the executable is put in front.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    pub view: View,
    /// Files put into its tree, read-only: an absolute path and what stands in it. They can be
    /// started.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    pub limits: Limits,
    /// A file, as the program's tree names it, that is read when the program has ended, and its
    /// greatest length.
    pub collect: Option<(PathBuf, usize)>,
}

impl Program {
    pub fn new(executable: impl Into<PathBuf>, view: View) -> Program {
        Program {
            executable: executable.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            view,
            files: Vec::new(),
            limits: Limits::default(),
            collect: None,
        }
    }
}
