//! The headless front end: a command goes in; a result on stdout and an exit code come out.

mod answer;
pub mod args;
mod backfill;
mod check;
mod deletes;
mod exit;
mod init;
mod interrupt;
mod output;
mod print;
mod printer;
mod progress_lines;
mod repair;
mod run_once;
mod schedule;
mod schema_diff;
mod selection;
mod service;
mod status;
mod unparsed;
mod verify;
mod waiting;

pub use self::exit::ExitStatus;
pub use self::init::{proposed, show_proposed};
pub use self::print::print;
pub use self::printer::Printer;
pub use self::schedule::{Found, Starter, schedule};
pub use self::selection::{UnknownMapping, select, share};
pub use self::unparsed::unparsed;
pub use self::waiting::waited_for;

use self::args::{Args, CommandArg};
use crate::domain::ids::MappingName;
use crate::domain::shard::Shard;
use crate::engine::{self, BackfillAsk, Command, Handle, RepairOrder, Selection, SyncOrder, Verify};

/// Carries out a command with a started engine.
///
/// `shard`: this process among those that share a backfill; other commands get their share through the selection.
pub async fn run(
    handle: Handle,
    args: &Args,
    command: &CommandArg,
    selection: Selection,
    shard: Option<Shard>,
) -> ExitStatus {
    let printer = Printer::of(args);
    match command {
        CommandArg::RunOnce { lookback, allow_shrink, forget_watermark, .. } => {
            let (lookback, allow_shrink, forget_watermark) = (*lookback, *allow_shrink, *forget_watermark);
            let order = SyncOrder { lookback, allow_shrink, forget_watermark, ..SyncOrder::manual(selection) };
            run_once::run_to_its_end(handle, Command::Sync(order), run_once::show, printer).await
        }
        CommandArg::Backfill { mapping, start, end, dry_run, restart, .. } => {
            let mapping = MappingName(mapping.clone());
            let ask = BackfillAsk { mapping, start: start.clone(), end: end.clone() };
            if *dry_run {
                return backfill::preview(handle, ask, printer).await;
            }
            let command = Command::Backfill { ask, restart: *restart, shard };
            run_once::run_to_its_end(handle, command, run_once::show, printer).await
        }
        // Without a starter nobody looks at the files.
        CommandArg::Schedule => schedule(handle, printer, Box::new(|| Found::Nothing)).await,
        CommandArg::SchemaDiff { apply, columns, declined, .. } => {
            let asked = schema_diff::Asked { apply: *apply, columns, declined };
            schema_diff::schema_diff(handle, selection, asked, printer).await
        }
        CommandArg::Deletes { dry_run, .. } => {
            let show = if *dry_run { deletes::preview } else { deletes::show };
            run_once::run_to_its_end(handle, Command::Deletes { selection, dry_run: *dry_run }, show, printer).await
        }
        CommandArg::Verify { repair: true, dry_run, max_bytes, keys, .. } => {
            let order = RepairOrder { selection, dry_run: *dry_run, most_bytes: *max_bytes, most_named: *keys };
            repair::repair(handle, order, printer).await
        }
        CommandArg::Verify { dry_run, max_bytes, keys, .. } => {
            let order = Verify { selection, dry_run: *dry_run, most_bytes: *max_bytes, most_named: *keys };
            verify::verify(handle, order, printer).await
        }
        CommandArg::Check { costs, .. } => {
            check::check(handle, engine::Check { selection, probe: !args.read_only, costs: *costs }, printer).await
        }
        CommandArg::Status { .. } => status::status(handle, selection, printer).await,
    }
}
