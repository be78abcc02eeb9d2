//! A folder of one's own among the machine's temporary files, for those whose cache cannot be written
//! into. It trusts no folder that others could write into.

use std::path::PathBuf;

/// The folder, made if it is not there; nothing where it cannot be made, or is somebody else's.
#[cfg(unix)]
pub fn folder() -> Option<PathBuf> {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// Others may neither read nor write.
    const OWN: u32 = 0o700;
    let all = std::env::temp_dir();
    // Who one is shows in what one makes.
    let fresh = all.join(format!("skillbelt-new-{}", std::process::id()));
    fs_err::create_dir(&fresh).ok()?;
    let made = fs_err::set_permissions(&fresh, Permissions::from_mode(OWN));
    let own = fs_err::metadata(&fresh).ok()?.uid();
    let folder = all.join(format!("skillbelt-{own}"));
    if made.is_err() || fs_err::rename(&fresh, &folder).is_err() {
        // It is there already, with something in it.
        let _left = fs_err::remove_dir(&fresh);
    }
    let about = fs_err::symlink_metadata(&folder).ok()?;
    let is_own = about.is_dir() && about.uid() == own && about.mode() & 0o777 == OWN;
    is_own.then_some(folder)
}

/// Elsewhere the folder of temporary files is the user's own.
#[cfg(not(unix))]
pub fn folder() -> Option<PathBuf> {
    Some(std::env::temp_dir().join("skillbelt"))
}
