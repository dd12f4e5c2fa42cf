//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::domain::byte_size;
use crate::domain::config::{cursor_value, ends_before_it_begins};
use crate::domain::lookback::Lookback;
use crate::domain::shard::Shard;

/// Moves MySQL and MariaDB tables into BigQuery, incrementally. No row is lost, none is doubled.
#[derive(Debug, Parser)]
#[command(name = "bqsync", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Args {
    /// Configuration file [default: ./config.yaml, then the user's configuration directory]
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERY_COMMAND)]
    pub config: Option<PathBuf>,

    /// Do not open the console, even on a terminal
    #[arg(long, global = true, help_heading = EVERY_COMMAND)]
    pub no_tui: bool,

    /// Refuse every command that changes BigQuery or the state
    #[arg(long, global = true, help_heading = EVERY_COMMAND)]
    pub read_only: bool,

    /// Format of the log lines on stderr
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT", help_heading = EVERY_COMMAND)]
    pub log_format: LogFormatArg,

    /// Format of the result on stdout
    #[arg(long, global = true, value_enum, default_value = "table", value_name = "FORMAT", help_heading = EVERY_COMMAND)]
    pub output: OutputFormat,

    #[command(subcommand)]
    pub command: Option<Invocation>,
}

impl Args {
    /// The command that needs an engine, if it is one of those.
    #[must_use]
    pub const fn engine_command(&self) -> Option<&CommandArg> {
        match &self.command {
            Some(Invocation::Engine(command)) => Some(command),
            Some(Invocation::Init(_) | Invocation::Print(_)) | None => None,
        }
    }
}

/// What the program is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Invocation {
    #[command(flatten)]
    Engine(CommandArg),
    /// Propose a configuration from the tables of MySQL, or print what the existing one lacks; needs MYSQL_* alone
    Init(InitArg),
    #[command(flatten)]
    Print(PrintArg),
}

