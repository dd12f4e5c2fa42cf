//! Decides what is written to stdout and stderr, and in which form.
//!
//! A terminal obeys none of it. A reader that went away (`| head`) is not an error; a full disk is one.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use chrono::{SecondsFormat, Utc};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::json;

use super::args::{Args, LogFormatArg, OutputFormat};
use super::exit::ExitStatus;
use crate::commands;
use crate::domain::config::Problem;
use crate::domain::excerpt::of_error;
use crate::printable;

/// Output for stdout was lost. It is a static, because the process has one stdout.
static LOST: OnceLock<()> = OnceLock::new();

/// Writes results to stdout, everything else to stderr.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    pub format: OutputFormat,
    /// The form of lines on stderr.
    pub notes: LogFormatArg,
}

impl Printer {
    #[must_use]
    pub const fn of(args: &Args) -> Self {
        Self { format: args.output, notes: args.log_format }
    }

    /// Writes a line of the result.
    pub fn line(&self, text: &str) {
        self.raw(format!("{}\n", printable::line(&commands::complete(text))).as_bytes());
    }

    /// Writes lines of the result, from a text whose line breaks are ours.
    pub fn lines(&self, text: &str) {
        text.lines().for_each(|line| self.line(line));
    }

    /// Writes the whole result as JSON.
    pub fn json<T: Serialize>(&self, value: &T) {
        self.json_text(serde_json::to_string_pretty(value));
    }

    /// Writes one of several results as JSON on one line.
    pub fn json_line<T: Serialize>(&self, value: &T) {
        self.json_text(serde_json::to_string(value));
    }

    fn json_text(self, text: serde_json::Result<String>) {
        match text {
            Ok(text) => self.raw(format!("{}\n", printable::json(&text)).as_bytes()),
            Err(error) => self.error(&format!("the result cannot be written as JSON: {error}")),
        }
    }

    /// Writes bytes to stdout that are safe already.
    pub fn raw(&self, bytes: &[u8]) {
        self.judge(std::io::stdout().lock().write_all(bytes));
    }

    /// Reports a failed write to stdout, once.
    pub fn judge(&self, written: std::io::Result<()>) {
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe && LOST.set(()).is_ok() => {
                self.error(&format!(
                    "bqsync: the result could not be written to stdout: {}",
                    of_error(&error.to_string())
                ));
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// The exit status: if the result was lost, it is not a success.
    #[must_use]
    pub fn end(&self, status: ExitStatus) -> ExitStatus {
        self.judge(std::io::stdout().flush());
        if status == ExitStatus::Ok && LOST.get().is_some() { ExitStatus::Failed } else { status }
    }

    /// Reports a failure of our own code.
    pub fn note_own_failure(&self, error: &str) {
        self.error(&format!("bqsync itself failed: {error}; please report this"));
    }

    /// Writes a table without borders; columns named in `right` are aligned right.
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.iter().copied());
        for row in rows {
            table.add_row(row.iter().map(|cell| printable::line(&commands::complete(cell)).into_owned()));
        }
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if right.contains(&i) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.raw(format!("{}\n", table.trim_fmt()).as_bytes());
    }

    /// Writes a note for the person at the terminal.
    pub fn note(&self, text: &str) {
        self.say("INFO", text, None);
    }

    /// Writes an error.
    pub fn error(&self, text: &str) {
        self.say("ERROR", text, None);
    }

    /// Writes errors from a text whose line breaks are ours.
    pub fn errors(&self, text: &str) {
        match self.notes {
            LogFormatArg::Text => text.lines().for_each(|line| self.error(line)),
            LogFormatArg::Json => self.error(text.trim_end()),
        }
    }

    /// Writes a problem in the user's files, and what to write instead.
    pub fn problem(&self, problem: &Problem) {
        let hint = Some(problem.hint.as_str()).filter(|hint| !hint.is_empty());
        let indent = if self.notes == LogFormatArg::Json { "" } else { "  " };
        self.say("ERROR", &format!("{indent}{}: {}", problem.place(), problem.message), hint);
    }

    fn say(self, level: &str, text: &str, hint: Option<&str>) {
        let (text, hint) = (commands::complete(text), hint.map(commands::complete));
        let mut stderr = std::io::stderr().lock();
        let mut write = |text: &dyn Display| {
            let _ = writeln!(stderr, "{text}");
        };
        match self.notes {
            LogFormatArg::Text => {
                write(&printable::line(&text));
                if let Some(hint) = hint {
                    write(&format_args!("      hint: {}", printable::line(&hint)));
                }
            }
            LogFormatArg::Json => {
                let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
                let mut object = json!({ "severity": level, "timestamp": timestamp, "level": level, "message": text });
                if let Some(hint) = hint {
                    object["hint"] = hint.into();
                }
                write(&printable::json(&object.to_string()));
            }
        }
    }
}
