//! Replaces files so that a reader, or the next start after a crash, finds the old or the new content, never a part.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::domain::fault::{Fault, FaultKind};

/// Runs blocking work outside the runtime's threads.
///
/// # Errors
/// The work's own error; `Bug` if it panicked.
pub(crate) async fn off_thread<T, W>(work: W) -> Result<T, Fault>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, Fault> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Fault::new(FaultKind::Bug, "Working on a file was interrupted").caused_by(error)),
    }
}

/// Replaces `path` atomically and durably. Directories are created as needed; permissions stay, and so do owner and
/// group if this process may set them; a symlink stays a symlink.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let path = resolved(path);
    replace_resolved(&path, content)
}

/// Like `replace`, but leaves the file alone if its owner or group would change.
///
/// # Errors
/// `Config`, also if owner and group cannot stay.
pub fn replace_as_owned(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let path = resolved(path);
    let beside = fs::metadata(&path).ok().zip(new_file(".owner.", parent(&path)).ok());
    if beside.is_some_and(|(former, trial)| keep_owner(trial.as_file(), &former).is_err()) {
        let sentence =
            format!("{} belongs to another user or group, and the file that replaces it would not", path.display());
        return Err(Fault::new(FaultKind::Config, sentence).with_hint("run bqsync as the owner of that file"));
    }
    replace_resolved(&path, content)
}

fn replace_resolved(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let written = stage(path, content).and_then(|staged| commit(staged, path));
    written.map_err(|error| match error.kind() {
        // The system could not say beforehand what is mounted.
        ErrorKind::ResourceBusy => mounted(path),
        _ if is_mounted(path) => mounted(path),
        _ => io_fault("Writing", path, error),
    })
}

/// Refuses a file that is a mount itself (a bind mount, `subPath`), because no rename can replace it. Writing into it
/// would leave a torn file after a crash.
///
/// # Errors
/// `Config`, which says what to mount instead.
pub(crate) fn refuse_mounted(path: &Path) -> Result<(), Fault> {
    let path = resolved(path);
    if is_mounted(&path) { Err(mounted(&path)) } else { Ok(()) }
}

#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // A system that does not know the attribute does not give it.
    statx(CWD, path, AtFlags::empty(), StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mounted(_path: &Path) -> bool {
    false
}

fn mounted(path: &Path) -> Fault {
    let (file, folder) = (path.display(), parent(path).display());
    Fault::new(FaultKind::Config, format!("{file} is mounted as a single file, which cannot be replaced")).with_hint(
        format!(
            "mount its folder instead (Docker: `-v HOST_FOLDER:{folder}`; Kubernetes: a volume without `subPath`), or \
             name a file in a folder that is mounted (`state_local_path`, `report_dir`, `metrics_file`)"
        ),
    )
}

/// Writes the content durably to a file with its own name beside `path`.
fn stage(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let directory = parent(path);
    fs::create_dir_all(directory)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut staged = new_file(&format!(".{name}."), directory)?;
    staged.write_all(content)?;
    if let Ok(former) = fs::metadata(path) {
        // A process that may not set the owner keeps the file as its own.
        let _ = keep_owner(staged.as_file(), &former);
        staged.as_file().set_permissions(former.permissions())?;
    }
    staged.as_file().sync_all()?;
    Ok(staged)
}

#[cfg(unix)]
fn keep_owner(staged: &File, former: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let made = staged.metadata()?;
    if (made.uid(), made.gid()) == (former.uid(), former.gid()) {
        return Ok(());
    }
    fchown(staged, Some(former.uid()), Some(former.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_staged: &File, _former: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn commit(staged: NamedTempFile, path: &Path) -> io::Result<()> {
    staged.persist(path).map_err(|refused| refused.error)?;
    sync_directory(parent(path))
}

/// A temporary file is private by default; state and reports have other readers, so the umask decides.
#[cfg(unix)]
fn new_file(prefix: &str, directory: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let by_umask = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(prefix).suffix(".tmp").permissions(by_umask).tempfile_in(directory)
}

#[cfg(not(unix))]
fn new_file(prefix: &str, directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(prefix).suffix(".tmp").tempfile_in(directory)
}

/// A rename is durable only after its directory is synced.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Does everything that replacing `path` needs, without touching it; directories are created as needed.
pub(super) fn probe(path: &Path) -> Result<(), Fault> {
    refuse_mounted(path)?;
    let path = resolved(path);
    let beside = with_suffix(&path, ".check");
    let staged = stage(&beside, b"").map_err(|error| io_fault("Writing beside", &path, error))?;
    staged
        .close()
        .and_then(|()| sync_directory(parent(&path)))
        .map_err(|error| io_fault("Writing beside", &path, error))
}

/// Opens a lock file, and creates it if needed; its content stays.
pub(crate) fn open_lock(path: &Path) -> Result<File, Fault> {
    fs::create_dir_all(parent(path))
        .and_then(|()| File::options().create(true).truncate(false).read(true).write(true).open(path))
        .map_err(|error| io_fault("Opening", path, error))
}

/// The content; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_fault("Reading", path, error)),
    }
}

/// Appends a suffix to the file's name: `state/state.json` -> `state/state.json.lock`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The fault of an I/O error: a mount that is slow or stale may work in a moment; anything else needs the operator.
pub(crate) fn io_fault(doing: &str, path: &Path, error: io::Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::ResourceBusy | ErrorKind::StaleNetworkFileHandle => {
            FaultKind::Transient
        }
        _ => FaultKind::Config,
    };
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space on the disk, then run again",
        ErrorKind::FileTooLarge => "raise this account's limit on the size of files (`ulimit -f`), then run again",
        ErrorKind::ReadOnlyFilesystem => {
            "choose a path on a disk that can be written (`state_local_path`, `report_dir`, `metrics_file`)"
        }
        _ => {
            "check that the path exists, that it is a file or a directory as needed, and that this account may read \
             and write there"
        }
    };
    Fault::new(kind, format!("{doing} {} failed", path.display())).caused_by(error).with_hint(hint)
}

fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn owner_and_group_stay_as_they_were() {
        use std::os::unix::fs::{MetadataExt, chown};
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.yaml");
        fs::write(&file, "a").unwrap();
        // Only root may give files away; another account has no other owner to keep.
        let is_root = chown(&file, Some(1), Some(1)).is_ok();
        let before = fs::metadata(&file).unwrap();
        replace_as_owned(&file, b"b").unwrap();
        let after = fs::metadata(&file).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert!(!is_root || after.uid() == 1);
        assert_eq!(fs::read(&file).unwrap(), b"b");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_crash_between_writing_and_renaming_leaves_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/state.json");
        replace(&path, b"old").unwrap();
        let staged = stage(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"old"[..]));
        // After a kill -9 only a file with another name remains.
        let (_, left) = staged.keep().unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"old"[..]));
        assert!(left.file_name().unwrap().to_str().unwrap().starts_with(".state.json."));
        replace(&path, b"newer").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"newer"[..]));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_symlinks_stay() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let fault = replace(&dir.path().join("file/state.json"), b"x").unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains("file/state.json failed"), "{fault}");
    }
}
