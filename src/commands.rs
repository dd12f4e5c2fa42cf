//! The program's own commands in texts for an operator: pasted, they act on the configuration of the process that printed
//! them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use crate::domain::quote;

/// The commands that read a configuration.
pub const READERS: [&str; 8] =
    ["run-once", "backfill", "schedule", "schema-diff", "deletes", "verify", "check", "status"];

const PROGRAM: &str = "bqsync ";

/// `--config FILE` as the shell takes it. It is a static, because a process has one command line.
static CONFIG: OnceLock<String> = OnceLock::new();

/// Remembers the file that the command line names.
pub fn remember(config: Option<&Path>) {
    if let Some(config) = config {
        // The first one stays.
        let _ = CONFIG.set(option(config));
    }
}

/// The text, with the file in each of the program's commands if the command line names one.
#[must_use]
pub fn complete(text: &str) -> Cow<'_, str> {
    match CONFIG.get() {
        Some(option) => with(option, text),
        None => Cow::Borrowed(text),
    }
}

fn option(config: &Path) -> String {
    quote::shell_option("--config", &config.display().to_string())
}

fn with<'t>(option: &str, text: &'t str) -> Cow<'t, str> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in text.match_indices(PROGRAM) {
        let (before, command) = (&text[..at], &text[at + PROGRAM.len()..]);
        // Not the end of a longer name, and not a path.
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || "-_./".contains(c));
        if begins && reads_a_file(command) {
            out += &text[done..at + PROGRAM.len()];
            out += option;
            out.push(' ');
            done = at + PROGRAM.len();
        }
    }
    if done == 0 { Cow::Borrowed(text) } else { Cow::Owned(out + &text[done..]) }
}

/// Tells if these are the words of a command that reads a configuration, and that names none.
fn reads_a_file(words: &str) -> bool {
    let whole = words.split('`').next().unwrap_or_default();
    let first = whole.split(' ').find(|word| !word.starts_with("--")).unwrap_or_default();
    let first = first.trim_end_matches(|c: char| !c.is_ascii_lowercase());
    READERS.contains(&first) && !whole.contains("--config")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_the_file_and_prose_stays() {
        let option = option(Path::new("my shop.yaml"));
        for (text, expected) in [
            ("`bqsync backfill --mapping t` fills", "`bqsync --config 'my shop.yaml' backfill --mapping t` fills"),
            ("bqsync check", "bqsync --config 'my shop.yaml' check"),
            ("see bqsync status, or not", "see bqsync --config 'my shop.yaml' status, or not"),
            (
                "`bqsync --no-tui verify` or `bqsync deletes`",
                "`bqsync --config 'my shop.yaml' --no-tui verify` or `bqsync --config 'my shop.yaml' deletes`",
            ),
        ] {
            assert_eq!(with(&option, text), expected);
            assert_eq!(with(&option, expected), expected, "a command that names a file keeps it");
        }
        for text in [
            "bqsync: the state cannot be read",
            "bqsync itself failed",
            "what bqsync checks",
            "`bqsync init` proposes one",
            "`bqsync man check`",
            "/opt/bqsync status",
            "_bqsync check",
            "bqsync ",
        ] {
            assert_eq!(with(&option, text), text);
        }
    }
}
