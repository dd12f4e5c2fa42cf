//! Lines for systemd's journal, which adds the time itself and reads the level as `<N>` before each line.
//! Source: sd-daemon(3).

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Tells if stderr goes to the journal. `JOURNAL_STREAM` names the stream's device and inode; processes whose stderr
/// was redirected since inherit the variable, too.
pub fn is_stderr(journal_stream: Option<&str>) -> bool {
    let Some((device, inode)) = journal_stream.and_then(|stream| stream.split_once(':')) else { return false };
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(std::fs::File::from).and_then(|file| file.metadata());
    stderr.is_ok_and(|here| device.parse() == Ok(here.dev()) && inode.parse() == Ok(here.ino()))
}

/// The readable line, with the level as the journal reads it.
#[derive(Debug)]
pub(super) struct JournalLine(Format<Full, ()>);

impl JournalLine {
    pub(super) fn new() -> Self {
        Self(tracing_subscriber::fmt::format().with_target(false).with_level(false).with_ansi(false).without_time())
    }
}

impl<S, N> FormatEvent<S, N> for JournalLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(line, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, line, event)
    }
}

/// The level's number in syslog.
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::logging::{LogFormat, layer};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_begins_with_its_level_and_has_no_time() {
        let kept = Kept::default();
        let layer = layer(LogFormat::Journal, kept.clone(), LevelFilter::INFO, false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _span = tracing::info_span!("sync", mapping = "users").entered();
            tracing::warn!(rows = 3, "held back");
            tracing::error!("failed");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("<4>sync{mapping=\"users\"}: held back rows=3"), "{text}");
        assert!(lines[1].starts_with("<3>sync"), "{text}");
    }

    #[test]
    fn a_stream_other_than_stderr_is_not_taken_for_the_journal() {
        for stream in [None, Some(""), Some("8:x"), Some("1:1")] {
            assert!(!is_stderr(stream), "{stream:?}");
        }
        let here = std::fs::File::from(io::stderr().as_fd().try_clone_to_owned().unwrap()).metadata().unwrap();
        assert!(is_stderr(Some(&format!("{}:{}", here.dev(), here.ino()))));
    }
}
