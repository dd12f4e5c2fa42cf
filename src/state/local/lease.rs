//! One writer per mapping on one machine, by a file lock that the kernel releases when its holder dies.
//!
//! The lock files stay behind: removing one would let two processes hold locks on two files of the same name.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::naming;
use crate::files;
use crate::host::host_name;
use crate::state::{Holder, Lease};

/// A mapping taken for this process, until the last copy is dropped: a save that outlives its caller keeps one.
#[derive(Debug, Clone)]
pub struct FileLease(Arc<Held>);

#[derive(Debug)]
struct Held {
    mapping: MappingName,
    file: File,
    follows_a_dead_one: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file releases the lock; an emptied file names no holder.
        let _ = self.file.set_len(0);
    }
}

/// Content of the lock file: what the next process that asks is told.
#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    mapping: MappingName,
    #[serde(flatten)]
    holder: Holder,
}

impl FileLease {
    /// # Errors
    /// `Conflict` naming the holder.
    pub(super) fn take(directory: &Path, mapping: &MappingName, run: &RunId) -> Result<Self, Fault> {
        let path = lock_path(directory, mapping);
        let file = files::open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(conflict(&path, mapping)),
            Err(TryLockError::Error(error)) => return Err(files::io_fault("Locking", &path, error)),
        }
        // A holder that gives its lease back empties the file.
        let follows_a_dead_one = file.metadata().is_ok_and(|file| file.len() > 0);
        let signature = Signature { mapping: mapping.clone(), holder: Holder::here(run) };
        sign(&file, &signature).map_err(|error| files::io_fault("Writing", &path, error))?;
        Ok(Self(Arc::new(Held { mapping: mapping.clone(), file, follows_a_dead_one })))
    }

    pub(super) fn mapping(&self) -> &MappingName {
        &self.0.mapping
    }
}

impl Lease for FileLease {
    fn follows_a_dead_one(&self) -> bool {
        self.0.follows_a_dead_one
    }
}

fn sign(mut file: &File, signature: &Signature) -> std::io::Result<()> {
    let content = serde_json::to_vec(signature)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&content)
}

fn conflict(path: &Path, mapping: &MappingName) -> Fault {
    // Between locking and signing, the file is empty for a moment.
    let (who, hint) = match signature(path).map(|signed| signed.holder) {
        Some(holder) => {
            let (pid, host) = (holder.pid, &holder.host);
            let hint = format!("wait for it, or stop process {pid} on {host}; the lease ends with the process");
            (holder.to_string(), hint)
        }
        None => ("another process".to_owned(), "wait for it; the lease ends with the process".to_owned()),
    };
    Fault::new(FaultKind::Conflict, format!("Mapping `{mapping}` is held by {who}")).with_hint(hint)
}

/// `None` for a lock that is free, or whose holder has not signed yet.
fn signature(path: &Path) -> Option<Signature> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Who holds which mapping, by the content of the lock files: taking a lock to find out would block a run.
pub(super) fn holders(directory: &Path) -> Result<BTreeMap<MappingName, Holder>, Fault> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(files::io_fault("Reading", directory, error)),
    };
    let here = host_name();
    let signed = entries.filter_map(|entry| signature(&entry.ok()?.path()));
    Ok(signed.filter(|s| is_alive(&s.holder, &here)).map(|s| (s.mapping, s.holder)).collect())
}

/// Whether the holder still runs. A process of this host that died leaves its name in the file; of a process on another
/// host only its signature is known. Where the kernel lists its locks, a new process that got the dead holder's number
/// is recognized as holding no lock.
fn is_alive(holder: &Holder, here: &str) -> bool {
    let processes = Path::new("/proc");
    if holder.host != here || !processes.exists() {
        return true;
    }
    let pid = holder.pid.to_string();
    // `1: FLOCK  ADVISORY  WRITE 708 103:02:1318 0 EOF`; an empty list means that no lock is held.
    let holds_one = fs::read_to_string(processes.join("locks")).map_or(true, |locks| {
        locks.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.any(|word| word == "FLOCK") && words.nth(2) == Some(&pid)
        })
    });
    processes.join(&pid).exists() && holds_one
}

fn lock_path(directory: &Path, mapping: &MappingName) -> PathBuf {
    directory.join(format!("{}.lock", file_stem(mapping)))
}

/// Readable, and distinct for names that differ only in characters that a file name cannot hold.
pub(super) fn file_stem(mapping: &MappingName) -> String {
    let digest = Sha256::digest(mapping.0.as_bytes());
    let short: String = digest.iter().take(4).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{}-{short}", naming::id_part(&mapping.0))
}
