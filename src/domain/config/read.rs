//! Completes single values, and records every problem instead of stopping at the first.

use std::fmt::Display;

use super::interpolate::{Env, Trouble, interpolate};
use super::problem::Problem;
use super::yaml::{Kind, Node};

/// One reading of a file: the source of its variables, and the problems found.
pub(super) struct Reading<'a> {
    pub file: String,
    pub env: Env<'a>,
    pub problems: Vec<Problem>,
}

/// A key's name in messages, and the key's line.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub key: &'static str,
    /// The name, such as "`mode` of mapping `users`".
    pub name: String,
    pub line: Option<usize>,
}

/// The words after a key of `defaults` in messages.
pub(super) const OF_DEFAULTS: &str = " of `defaults`";

/// The words after a key that applies to tables of any mode, in messages.
pub(super) const OF_ANY_MODE: &str = " of the `auto` tables ";

impl Place {
    /// Tells if the key is written for all mappings that have a use for it.
    pub fn is_shared(&self) -> bool {
        self.name.ends_with(OF_DEFAULTS) || self.name.contains(OF_ANY_MODE)
    }
}

/// A value after interpolation, trimmed and not empty. Messages show `written`, because a variable's value may be a
/// secret.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub text: String,
    pub written: String,
    /// The line; `None`: the value is the default, which nobody wrote.
    pub line: Option<usize>,
    pub place: Place,
}

/// What was found at a key.
pub(super) enum Found {
    Nothing,
    Value(Value),
    /// A variable without a value: a problem only where the value is needed.
    Unset {
        line: usize,
        written: String,
    },
    /// A problem that is recorded already.
    Wrong,
}

/// Words in names of keys and variables whose values are secret.
const SECRETS: [&str; 9] = ["key", "hmac", "password", "passwd", "pwd", "passphrase", "secret", "token", "url"];

/// Tells if a key, or the variable in its value, names a secret.
fn is_secret(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SECRETS.contains(&&*word.to_ascii_lowercase()))
}

impl Reading<'_> {
    /// A reading whose problems are dropped.
    pub fn quiet(&self) -> Self {
        Self { file: String::new(), env: self.env, problems: Vec::new() }
    }

    pub fn problem(&mut self, line: impl Into<Option<usize>>, message: impl Into<String>, hint: impl Into<String>) {
        let (line, message, hint) = (line.into(), message.into(), hint.into());
        self.problems.push(Problem { file: self.file.clone(), line, message, hint });
    }

    /// Records that a value is not valid for its key.
    pub fn refuse(&mut self, value: &Value, hint: impl Into<String>) {
        self.problem(value.line, format!("{} cannot be `{}`", value.place.name, value.written), hint);
    }

    /// Records the objection of `rule` to a value, if it has one.
    pub fn check(&mut self, value: &Value, rule: fn(&str) -> Result<(), String>) {
        if let Err(hint) = rule(&value.text) {
            self.refuse(value, hint);
        }
    }

    pub fn unset(&mut self, name: &str, line: usize, written: &str) {
        let message = format!("{name} is `{written}`, but the variable is not set or is empty");
        let set = "set it in `.env` or the environment";
        if is_secret(name) || is_secret(written) {
            return self.problem(line, message, format!("{set}; a secret has no place in the configuration"));
        }
        self.problem(line, message, format!("{set}, or write a default: `${{NAME:-default}}`"));
    }

    pub fn complete(&mut self, node: &Node, text: &str, name: &str, place: Place) -> Found {
        let (line, written) = (node.line, shown(text));
        match interpolate(text, self.env) {
            Ok(value) if !value.trim().is_empty() => {
                Found::Value(Value { text: value.trim().to_owned(), written, line: Some(line), place })
            }
            Ok(_) if text.trim().is_empty() => Found::Nothing,
            Ok(_) => Found::Unset { line, written },
            Err(Trouble::Unset(_)) => Found::Unset { line, written },
            Err(Trouble::Malformed(piece)) => {
                let message = format!("{name} holds `{}`, which is not a variable", shown_variable(&piece));
                self.problem(line, message, "write `${NAME}` or `${NAME:-default}`, and `$${` for the text `${`");
                Found::Wrong
            }
        }
    }

    /// One of several values of the key `name`; problems of the value itself name its own `place`.
    pub fn item(&mut self, node: &Node, name: &str, place: Place) -> Option<Value> {
        let Kind::Scalar { text, .. } = &node.kind else {
            let message = format!("{name} holds {} where a single value should be", node.kind.noun());
            self.problem(node.line, message, "write plain names");
            return None;
        };
        match self.complete(node, text, name, place) {
            Found::Value(value) => Some(value),
            Found::Wrong => None,
            Found::Unset { line, written } => {
                self.unset(name, line, &written);
                None
            }
            Found::Nothing => {
                self.problem(node.line, format!("{name} holds an empty value"), "write a name or remove it");
                None
            }
        }
    }
}

/// The longest value that messages show. Only addresses are longer; another long value may be a secret in the wrong
/// place.
const LONGEST_SHOWN: usize = 100;

/// A value as messages show it.
pub(super) fn shown(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_SHOWN && !text.contains(char::is_control) {
        return text.to_owned();
    }
    format!("... ({length} characters)")
}

/// The beginning of a piece that looks like a variable; the text after the name may be a secret that contains `${`.
fn shown_variable(piece: &str) -> String {
    let name: String = piece.chars().skip("${".len()).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = if piece.chars().count() > name.chars().count() + "${".len() { "..." } else { "" };
    shown(&format!("${{{name}{rest}"))
}

/// The known word that was probably meant, otherwise all known words.
pub(super) fn nearest(word: &str, known: &[impl AsRef<str> + Display]) -> String {
    let lower = word.to_lowercase();
    let scored = known.iter().map(|k| (strsim::jaro_winkler(&lower, &k.as_ref().to_lowercase()), k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.8);
    best.map_or_else(
        || {
            let all: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            format!("use one of {}", all.join(", "))
        },
        |(_, meant)| format!("did you mean `{meant}`?"),
    )
}
