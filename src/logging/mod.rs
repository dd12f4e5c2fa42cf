//! The destinations of log lines: stderr for people and collectors, and a daily file to read later.

pub mod journal;
mod lines;
mod ring;

use std::path::PathBuf;
use std::sync::Arc;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::journal::JournalLine;
use self::lines::{JsonLine, SafeFields};
use self::ring::RingLayer;
pub use self::ring::{LogLine, LogRing};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line for each event.
    Text,
    /// The same for systemd's journal.
    Journal,
    /// One JSON object for each event; mapping, run and operation are in `span`.
    Json,
}

/// What is logged, and where.
#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    /// `LOG_LEVEL`, in the words of Python or of Rust, in any case.
    pub level: Option<String>,
    /// The directory for the daily files; `None`: no files.
    pub directory: Option<PathBuf>,
    /// On a terminal the progress lines show what happens, so only warnings are added unless a level is set.
    pub terminal: bool,
}

/// The number of files that are kept, one for each day.
const FILES_KEPT: usize = 14;

/// Starts logging for the whole process.
///
/// # Errors
/// A sentence if the level is not valid, or if logging was started before.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let level = match &settings.level {
        Some(name) => parse_level(name)?,
        None if settings.terminal => LevelFilter::WARN,
        None => LevelFilter::INFO,
    };
    let stderr = layer(settings.format, std::io::stderr, level, settings.terminal);
    let file = daily_file(settings, level);
    tracing_subscriber::registry().with(stderr).with(file).try_init().map_err(|error| error.to_string())
}

/// Starts logging for a process whose terminal the console uses: to the ring instead of stderr.
///
/// # Errors
/// The errors of [`start`].
pub fn start_in_console(settings: &LogSettings) -> Result<Arc<LogRing>, String> {
    let level = settings.level.as_deref().map_or(Ok(LevelFilter::INFO), parse_level)?;
    let ring = Arc::new(LogRing::default());
    tui_logger::set_default_level(tui_logger::LevelFilter::Info);
    // The screen shows fewer levels by default; lines that are not kept could not be shown later.
    let kept = RingLayer { ring: Arc::clone(&ring) }.with_filter(filter(level.max(LevelFilter::DEBUG)));
    let file = daily_file(settings, level);
    tracing_subscriber::registry().with(kept).with(file).try_init().map_err(|error| error.to_string())?;
    Ok(ring)
}

fn daily_file<S>(settings: &LogSettings, level: LevelFilter) -> Option<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let directory = settings.directory.as_ref()?;
    // The appender first looks for old files, and prints an error if the directory does not exist. A home that is not
    // writable (a container) must not stop the program.
    std::fs::create_dir_all(directory).ok()?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("bqsync")
        .filename_suffix("log")
        .max_log_files(FILES_KEPT)
        .build(directory)
        .ok()?;
    Some(layer(LogFormat::Json, appender, level.max(LevelFilter::INFO), false))
}

/// Libraries log only warnings and errors; our code logs at the level that was set.
fn filter(level: LevelFilter) -> EnvFilter {
    let ours = ["bigquery_syncer", "bqsync"].map(|target| format!("{target}={level}"));
    EnvFilter::new(format!("warn,{}", ours.join(",")))
}

fn layer<S, W>(format: LogFormat, writer: W, level: LevelFilter, colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter(level);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false);
    match format {
        LogFormat::Text => {
            let colour = colour && std::env::var_os("NO_COLOR").is_none();
            layer.with_ansi(colour).fmt_fields(SafeFields).with_filter(filter).boxed()
        }
        LogFormat::Journal => {
            let layer = layer.with_ansi(false).fmt_fields(SafeFields).event_format(JournalLine::new());
            layer.with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
            layer.map_event_format(JsonLine).with_filter(filter).boxed()
        }
    }
}

/// The original tool accepted Python's names.
fn parse_level(name: &str) -> Result<LevelFilter, String> {
    match name.trim().to_ascii_uppercase().as_str() {
        "TRACE" => Ok(LevelFilter::TRACE),
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" | "" => Ok(LevelFilter::INFO),
        "WARN" | "WARNING" => Ok(LevelFilter::WARN),
        "ERROR" | "CRITICAL" | "FATAL" => Ok(LevelFilter::ERROR),
        _ => Err("LOG_LEVEL is not a level: use DEBUG, INFO, WARNING or ERROR".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_the_original_tool_are_understood() {
        assert_eq!(parse_level("warning"), Ok(LevelFilter::WARN));
        assert_eq!(parse_level("CRITICAL"), Ok(LevelFilter::ERROR));
        assert!(parse_level("loud").is_err());
    }
}
