//! A control group around one sandbox, where this user may make one: memory and processes of all of
//! it together, on top of the limits of each process.
//!
//! It is no layer: where it cannot be had, the limits of each process hold alone. Only version 2 is
//! used, and only where both controllers were handed down to the group of this process.

use std::path::{Path, PathBuf};

use super::launch::read_small;
use super::plan::Plan;
use crate::layer::Layer;

/// Removed when dropped, after its processes ended.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
}

impl Group {
    /// Puts a child into a group of its own; nothing where that cannot be had.
    pub(super) fn around(pid: libc::pid_t, plan: &Plan) -> Option<Group> {
        if !plan.layers.has(Layer::Limits) {
            return None;
        }
        let own = own_folder(&read_small("/proc/self/cgroup")?)?;
        let handed_down = read_small(own.join("cgroup.subtree_control").to_str()?)?;
        if !has_both(&handed_down) {
            return None;
        }
        let folder = own.join(format!("skillbelt-{pid}"));
        fs_err::create_dir(&folder).ok()?;
        let group = Group { folder };
        let limit = |wanted: libc::c_uint| {
            let of = |(resource, limit): &(libc::c_uint, libc::rlimit)| {
                (*resource == wanted).then_some(limit.rlim_max)
            };
            plan.limits.iter().find_map(of)
        };
        group.write("memory.max", limit(libc::RLIMIT_DATA)?)?;
        // Not every machine counts swap.
        let _ = group.write("memory.swap.max", 0);
        // One more for the first process, which waits.
        group.write("pids.max", limit(libc::RLIMIT_NPROC)? + 1)?;
        group.write("cgroup.procs", u64::try_from(pid).ok()?)?;
        Some(group)
    }

    fn write(&self, name: &str, value: u64) -> Option<()> {
        fs_err::write(self.folder.join(name), value.to_string()).ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs_err::remove_dir(&self.folder);
    }
}

/// The folder of a process's version 2 group, from what the kernel says about its groups.
fn own_folder(groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .map(Path::new)
        .into_iter()
        .find(|root| root.join("cgroup.controllers").exists())?;
    Some(root.join(path))
}

fn has_both(controllers: &str) -> bool {
    let has = |name| controllers.split_whitespace().any(|word| word == name);
    has("memory") && has("pids")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_controllers_must_be_handed_down() {
        assert!(has_both("cpuset cpu io memory pids\n"));
        assert!(!has_both("memory\n"));
        assert!(!has_both("hugetlb pids memory.x\n"));
    }
}
