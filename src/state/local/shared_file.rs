//! The state file as all mappings of this process share it: parsed once for as long as its content stays the same, and
//! written once for all saves that wait at the same time. With a thousand mappings the file has a megabyte, and each
//! mapping loads and saves it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lease::FileLease;
use crate::domain::estate::KnownTables;
use crate::domain::fault::Fault;
use crate::domain::ids::MappingName;
use crate::files;
use crate::state::MappingState;
use crate::state::document::Document;

#[derive(Debug)]
pub(super) struct SharedFile {
    path: PathBuf,
    latest: Mutex<Option<Latest>>,
    waiting: Mutex<Vec<Arc<Saving>>>,
    /// Locked by the save that writes the file.
    writing: Mutex<()>,
}

/// What was read or written last. Its bytes are compared with the file's, because other processes write it too.
#[derive(Debug)]
struct Latest {
    content: Vec<u8>,
    document: Arc<Document>,
}

/// One mapping's state on its way into the file; its lease is held until the file is written, even if the caller has
/// gone.
#[derive(Debug)]
struct Saving {
    lease: FileLease,
    state: MappingState,
    fate: Mutex<Fate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    /// The state is durably in the file.
    Written,
    /// Writing it together with others failed, perhaps because of another one: it must be written by itself.
    Alone,
}

impl SharedFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, latest: Mutex::default(), waiting: Mutex::default(), writing: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn load(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        self.document()?.state(mapping)
    }

    pub(super) fn load_all(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        self.document()?.states()
    }

    pub(super) fn load_tables(&self) -> Result<KnownTables, Fault> {
        self.document()?.tables()
    }

    pub(super) fn note_tables(&self, news: &KnownTables) -> Result<(), Fault> {
        let _writing = held(&self.writing);
        self.change(|document| document.note_tables(news))
    }

    /// Durable when it returns. One save writes the states of all other saves that wait.
    pub(super) fn save(&self, lease: FileLease, state: MappingState) -> Result<(), Fault> {
        let own = Arc::new(Saving { lease, state, fate: Mutex::new(Fate::Waiting) });
        held(&self.waiting).push(Arc::clone(&own));
        let _writing = held(&self.writing);
        let fate = *held(&own.fate);
        match fate {
            Fate::Written => return Ok(()),
            Fate::Alone => return self.write(&[own]),
            Fate::Waiting => {}
        }
        let mut all = std::mem::take(&mut *held(&self.waiting));
        if !all.iter().any(|saving| Arc::ptr_eq(saving, &own)) {
            // The save that took it along has panicked.
            all.push(Arc::clone(&own));
        }
        let fate = match self.write(&all) {
            Err(fault) if all.len() == 1 => return Err(fault),
            Err(_) => Fate::Alone,
            Ok(()) => Fate::Written,
        };
        for saving in &all {
            *held(&saving.fate) = fate;
        }
        if fate == Fate::Written { Ok(()) } else { self.write(&[own]) }
    }

    fn write(&self, savings: &[Arc<Saving>]) -> Result<(), Fault> {
        self.change(|document| {
            savings.iter().try_for_each(|saving| document.set(saving.lease.mapping(), &saving.state))
        })
    }

    /// Reads, changes and replaces the file under the lock that other processes take too.
    fn change(&self, change: impl FnOnce(&mut Document) -> Result<(), Fault>) -> Result<(), Fault> {
        let lock_path = files::with_suffix(&self.path, ".lock");
        let lock = files::open_lock(&lock_path)?;
        lock.lock().map_err(|error| files::io_fault("Locking", &lock_path, error))?;
        // Readers wait: until the file is replaced, the document is ahead of it.
        let mut latest = held(&self.latest);
        let former = files::read(&self.path)?;
        let mut document = self.parsed(latest.take(), former.as_deref())?;
        change(Arc::make_mut(&mut document))?;
        let content = document.to_bytes()?;
        if let Some(former) = former {
            files::replace(&files::with_suffix(&self.path, ".bak"), &former)?;
        }
        files::replace(&self.path, &content)?;
        *latest = Some(Latest { content, document });
        Ok(())
    }

    /// The present content of the file.
    fn document(&self) -> Result<Arc<Document>, Fault> {
        let mut latest = held(&self.latest);
        let content = files::read(&self.path)?;
        let document = self.parsed(latest.take(), content.as_deref())?;
        *latest = content.map(|content| Latest { content, document: Arc::clone(&document) });
        Ok(document)
    }

    fn parsed(&self, latest: Option<Latest>, content: Option<&[u8]>) -> Result<Arc<Document>, Fault> {
        if let Some(latest) = latest.filter(|latest| content == Some(&latest.content)) {
            return Ok(latest.document);
        }
        let has_backup = files::with_suffix(&self.path, ".bak").is_file();
        Document::of_file(&self.path, content, has_backup).map(Arc::new)
    }
}

