//! The form of a log line: as text, safe for a terminal; as JSON, with the level also in Google Cloud's words.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::commands;
use crate::printable;

/// The fields of an event or a span on one line, with nothing that a terminal obeys: a server's error may contain
/// anything.
#[derive(Debug)]
pub(super) struct SafeFields;

impl<'w> FormatFields<'w> for SafeFields {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'w>, fields: R) -> fmt::Result {
        let mut plain = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut plain), fields)?;
        line.write_str(&printable::line(&commands::complete(&plain)))
    }
}

/// One JSON object that begins with `severity`: GKE and Cloud Run treat a line on stderr without it as an error.
#[derive(Debug)]
pub(super) struct JsonLine(pub Format<Json>);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut object = String::new();
        self.0.format_event(context, Writer::new(&mut object), event)?;
        let keys = object.strip_prefix('{').unwrap_or(&object);
        write!(line, "{{\"severity\":\"{}\",{}", severity(*event.metadata().level()), printable::json(keys))
    }
}

/// Source: Cloud Logging reference, `LogSeverity`.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use crate::logging::{LogFormat, layer};

    /// Keeps everything that is written to it.
    #[derive(Clone, Default)]
    pub struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// The text of some events in a format, with colours on.
    fn written(format: LogFormat, events: impl FnOnce()) -> String {
        let kept = Kept::default();
        let layer = layer(format, kept.clone(), LevelFilter::DEBUG, true);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_has_the_words_of_google_cloud_and_of_this_program() {
        let text = written(LogFormat::Json, || {
            let _span = tracing::info_span!("sync", mapping = "users").entered();
            tracing::debug!(rows = 3, "read");
            tracing::info!("published");
            tracing::warn!("held back");
            tracing::error!("failed");
        });
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let words: Vec<_> = lines.iter().map(|line| (line["severity"].as_str(), line["level"].as_str())).collect();
        let word = |severity, level| (Some(severity), Some(level));
        let expected = [word("DEBUG", "DEBUG"), word("INFO", "INFO"), word("WARNING", "WARN"), word("ERROR", "ERROR")];
        assert_eq!(words, expected);
        assert_eq!((&lines[0]["message"], &lines[0]["rows"]), (&"read".into(), &3.into()));
        assert_eq!(lines[0]["span"]["mapping"], "users");
    }

    /// Hostile parts of an error text: a title, a line that looks like ours, C1, a reordering.
    const HOSTILE: &str = "a\x1b]0;t\x07\n2026 ERROR forged\u{9b}2J\u{202e}";

    #[test]
    fn no_part_of_a_line_is_obeyed_by_a_terminal() {
        for format in [LogFormat::Text, LogFormat::Journal, LogFormat::Json] {
            let text = written(format, || {
                let _span = tracing::info_span!("sync", mapping = %HOSTILE).entered();
                tracing::error!(error = %HOSTILE, detail = HOSTILE, "{HOSTILE}");
            });
            assert_eq!(text.lines().count(), 1, "{text:?}");
            let obeyed = ["\x1b]", "\x07", "\u{9b}", "\u{202e}"].into_iter().find(|piece| text.contains(piece));
            assert_eq!(obeyed, None, "{format:?}: {text:?}");
            assert!(text.contains("forged"), "{text:?}");
        }
    }
}
