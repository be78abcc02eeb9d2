//! All that the child needs, worked out before it exists, because the child may not allocate.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::{c_char, sock_filter};

use crate::error::{Error, Result};
use crate::filter;
use crate::layer::{Layer, Layers};
use crate::limits::Limits;
use crate::program::Program;

/// The scratch folder, as the program names it, and its working folder.
const SCRATCH: &str = "/tmp";
/// Devices that runtimes expect; none of them holds anything.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// Paths of the new root are written `./like/this`, since it is built before it is the root.
pub(super) struct Plan {
    pub layers: Layers,
    pub arguments: Words,
    pub environment: Words,
    /// Folders, from the outside in.
    pub folders: Vec<CString>,
    pub shown: Vec<Shown>,
    pub links: Vec<(CString, CString)>,
    pub files: Vec<(CString, Vec<u8>)>,
    pub hidden: Vec<CString>,
    pub scratch: CString,
    pub scratch_options: CString,
    pub scratch_runs: bool,
    pub root_options: CString,
    pub limits: Vec<(libc::c_uint, libc::rlimit)>,
    pub filter: Vec<sock_filter>,
    pub collect: Option<(CString, usize)>,
}

/// A part of the machine's tree at the same place of the new one.
pub(super) struct Shown {
    pub source: CString,
    pub target: CString,
    pub folder: bool,
    pub device: bool,
}

/// Texts with the list of pointers that starting a program wants.
pub(super) struct Words {
    texts: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Words {
    fn new(texts: Vec<CString>) -> Words {
        let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Words { texts, pointers }
    }

    pub(super) fn pointers(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    pub(super) fn first(&self) -> *const c_char {
        self.texts
            .first()
            .map_or(std::ptr::null(), |text| text.as_ptr())
    }
}

impl Plan {
    pub(super) fn new(layers: Layers, program: &Program) -> Result<Plan> {
        if !layers.has(Layer::Files) && (!program.files.is_empty() || program.collect.is_some()) {
            let message = "files cannot be given to a program without a file tree of its own";
            return Err(Error::Program(message.to_owned()));
        }
        let mut arguments = vec![text(program.executable.as_os_str())?];
        for argument in &program.arguments {
            arguments.push(text(OsStr::new(argument))?);
        }
        let mut environment = Vec::new();
        for (name, value) in &program.environment {
            environment.push(text(OsStr::new(&format!("{name}={value}")))?);
        }
        let limits = &program.limits;
        let put: usize = program.files.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut plan = Plan {
            layers,
            arguments: Words::new(arguments),
            environment: Words::new(environment),
            folders: Vec::new(),
            shown: Vec::new(),
            links: Vec::new(),
            files: Vec::new(),
            hidden: Vec::new(),
            scratch: inner(Path::new(SCRATCH))?,
            scratch_options: options(limits.scratch_bytes, limits.scratch_files, "0700")?,
            scratch_runs: limits.scratch_runs,
            root_options: options(put as u64 + (4 << 20), 4096, "0755")?,
            limits: resource_limits(limits),
            filter: filter::program(limits.forks, limits.sockets).unwrap_or_default(),
            collect: None,
        };
        plan.lay_out(program)?;
        Ok(plan)
    }

    /// Where everything goes in the new root.
    fn lay_out(&mut self, program: &Program) -> Result<()> {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([PathBuf::from(SCRATCH)]);
        let mut above = |path: &Path| {
            let parents = path
                .ancestors()
                .skip(1)
                .filter(|folder| *folder != Path::new("/"));
            folders.extend(parents.map(Path::to_owned));
        };
        let shown: Vec<&Path> = program.view.shown().collect();
        let devices = DEVICES
            .iter()
            .map(Path::new)
            .filter(|device| device.exists());
        for (path, device) in shown
            .iter()
            .map(|path| (*path, false))
            .chain(devices.map(|device| (device, true)))
        {
            above(path);
            self.shown.push(Shown {
                source: text(path.as_os_str())?,
                target: inner(path)?,
                folder: path.is_dir(),
                device,
            });
        }
        for (link, target) in program.view.links() {
            above(link);
            self.links.push((text(target.as_os_str())?, inner(link)?));
        }
        for (path, bytes) in &program.files {
            above(path);
            self.files.push((inner(path)?, bytes.clone()));
        }
        for folder in program.view.hidden() {
            if shown.iter().any(|path| folder.starts_with(path)) {
                self.hidden.push(inner(folder)?);
            }
        }
        if let Some((path, most)) = &program.collect {
            self.collect = Some((text(path.as_os_str())?, *most));
        }
        self.folders = folders
            .iter()
            .map(|folder| inner(folder))
            .collect::<Result<_>>()?;
        Ok(())
    }
}

fn resource_limits(limits: &Limits) -> Vec<(libc::c_uint, libc::rlimit)> {
    let same = |value: u64| libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    let mut all = vec![
        // A second after the limit that can be caught comes the one that cannot.
        (
            libc::RLIMIT_CPU,
            libc::rlimit {
                rlim_cur: limits.cpu_seconds,
                rlim_max: limits.cpu_seconds + 1,
            },
        ),
        (libc::RLIMIT_DATA, same(limits.data)),
        (libc::RLIMIT_NPROC, same(limits.processes)),
        (libc::RLIMIT_NOFILE, same(limits.open_files)),
        (libc::RLIMIT_FSIZE, same(limits.file_bytes)),
        (libc::RLIMIT_CORE, same(0)),
        (libc::RLIMIT_MEMLOCK, same(0)),
        (libc::RLIMIT_MSGQUEUE, same(0)),
        (libc::RLIMIT_SIGPENDING, same(64)),
        (
            // The soft limit is also how much of memory each thread is given.
            libc::RLIMIT_STACK,
            libc::rlimit {
                rlim_cur: 8 << 20,
                rlim_max: 64 << 20,
            },
        ),
    ];
    if let Some(bytes) = limits.address_space {
        all.push((libc::RLIMIT_AS, same(bytes)));
    }
    all
}

fn options(bytes: u64, files: u64, mode: &str) -> Result<CString> {
    text(OsStr::new(&format!(
        "size={bytes},nr_inodes={files},mode={mode}"
    )))
}

fn inner(path: &Path) -> Result<CString> {
    let mut bytes = b".".to_vec();
    bytes.extend(path.as_os_str().as_bytes());
    text(OsStr::from_bytes(&bytes))
}

fn text(word: &OsStr) -> Result<CString> {
    CString::new(word.as_bytes()).map_err(|_| {
        Error::Program(format!(
            "a zero byte in `{}`",
            word.to_string_lossy().escape_debug()
        ))
    })
}
