//! The files that a package installs with the program: completions and manual pages, made from the command line's
//! definition.

use clap::{Command, CommandFactory};

use super::args::{Args, PrintArg};
use super::exit::ExitStatus;
use super::printer::Printer;

/// Prints them to stdout.
pub fn print(what: &PrintArg, printer: Printer) -> ExitStatus {
    let mut text = Vec::new();
    match what {
        PrintArg::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "bqsync", &mut text);
        }
        PrintArg::Man { command } => {
            let Some((title, page)) = page_of(Args::command(), command.as_deref()) else {
                printer.error(&format!("bqsync: there is no command `{}`", command.as_deref().unwrap_or_default()));
                return ExitStatus::Usage;
            };
            if let Err(error) = clap_mangen::Man::new(page).title(title).render(&mut text) {
                printer.note_own_failure(&error.to_string());
                return ExitStatus::Failed;
            }
        }
    }
    printer.raw(&text);
    ExitStatus::Ok
}

/// Title and content; the content includes the options of every command.
fn page_of(mut program: Command, command: Option<&str>) -> Option<(String, Command)> {
    program.build();
    match command {
        None => Some(("bqsync".to_owned(), program)),
        Some(name) => Some((format!("bqsync-{name}"), program.find_subcommand(name)?.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generated part of `docs/cli.md`: the help of each command, in the order of `bqsync --help`.
    fn reference() -> String {
        let mut program = Args::command();
        program.build();
        let of_one = |title: &str, command: &Command| {
            let help = command.clone().render_help().to_string();
            let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
            format!("## `{title}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end())
        };
        let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
        // The options of every command are listed once, under the program itself.
        let own = |argument: clap::Arg| {
            let is_shared = argument.get_help_heading().is_some();
            argument.hide(is_shared)
        };
        let pages = commands.map(|command| {
            let title = format!("bqsync {}", command.get_name());
            of_one(&title, &command.clone().mut_args(own))
        });
        std::iter::once(of_one("bqsync", &program)).chain(pages).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_documentation_lists_these_commands_and_options() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
        let reference = reference();
        assert!(page.ends_with(&reference), "docs/cli.md should end with:\n{reference}");
    }

    #[test]
    fn every_command_has_a_page() {
        for command in Args::command().get_subcommands() {
            let (title, page) = page_of(Args::command(), Some(command.get_name())).unwrap();
            assert_eq!(title, format!("bqsync-{}", command.get_name()));
            assert!(page.get_arguments().any(|argument| argument.get_id() == "config"), "{page:?}");
        }
        assert!(page_of(Args::command(), Some("no-such-command")).is_none());
    }
}
