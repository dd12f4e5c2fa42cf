//! What a package installs beside the program: completions and manual pages, made from the command line itself.

use clap::{Command, CommandFactory};

use super::args::{Args, PrintArg};
use super::exit::ExitStatus;
use super::printer::Printer;

/// Prints to stdout.
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

/// Title and content; the latter with the options that every command takes.
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
