//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

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
    pub command: Option<CommandArg>,
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
    },
    /// The difference between MySQL and BigQuery, and the DDL that would settle it
    SchemaDiff {
        /// Only this mapping; may be repeated
        #[arg(long = "mapping", value_name = "NAME")]
        mappings: Vec<String>,
        /// Create, add, widen and relax what can be; conflicts are left
        #[arg(long)]
        apply: bool,
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
            Self::RunOnce { mappings } | Self::SchemaDiff { mappings, .. } | Self::Status { mappings } => mappings,
        }
    }

    /// Does it change anything in BigQuery or the state?
    #[must_use]
    pub const fn writes(&self) -> bool {
        match self {
            Self::RunOnce { .. } | Self::SchemaDiff { apply: true, .. } => true,
            Self::SchemaDiff { apply: false, .. } | Self::Status { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
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
        assert_eq!(args.command.unwrap().mappings(), ["a", "b"]);
        assert!(args.no_tui);
        assert_eq!(args.output, OutputFormat::Json);
    }
}