/// Ignores poisoning: the value behind the lock is complete at any moment, so a panic elsewhere cannot have damaged it.
fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::ids::RunId;
    use crate::state::StoredWatermark;

    struct Place {
        directory: tempfile::TempDir,
        file: SharedFile,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let file = SharedFile::new(directory.path().join("state.json"));
            Self { directory, file }
        }

        fn lease(&self, mapping: &str) -> FileLease {
            let locks = self.directory.path().join("state.json.locks");
            FileLease::take(&locks, &MappingName(mapping.into()), &RunId("r".into())).unwrap()
        }

        fn watermark(&self, mapping: &str) -> Option<String> {
            let state = self.file.load(&MappingName(mapping.into())).unwrap();
            state.watermark.map(|mark| mark.value)
        }
    }

    fn at(value: &str) -> MappingState {
        let watermark = Some(StoredWatermark { value: value.into(), imported: false });
        MappingState { watermark, ..MappingState::default() }
    }

    /// Waits until this many saves are waiting, while none can write.
    fn wait_for(place: &Place, savings: usize) {
        while held(&place.file.waiting).len() < savings {
            std::thread::yield_now();
        }
    }

    #[test]
    fn saves_that_wait_together_are_written_in_one_go() {
        let place = Place::new();
        place.file.save(place.lease("first"), at("1")).unwrap();
        let names: Vec<_> = (0..20).map(|number| format!("m{number}")).collect();
        std::thread::scope(|threads| {
            let writing = held(&place.file.writing);
            for name in &names {
                let place = &place;
                threads.spawn(move || place.file.save(place.lease(name), at("7")).unwrap());
            }
            wait_for(&place, names.len());
            drop(writing);
        });
        for name in &names {
            assert_eq!(place.watermark(name).as_deref(), Some("7"), "{name}");
        }
        // One write for all of them: the file before it held none of them.
        let former = fs::read_to_string(place.directory.path().join("state.json.bak")).unwrap();
        assert!(former.contains("first") && !former.contains("m1"), "{former}");
    }

    #[test]
    fn a_mapping_whose_state_cannot_be_written_blocks_no_other() {
        let place = Place::new();
        fs::write(&place.file.path, r#"{"last_sync": {"bad": ["a", "list"]}}"#).unwrap();
        let mut ended = Vec::new();
        std::thread::scope(|threads| {
            let writing = held(&place.file.writing);
            let saves = ["good", "bad", "fine"].map(|name| {
                let place = &place;
                threads.spawn(move || place.file.save(place.lease(name), at("7")).is_ok())
            });
            wait_for(&place, 3);
            drop(writing);
            ended.extend(saves.map(|save| save.join().unwrap()));
        });
        assert_eq!(ended, [true, false, true]);
        assert_eq!([place.watermark("good"), place.watermark("fine")], [Some("7".into()), Some("7".into())]);
    }

    #[test]
    fn changes_by_other_processes_are_seen_and_kept() {
        let place = Place::new();
        place.file.save(place.lease("ours"), at("1")).unwrap();
        let other = SharedFile::new(place.file.path.clone());
        other.save(place.lease("theirs"), at("2")).unwrap();
        assert_eq!(place.watermark("theirs").as_deref(), Some("2"));
        // An editor changes the file without changing its length.
        let text = fs::read_to_string(&place.file.path).unwrap();
        fs::write(&place.file.path, text.replace("\"theirs\": \"2\"", "\"theirs\": \"5\"")).unwrap();
        assert_eq!(place.watermark("theirs").as_deref(), Some("5"));
        place.file.save(place.lease("ours"), at("3")).unwrap();
        assert_eq!([place.watermark("ours"), place.watermark("theirs")], [Some("3".into()), Some("5".into())]);
    }
}
