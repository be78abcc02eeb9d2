//! System calls as the child may make them: between its start and its program it shares a copy of a
//! process that had other threads, so nothing here allocates, locks or unwinds.

use std::ffi::CStr;

use libc::{c_int, c_long, c_uint};

/// The error number of a call that failed.
pub(super) type Called<T> = Result<T, c_int>;

pub(super) fn errno() -> c_int {
    // SAFETY: the address of this thread's own error number.
    unsafe { *libc::__errno_location() }
}

pub(super) fn checked(result: c_int) -> Called<c_int> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn checked_long(result: c_long) -> Called<c_long> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

/// Read-only, nothing set-uid, no device files: what is shown of the machine.
pub(super) const READ_ONLY: u64 = 1;
pub(super) const NO_SET_ID: u64 = 2;
pub(super) const NO_DEVICES: u64 = 4;

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const AT_EMPTY_PATH: c_uint = 0x1000;
const AT_RECURSIVE: c_uint = 0x8000;

/// A copy of what is mounted at `path`, attached nowhere.
pub(super) fn copy_of_tree(path: &CStr) -> Called<c_int> {
    const CLONE: c_uint = 1;
    let flags = CLONE | libc::O_CLOEXEC as c_uint | AT_RECURSIVE;
    // SAFETY: a path that ends in zero, and flags.
    let tree = checked_long(unsafe {
        libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags)
    })?;
    Ok(tree as c_int)
}

/// Sets attributes of a copy, or of the mount at a path.
pub(super) fn restrict(tree: c_int, path: &CStr, attributes: u64) -> Called<()> {
    let wanted = MountAttributes {
        set: attributes,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    let flags = if path.is_empty() {
        AT_EMPTY_PATH | AT_RECURSIVE
    } else {
        0
    };
    // SAFETY: the kernel reads as many bytes of `wanted` as it is told.
    checked_long(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree,
            path.as_ptr(),
            flags,
            &raw const wanted,
            size_of::<MountAttributes>(),
        )
    })?;
    Ok(())
}

/// Attaches a copy at a path.
pub(super) fn attach(tree: c_int, at: &CStr) -> Called<()> {
    const FROM_EMPTY_PATH: c_uint = 4;
    // SAFETY: paths that end in zero, and flags.
    checked_long(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree,
            c"".as_ptr(),
            libc::AT_FDCWD,
            at.as_ptr(),
            FROM_EMPTY_PATH,
        )
    })?;
    Ok(())
}

/// A fresh file system in memory.
pub(super) fn memory_files(at: &CStr, flags: libc::c_ulong, options: &CStr) -> Called<()> {
    // SAFETY: texts that end in zero.
    checked(unsafe {
        libc::mount(
            c"tmpfs".as_ptr(),
            at.as_ptr(),
            c"tmpfs".as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    })?;
    Ok(())
}

pub(super) fn close(file: c_int) {
    // SAFETY: closing an unknown number is an error that changes nothing.
    unsafe { libc::close(file) };
}

/// Closes every file from `first` to `last`, both included.
pub(super) fn close_range(first: c_uint, last: c_uint) -> Called<()> {
    // SAFETY: numbers only.
    checked_long(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })?;
    Ok(())
}

/// Writes all of it, or stops at the first error.
pub(super) fn write_all(file: c_int, mut bytes: &[u8]) -> Called<()> {
    while !bytes.is_empty() {
        // SAFETY: as many bytes as the slice has.
        let wrote = unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(wrote) {
            Ok(wrote) => bytes = bytes.get(wrote..).unwrap_or_default(),
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
    Ok(())
}

/// A new process, with new namespaces where flags ask for them. Zero is the child.
pub(super) fn split(namespaces: c_int) -> Called<libc::pid_t> {
    let flags = (namespaces | libc::SIGCHLD) as libc::c_ulong;
    let none: libc::c_ulong = 0;
    // SAFETY: like `fork`: no memory is shared and the child goes on with this stack's copy.
    let child =
        checked_long(unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) })?;
    Ok(child as libc::pid_t)
}