/// Which tables a configuration is proposed for, and where it is written to.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct InitArg {
    /// The server, by its name in `sources`, with variables of its own [default: that of the plain MYSQL_*]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// A database, or a pattern ('*' is all of them); may be repeated [default: MYSQL_DATABASE]
    #[arg(long = "database", value_name = "NAME")]
    pub databases: Vec<String>,
    /// Only tables whose name matches ('orders_*'); may be repeated
    #[arg(long = "table", value_name = "PATTERN")]
    pub tables: Vec<String>,
    /// Write a whole configuration into this new file instead of printing it; an existing file is never changed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a package installs beside the program; needs no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PrintArg {
    /// Print completions for a shell, to be sourced or installed
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page of the program or of one command: bqsync man check | man -l -
    Man {
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

/// Heading of the options that may stand before or after any command.
const EVERY_COMMAND: &str = "Options of every command";

const EXIT_CODES: &str = "Exit codes: 0 all well, 1 some mapping failed, 2 command line or configuration, \
                          3 a mapping waits for a schema decision, 101 a fault of bqsync, 130 interrupted";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CommandArg {
    /// Run all mappings once, or the named ones: move what is new or changed
    RunOnce {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Also read this far below the watermark again: 30m, 2h, 1day, or a number for an integer column; upsert mappings only
        #[arg(long, value_name = "DURATION")]
        lookback: Option<Lookback>,
        /// Let the named mappings' tables lose more rows than `max_shrink` (replace) or `max_delete_fraction` (mirror) allows
        #[arg(long)]
        allow_shrink: bool,
        /// Load the named mappings' tables from the beginning: for a table that was dropped or emptied in BigQuery. An append whose table holds rows is refused
        #[arg(long)]
        forget_watermark: bool,
        /// Run share I of N, counted from 0, of the mappings [default: the task variables of Cloud Run or Kubernetes]
        #[arg(long, value_name = "I/N")]
        shard: Option<Shard>,
    },
    /// Move a range of the incremental column again; the watermark stays. The same command continues an unfinished backfill
    Backfill {
        /// The mapping
        #[arg(long, value_name = "NAME")]
        mapping: String,
        /// First value: a date, a date and time as the column shows it (with Z or an offset: the instant), or a number
        #[arg(long, value_name = "VALUE", allow_hyphen_values = true, value_parser = value_of_a_cursor)]
        start: String,
        /// Last value, included; a date alone is the whole day [default: the watermark]
        #[arg(long, value_name = "VALUE", allow_hyphen_values = true, value_parser = value_of_a_cursor)]
        end: Option<String>,
        /// Say what would be moved and what it would cost, and move nothing
        #[arg(long)]
        dry_run: bool,
        /// Discard an unfinished backfill of the mapping and start from the beginning
        #[arg(long)]
        restart: bool,
        /// Share the backfill with N processes, as number I, counted from 0 (needs `state_store: gcs`) [default: the task variables of Cloud Run or Kubernetes]
        #[arg(long, value_name = "I/N", conflicts_with_all = ["restart", "dry_run"])]
        shard: Option<Shard>,
    },
    /// Stay up and run each mapping when its schedule is due; a run missed while it was down is made up once
    Schedule,
    /// Show how the tables of MySQL and BigQuery differ, and the DDL that settles it
    SchemaDiff {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Create tables, add columns, widen and relax types; conflicts are left alone. A new table that waits for a decision is taken only with --mapping
        #[arg(long)]
        apply: bool,
        /// With --apply: accept only this column of the mapping; may be repeated
        #[arg(long = "column", value_name = "COLUMN", requires = "apply")]
        columns: Vec<String>,
        /// Leave this column of the mapping out from now on; may be repeated
        #[arg(long = "decline", value_name = "COLUMN")]
        declined: Vec<String>,
    },
    /// Delete or mark the rows of BigQuery that MySQL no longer has (mappings with `deletes: soft` or `hard`)
    Deletes {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Only count, and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare the rows of both sides up to the watermark; names the keys that differ, and then exits 1
    Verify {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Repair what differs: bring the rows from MySQL, and delete or mark those it no longer has, as `deletes` says
        #[arg(long)]
        repair: bool,
        /// Say what BigQuery would read, and compare nothing; with --repair: compare, and repair nothing
        #[arg(long)]
        dry_run: bool,
        /// Most bytes that BigQuery may read for one mapping (500MB, 2TB)
        #[arg(long, value_name = "BYTES", default_value = "100GB", value_parser = byte_size::parse)]
        max_bytes: u64,
        /// Number of differing keys to name for each mapping
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        keys: usize,
    },
    /// Check connections, rights, keys, indexes, clocks and the state: a line each, with what to do
    Check {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Also estimate what a run would cost in each mode that the table allows
        #[arg(long)]
        costs: bool,
    },
    /// Show each mapping's watermark, lag and last run
    Status {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
    },
}

impl CommandArg {
    /// The named mappings; none means all.
    #[must_use]
    pub fn mappings(&self) -> &[String] {
        match self {
            Self::RunOnce { mappings, .. }
            | Self::SchemaDiff { mappings, .. }
            | Self::Deletes { mappings, .. }
            | Self::Verify { mappings, .. }
            | Self::Check { mappings, .. }
            | Self::Status { mappings } => mappings,
            Self::Backfill { mapping, .. } => std::slice::from_ref(mapping),
            Self::Schedule => &[],
        }
    }

    /// Which of several processes this is: from the command line, otherwise from the platform; `None` if it runs alone.
    ///
    /// # Errors
    /// The task variables of the platform are invalid, or do not go with this command.
    pub fn shard(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Shard>, String> {
        let (said, restarts) = match self {
            Self::RunOnce { shard, .. } => (shard, false),
            Self::Backfill { shard, restart, dry_run: false, .. } => (shard, *restart),
            Self::Backfill { .. }
            | Self::Schedule
            | Self::SchemaDiff { .. }
            | Self::Deletes { .. }
            | Self::Verify { .. }
            | Self::Check { .. }
            | Self::Status { .. } => return Ok(None),
        };
        let shard = said.map_or_else(|| Shard::of_task(env), |said| Ok(Some(said)))?;
        match shard.filter(|shard| *shard != Shard::WHOLE) {
            Some(shard) if restarts => Err(format!(
                "`--restart` would make each of {} tasks discard what the others have begun: run it once, outside of the job",
                shard.count()
            )),
            shard => Ok(shard),
        }
    }

    /// Why the options contradict each other, if they do; called before anything begins.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        match self {
            Self::Backfill { start, end: Some(end), .. } if ends_before_it_begins(start, end) => {
                Some("`--end` is before `--start`: exchange the two; both ends are included".to_owned())
            }
            Self::RunOnce { mappings, allow_shrink: true, .. } if mappings.is_empty() => {
                Some("`--allow-shrink` needs the mappings by name: add `--mapping NAME`".to_owned())
            }
            Self::RunOnce { mappings, forget_watermark: true, .. } if mappings.is_empty() => {
                Some("`--forget-watermark` needs the mappings by name: add `--mapping NAME`".to_owned())
            }
            Self::SchemaDiff { mappings, columns, declined, .. }
                if mappings.len() != 1 && !(columns.is_empty() && declined.is_empty()) =>
            {
                Some("`--column` and `--decline` need exactly one mapping: add `--mapping NAME`".to_owned())
            }
            _ => None,
        }
    }

    /// Tells if the command changes anything in BigQuery or the state.
    #[must_use]
    pub const fn writes(&self) -> bool {
        match self {
            Self::RunOnce { .. } | Self::Schedule | Self::SchemaDiff { apply: true, .. } => true,
            Self::SchemaDiff { declined, .. } => !declined.is_empty(),
            Self::Backfill { dry_run, .. } | Self::Deletes { dry_run, .. } => !*dry_run,
            Self::Verify { repair, dry_run, .. } => *repair && !*dry_run,
            // A check removes again what it writes, and writes nothing with --read-only.
            Self::Check { .. } | Self::Status { .. } => false,
        }
    }
}

/// Checks for a date, a date and time, or a number; the column's type decides which of them is right.
fn value_of_a_cursor(text: &str) -> Result<String, String> {
    cursor_value(text).map(|()| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    fn backfill(words: &[&str]) -> Result<Option<String>, clap::Error> {
        let words = [&["bqsync", "backfill", "--mapping", "m"], words].concat();
        Args::try_parse_from(words).map(|args| args.engine_command().unwrap().contradiction())
    }

    #[test]
    fn a_value_that_fits_no_column_is_refused_before_anything_begins() {
        for value in ["yesterday", "2026-13-01", "1.5", "", "2026-01-01 25:00"] {
            assert!(backfill(&["--start", value]).is_err(), "{value}");
            assert!(backfill(&["--start", "1", "--end", value]).is_err(), "{value}");
        }
        for (start, end) in
            [("2026-01-02", "2026-01-01"), ("10", "-3"), ("2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z")]
        {
            assert!(backfill(&["--start", start, "--end", end]).unwrap().is_some(), "{start} {end}");
        }
        let fine = [
            ("2026-01-01", "2026-01-01"),
            ("2026-01-01 12:00:00", "2026-01-01"),
            ("-5", "3"),
            // In Tokyo it is nine o'clock in the evening by then.
            ("2026-01-01 20:00:00", "2026-01-01T12:00:00Z"),
            // The column decides between a number and a date.
            ("7", "2026-01-01"),
        ];
        for (start, end) in fine {
            assert_eq!(backfill(&["--start", start, "--end", end]).unwrap(), None, "{start} {end}");
        }
    }

    #[test]
    fn verify_reads_at_most_as_many_bytes_as_the_console_does() {
        assert_eq!(byte_size::parse("100GB"), Ok(crate::engine::MOST_BYTES));
        let args = Args::parse_from(["bqsync", "verify"]);
        let Some(CommandArg::Verify { max_bytes, repair, .. }) = args.engine_command() else { panic!("{args:?}") };
        assert_eq!((*max_bytes, *repair), (crate::engine::MOST_BYTES, false));
    }

    #[test]
    fn verify_writes_only_with_repair_and_without_dry_run() {
        let writes = |words: &[&str]| {
            Args::parse_from([&["bqsync", "verify"], words].concat()).engine_command().is_some_and(CommandArg::writes)
        };
        assert!(writes(&["--repair"]));
        assert!(!writes(&["--repair", "--dry-run"]) && !writes(&[]));
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        let args = Args::parse_from([
            "bqsync",
            "--no-tui",
            "run-once",
            "--mapping",
            "a",
            "--mapping",
            "b",
            "--output",
            "json",
        ]);
        assert_eq!(args.engine_command().unwrap().mappings(), ["a", "b"]);
        assert!(args.no_tui);
        assert_eq!(args.output, OutputFormat::Json);
    }
}
