//! The file in which the console remembers its operator's preferences. It is only a convenience: a file that cannot be
//! read or written stops nobody from working.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::preferences::Preferences;

/// A larger file is not ours.
const LARGEST: u64 = 1 << 20;

/// Writes in a thread of its own: a home directory on a server that hangs must not block the keys.
#[derive(Debug)]
pub struct Memory {
    sender: Option<Sender<Preferences>>,
    writing: Option<JoinHandle<()>>,
}

/// How long the end waits for a disk that does not take this small file.
const PATIENCE: Duration = Duration::from_millis(500);

impl Memory {
    /// Reads the preferences, and starts the writer for new ones. `None`: nothing is remembered.
    #[must_use]
    pub fn open(file: Option<PathBuf>) -> (Self, Preferences) {
        let Some(file) = file else { return (Self { sender: None, writing: None }, Preferences::default()) };
        let read = read(&file).map_err(|error| tracing::debug!(file = %file.display(), %error, "no preferences read"));
        let kept = Preferences::read(read.ok().as_deref());
        let (sender, receiver) = channel::<Preferences>();
        let writing = std::thread::Builder::new().name("preferences".to_owned()).spawn(move || {
            while let Ok(mut kept) = receiver.recv() {
                // Only the latest preferences count.
                while let Ok(newer) = receiver.try_recv() {
                    kept = newer;
                }
                if let Err(error) = write(&file, &kept.text()) {
                    tracing::warn!(file = %file.display(), %error, "the console's preferences cannot be kept");
                }
            }
        });
        (Self { sender: Some(sender), writing: writing.ok() }, kept)
    }

    pub fn keep(&self, preferences: Preferences) {
        if let Some(sender) = &self.sender {
            // The thread ends only with the console; without a thread nothing is kept.
            let _ = sender.send(preferences);
        }
    }

    /// Waits until everything is written, for a limited time.
    pub fn settle(mut self) {
        self.sender = None;
        let since = Instant::now();
        while self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Replaces the file as a whole: two consoles may write at once.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let directory = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_preferences_are_read_the_next_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/console.json");
        let kept = Preferences { filter: "status:failed".into(), ..Preferences::default() };
        let (memory, before) = Memory::open(Some(file.clone()));
        assert_eq!(before, Preferences::default());
        memory.keep(kept.clone());
        memory.settle();
        assert_eq!(Memory::open(Some(file.clone())).1, kept);
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(Memory::open(Some(file)).1, Preferences::default(), "a broken file counts as none");
    }
}
