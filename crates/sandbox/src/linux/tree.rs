//! The file tree of the program, built by the child: a root in memory, read-only copies of what is
//! shown, a scratch folder, and no way back to the machine's tree.

use std::ffi::CStr;

use libc::c_int;

use super::call::{
    self, Called, NO_DEVICES, NO_SET_ID, READ_ONLY, attach, checked, copy_of_tree, memory_files,
    restrict,
};
use super::inside::Failure;
use super::message::Step;
use super::plan::Plan;
use crate::layer::Layer;

/// More parts of the machine's tree than any interpreter needs.
pub(super) const MOST_SHOWN: usize = 512;

/// Copies of what is to be shown, attached nowhere. Taken while the child is still who it was,
/// because the way to an interpreter may lead through folders that the later user may not enter.
pub(super) struct Copies([c_int; MOST_SHOWN]);

pub(super) fn copies(plan: &Plan) -> Result<Copies, Failure> {
    let at = |step| move |errno| Failure::of(Layer::Files, step, errno);
    // SAFETY: texts that end in zero, and flags.
    checked(unsafe {
        libc::mount(
            std::ptr::null(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            std::ptr::null(),
        )
    })
    .map_err(at(Step::PrivateMounts))?;
    let mut copies = Copies([-1; MOST_SHOWN]);
    for (shown, place) in plan.shown.iter().zip(&mut copies.0) {
        let tree = copy_of_tree(&shown.source).map_err(at(Step::CopyTree))?;
        let devices = if shown.device { 0 } else { NO_DEVICES };
        restrict(tree, c"", READ_ONLY | NO_SET_ID | devices).map_err(at(Step::CopyTree))?;
        *place = tree;
    }
    Ok(copies)
}

/// Builds the tree and makes it the root of everything that the child will start.
pub(super) fn enter(plan: &Plan, copies: &Copies) -> Result<(), Failure> {
    let at = |step| move |errno| Failure::of(Layer::Files, step, errno);
    let careful = libc::MS_NOSUID | libc::MS_NODEV;
    memory_files(c"/tmp", careful, &plan.root_options).map_err(at(Step::NewRoot))?;
    // SAFETY: a path that ends in zero.
    checked(unsafe { libc::chdir(c"/tmp".as_ptr()) }).map_err(at(Step::NewRoot))?;
    // Before the rest, because what is shown may lie inside of it.
    make_folder(&plan.scratch).map_err(at(Step::Scratch))?;
    let scratch = if plan.scratch_runs {
        careful
    } else {
        careful | libc::MS_NOEXEC
    };
    memory_files(&plan.scratch, scratch, &plan.scratch_options).map_err(at(Step::Scratch))?;
    for folder in &plan.folders {
        make_folder(folder).map_err(at(Step::NewRoot))?;
    }
    for (target, link) in &plan.links {
        // SAFETY: paths that end in zero.
        checked(unsafe { libc::symlink(target.as_ptr(), link.as_ptr()) })
            .map_err(at(Step::NewRoot))?;
    }
    for (path, bytes) in &plan.files {
        put(path, bytes).map_err(at(Step::PutFile))?;
    }
    for (shown, tree) in plan.shown.iter().zip(copies.0) {
        match shown.folder {
            true => make_folder(&shown.target),
            false => put(&shown.target, b""),
        }
        .and_then(|()| attach(tree, &shown.target))
        .map_err(at(Step::AttachTree))?;
        call::close(tree);
    }
    for folder in &plan.hidden {
        let flags = careful | libc::MS_RDONLY | libc::MS_NOEXEC;
        memory_files(folder, flags, c"size=4k,nr_inodes=2,mode=0555")
            .map_err(at(Step::HideFolder))?;
    }
    become_root().map_err(at(Step::EnterRoot))
}

/// Makes the folder that the child stands in the root, lets go of the old one, and forbids writing.
fn become_root() -> Called<()> {
    // SAFETY: paths that end in zero.
    unsafe {
        checked(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) as c_int)?;
        // The old root now lies over the new one.
        checked(libc::umount2(c".".as_ptr(), libc::MNT_DETACH))?;
        checked(libc::chdir(c"/".as_ptr()))?;
    }
    restrict(libc::AT_FDCWD, c"/", READ_ONLY)?;
    // SAFETY: a path that ends in zero.
    checked(unsafe { libc::chdir(c"/tmp".as_ptr()) })?;
    Ok(())
}

/// A folder that may be there already.
fn make_folder(path: &CStr) -> Called<()> {
    // SAFETY: a path that ends in zero.
    match checked(unsafe { libc::mkdir(path.as_ptr(), 0o755) }) {
        Err(libc::EEXIST) | Ok(_) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn put(path: &CStr, bytes: &[u8]) -> Called<()> {
    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_EXCL | libc::O_CLOEXEC;
    // SAFETY: a path that ends in zero.
    let file = checked(unsafe { libc::open(path.as_ptr(), flags, 0o555) })?;
    let wrote = call::write_all(file, bytes);
    call::close(file);
    wrote
}
