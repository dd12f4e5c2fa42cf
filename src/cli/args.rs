//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::domain::byte_size;
use crate::domain::config::{cursor_value, ends_before_it_begins};
use crate::domain::lookback::Lookback;
use crate::domain::shard::Shard;

/// Moves MySQL tables into BigQuery, incrementally: nothing lost, nothing doubled.
#[derive(Debug, Parser)]
#[command(name = "bqsync", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Args {
    /// Configuration file [default: ./config.yaml, then the user's configuration directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Never open the console
    #[arg(long, global = true)]
    pub no_tui: bool,

    /// Refuse every command that writes
    #[arg(long, global = true)]
    pub read_only: bool,

    /// How log lines on stderr look
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormatArg,

    /// How the result on stdout looks
    #[arg(long, global = true, value_enum, default_value = "table", value_name = "FORMAT")]
    pub output: OutputFormat,

    #[command(subcommand)]
    pub command: Option<Invocation>,
}

impl Args {
    /// The command that needs an engine, where that is what was asked for.
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
    /// Propose a configuration from the tables of MySQL, or what the existing one lacks; needs MYSQL_* alone
    Init(InitArg),
    #[command(flatten)]
    Print(PrintArg),
}

/// Which tables a configuration is proposed for, and where it is written to.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct InitArg {
    /// The server, by its name in `sources`; its variables are called MYSQL_<NAME>_HOST and so on where no
    /// configuration says otherwise [default: that of the plain MYSQL_*]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// A database, or a pattern of them ('*'); may be repeated [default: MYSQL_DATABASE]
    #[arg(long = "database", value_name = "NAME")]
    pub databases: Vec<String>,
    /// Only tables that are like this ('orders_*'); may be repeated
    #[arg(long = "table", value_name = "PATTERN")]
    pub tables: Vec<String>,
    /// Write a whole configuration into this new file, in place of printing it; a file that exists is never touched
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a package installs beside the program; needs no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PrintArg {
    /// Completions for a shell, to be sourced or installed
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// The manual page, of the program or of one command: bqsync man check | man -l -
    Man {
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

const EXIT_CODES: &str = "Exit codes: 0 all well, 1 some mapping failed, 2 usage or configuration, \
                          3 waiting for a schema decision, 130 interrupted";

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
    /// One incremental run of all (or the named) mappings
    RunOnce {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Read so much below the watermark again (30m, 2h, 1day; a number for integers); upsert mappings only
        #[arg(long, value_name = "STRETCH")]
        lookback: Option<Lookback>,
        /// Let the named mappings' tables lose more rows than `max_shrink` (replace) or `max_delete_fraction` (mirror) allow
        #[arg(long)]
        allow_shrink: bool,
        /// Only this process's share of the mappings, of so many processes; from 0 [default: what the platform says]
        #[arg(long, value_name = "I/N")]
        shard: Option<Shard>,
    },
    /// Move a stretch of the incremental column again; the watermark stays. The same command goes on where it stopped
    Backfill {
        /// The mapping
        #[arg(long, value_name = "NAME")]
        mapping: String,
        /// First value: a date, a date and time as the column shows it (with Z or an offset: the instant), a number
        #[arg(long, value_name = "VALUE", allow_hyphen_values = true, value_parser = value_of_a_cursor)]
        start: String,
        /// Last value, included; a date alone is the whole day [default: the watermark]
        #[arg(long, value_name = "VALUE", allow_hyphen_values = true, value_parser = value_of_a_cursor)]
        end: Option<String>,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Give an unfinished backfill of the mapping up and begin anew
        #[arg(long)]
        restart: bool,
        /// Share the backfill with so many processes (`state_store: gcs`); from 0 [default: what the platform says]
        #[arg(long, value_name = "I/N", conflicts_with_all = ["restart", "dry_run"])]
        shard: Option<Shard>,
    },
    /// Stay up and run mappings when they are due (`schedule` in the configuration), making up what was missed
    Schedule,
    /// The difference between MySQL and BigQuery, and the DDL that would settle it
    SchemaDiff {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Create, add, widen and relax what can be; conflicts are left
        #[arg(long)]
        apply: bool,
        /// With --apply: accept only this column of the mapping; may be repeated
        #[arg(long = "column", value_name = "COLUMN", requires = "apply")]
        columns: Vec<String>,
        /// Leave this column of the mapping out from now on; may be repeated
        #[arg(long = "decline", value_name = "COLUMN")]
        declined: Vec<String>,
    },
    /// Delete in BigQuery, or mark, what MySQL no longer has (mappings with `deletes: soft` or `hard`)
    Deletes {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Only count, and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare the rows of both sides up to the watermark; exits 1 and names keys where they differ
    Verify {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Mend what differs: bring rows from MySQL, and delete or mark what it no longer has, as `deletes` says
        #[arg(long)]
        repair: bool,
        /// Say what would be read in BigQuery, and compare nothing; with --repair: compare, and mend nothing
        #[arg(long)]
        dry_run: bool,
        /// Bytes that one mapping may read in BigQuery (500MB, 2TB)
        #[arg(long, value_name = "BYTES", default_value = "100GB", value_parser = byte_size::parse)]
        max_bytes: u64,
        /// Keys named for each mapping
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        keys: usize,
    },
    /// Both connections, permissions, keys, indexes, clocks and the state: a line each, and what to do
    Check {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Also what a run would cost in each mode that is possible, by estimates
        #[arg(long)]
        costs: bool,
    },
    /// Mappings, watermarks, lag, last runs
    Status {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
    },
}

impl CommandArg {
    /// The mappings named; none means all.
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

    /// Which of several processes this is: as the command line says, else the platform; `None` where it runs alone.
    ///
    /// # Errors
    /// What the platform says cannot be meant, or not with this command.
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
                "`--restart` would have each of {} tasks give up what the others have begun: run it once, outside of the \
                 job",
                shard.count()
            )),
            shard => Ok(shard),
        }
    }

    /// What can be said against the options together before anything begins.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        match self {
            Self::Backfill { start, end: Some(end), .. } if ends_before_it_begins(start, end) => {
                Some("`--end` lies before `--start`: exchange the two; both ends are included".to_owned())
            }
            Self::RunOnce { mappings, allow_shrink: true, .. } if mappings.is_empty() => {
                Some("`--allow-shrink` speaks of mappings by name: name them with `--mapping`".to_owned())
            }
            Self::SchemaDiff { mappings, columns, declined, .. }
                if mappings.len() != 1 && !(columns.is_empty() && declined.is_empty()) =>
            {
                Some("`--column` and `--decline` speak of one mapping: name it with `--mapping`".to_owned())
            }
            _ => None,
        }
    }

    /// Does it change anything in BigQuery or the state?
    #[must_use]
    pub const fn writes(&self) -> bool {
        match self {
            Self::RunOnce { .. } | Self::Schedule | Self::SchemaDiff { apply: true, .. } => true,
            Self::SchemaDiff { declined, .. } => !declined.is_empty(),
            Self::Backfill { dry_run, .. } | Self::Deletes { dry_run, .. } => !*dry_run,
            Self::Verify { repair, dry_run, .. } => *repair && !*dry_run,
            // What a check writes it removes again, and nothing of it with --read-only.
            Self::Check { .. } | Self::Status { .. } => false,
        }
    }
}

/// A date, a date and time, or a number; which of them, the column's type decides.
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
    fn what_no_column_can_take_is_refused_before_anything_begins() {
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
            // A number and a date are for the column to judge.
            ("7", "2026-01-01"),
        ];
        for (start, end) in fine {
            assert_eq!(backfill(&["--start", start, "--end", end]).unwrap(), None, "{start} {end}");
        }
    }

    #[test]
    fn a_comparison_may_read_as_much_as_from_the_console() {
        assert_eq!(byte_size::parse("100GB"), Ok(crate::engine::MOST_BYTES));
        let args = Args::parse_from(["bqsync", "verify"]);
        let Some(CommandArg::Verify { max_bytes, repair, .. }) = args.engine_command() else { panic!("{args:?}") };
        assert_eq!((*max_bytes, *repair), (crate::engine::MOST_BYTES, false));
    }

    #[test]
    fn only_a_repair_that_is_no_dry_run_writes() {
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
