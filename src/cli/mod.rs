//! The headless front end: a command in, a result on stdout, an exit code out.

pub mod args;
mod exit;
mod interrupt;
mod printer;
mod progress_lines;
mod run_once;
mod schema_diff;
mod selection;
mod status;

pub use self::exit::ExitStatus;
pub use self::printer::Printer;
pub use self::selection::{UnknownMapping, select};

use self::args::CommandArg;
use crate::engine::{Handle, Selection};

/// Carries a command out with a started engine.
pub async fn run(handle: Handle, command: &CommandArg, selection: Selection, printer: Printer) -> ExitStatus {
    match command {
        CommandArg::RunOnce { .. } => run_once::run_once(handle, selection, printer).await,
        CommandArg::SchemaDiff { apply, .. } => schema_diff::schema_diff(handle, selection, *apply, printer).await,
        CommandArg::Status { .. } => status::status(handle, selection, printer).await,
    }
}
