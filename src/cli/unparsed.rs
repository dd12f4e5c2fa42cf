//! A command line that asks for help, or that is not valid.

use std::ffi::OsString;

use clap::Error;

use super::args::{LogFormatArg, OutputFormat};
use super::exit::ExitStatus;
use super::printer::Printer;

/// Writes help and version to stdout. An error goes to stderr, in the form that the command line asks for, as far as it
/// can be read.
#[must_use]
pub fn unparsed(error: &Error, arguments: impl Iterator<Item = OsString>) -> ExitStatus {
    let notes = if wants_json(arguments) { LogFormatArg::Json } else { LogFormatArg::Text };
    let printer = Printer { format: OutputFormat::Table, notes };
    if !error.use_stderr() {
        // The parser prints it itself, because it knows whether the terminal has colours.
        printer.judge(error.print());
        return printer.end(ExitStatus::Ok);
    }
    printer.errors(&error.render().to_string());
    ExitStatus::Usage
}

fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let arguments: Vec<OsString> = arguments.collect();
    arguments.iter().any(|argument| argument == "--log-format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
}
