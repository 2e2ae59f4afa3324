use std::path::Path;

/// The bytes that this program may still write to the disk that holds the path, or its nearest folder that is there;
/// `None` where the system does not tell.
#[cfg(unix)]
pub(super) fn free_space(path: &Path) -> Option<u64> {
    // A name without a folder is in the current one.
    let folders = path.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    let found = folders.chain([Path::new(".")]).find_map(|path| rustix::fs::statvfs(path).ok())?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The bytes that are left on the disk of this path.
#[cfg(not(unix))]
pub(super) fn free_space(_path: &Path) -> Option<u64> {
    None
}
