//! A Python interpreter, and what of the machine's files it needs: itself, its library, the shared
//! libraries of both. Installed packages are not among it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::program::Program;
use crate::view::View;

/// An interpreter that was asked where it lies.
#[derive(Debug, Clone)]
pub struct Python {
    executable: PathBuf,
    version: String,
    view: View,
}

/// Prints the version, the executable, folders of the library (`+`), folders to be hidden (`-`) and
/// every shared library that the extension modules of the library load, under all of its names (`=`).
const ASK: &str = r"
import os, sys, sysconfig
print(sys.version.split()[0]); print(os.path.realpath(sys.executable))
paths = sysconfig.get_paths()
for name in ('stdlib', 'platstdlib'): print('+' + paths[name])
for name in ('purelib', 'platlib'): print('-' + paths[name])
for name in ('site-packages', 'dist-packages'): print('-' + os.path.join(paths['stdlib'], name))
for folder in {os.path.join(paths[name], 'lib-dynload') for name in ('stdlib', 'platstdlib')}:
    for file in os.listdir(folder) if os.path.isdir(folder) else ():
        try: __import__(file.split('.')[0])
        except BaseException: pass
maps = [line.rstrip('\n').split(None, 5) for line in open('/proc/self/maps')]
files = {parts[5] for parts in maps if len(parts) == 6 and '.so' in parts[5] and parts[5][0] == '/'}
for folder in {os.path.dirname(file) for file in files}:
    for entry in os.scandir(folder):
        if entry.path in files or entry.is_symlink() and os.path.realpath(entry.path) in files:
            print('=' + entry.path)
";

impl Python {
    /// The interpreter at `path`, or `python3` of the search path.
    pub fn find(path: Option<&Path>) -> Result<Python> {
        let asked = path.unwrap_or(Path::new("python3"));
        let output = Command::new(asked)
            .args(["-I", "-c", ASK])
            .output()
            .map_err(|error| Error::interpreter(asked, error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("it failed").to_owned();
            return Err(Error::interpreter(asked, last));
        }
        let said = String::from_utf8(output.stdout)
            .map_err(|_| Error::interpreter(asked, "its paths are not UTF-8"))?;
        let mut lines = said.lines();
        let version = lines.next().unwrap_or_default().to_owned();
        let executable = PathBuf::from(lines.next().unwrap_or_default());
        if !version.starts_with("3.") {
            return Err(Error::interpreter(
                asked,
                format!("version 3 is needed, found {version}"),
            ));
        }
        let mut view = View::new();
        view.show(&executable)?;
        for line in lines {
            let path = Path::new(line.get(1..).unwrap_or_default());
            match line.as_bytes().first() {
                Some(b'+') => view.show(path)?,
                Some(b'=') if path.exists() => view.show(path)?,
                Some(b'-') if path.is_dir() => view.hide(path),
                _ => {}
            }
        }
        show_loader(&mut view)?;
        Ok(Python {
            executable,
            version,
            view,
        })
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// A run of `source`. Order of sets and dictionaries of texts is the same in every run.
    pub fn program(&self, source: &str, limits: Limits) -> Program {
        let mut program = Program::new(&self.executable, self.view.clone());
        let flags = ["-s", "-S", "-B", "-u", "-X", "utf8", "-c", source];
        program.arguments = flags.map(str::to_owned).to_vec();
        program.environment = vec![("PYTHONHASHSEED".to_owned(), "0".to_owned())];
        program.limits = limits;
        program
    }
}

/// The dynamic loader under the name that executables ask for.
pub(crate) fn show_loader(view: &mut View) -> Result<()> {
    const LOADERS: [&str; 4] = [
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux-aarch64.so.1",
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
    ];
    for loader in LOADERS.map(Path::new) {
        if loader.exists() {
            view.show(loader)?;
        }
    }
    Ok(())
}
