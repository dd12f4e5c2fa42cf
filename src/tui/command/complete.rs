//! Completion of the last word of a line.

use std::collections::BTreeSet;

use crate::domain::config::Mode;
use crate::domain::report::Outcome;
use crate::tui::keys::commands::{COMMANDS, Command, Takes};
use crate::tui::model::Word;
use crate::tui::screens::mappings::{FIELDS, ORDERS};
use crate::tui::screens::tables;
use crate::tui::shared::Shared;

/// The words that may replace a line's last word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The line before the word.
    before: String,
    pub(super) word: String,
    pub words: Vec<String>,
}

impl Completion {
    /// The line with one of the words; `whole`: with a blank for the next word.
    pub fn with(&self, word: &str, whole: bool) -> String {
        let after = if whole && !word.ends_with(':') { " " } else { "" };
        format!("{}{word}{after}", self.before)
    }

    /// The longest common beginning of all words.
    pub fn common(&self) -> String {
        let Some((first, others)) = self.words.split_first() else { return String::new() };
        let mut common = first.as_str();
        for word in others {
            let same = common.char_indices().zip(word.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
            common = &common[..same.unwrap_or_else(|| common.len().min(word.len()))];
        }
        common.to_owned()
    }
}

pub fn completion(line: &str, shared: &Shared) -> Completion {
    let start = line.rfind(' ').map_or(0, |space| space + 1);
    let (before, word) = line.split_at(start);
    let all = match before.split_whitespace().next() {
        None => COMMANDS
            .iter()
            .filter(|command| !(shared.read_only && command.writes()))
            .map(|command| command.name.to_owned())
            .collect(),
        Some(name) => Command::find(name).map_or_else(Vec::new, |command| {
            let arguments = before.split_whitespace().count() - 1;
            arguments_of(command.takes, arguments, word, shared)
        }),
    };
    let small = word.to_lowercase();
    let (begin, hold): (Vec<String>, Vec<String>) = all
        .into_iter()
        .filter(|one| one.to_lowercase().contains(&small))
        .partition(|one| one.to_lowercase().starts_with(&small));
    // Words that only contain the text are offered if no word begins with it.
    let words = if begin.is_empty() { hold } else { begin };
    Completion { before: before.to_owned(), word: word.to_owned(), words }
}

fn arguments_of(takes: Takes, before: usize, word: &str, shared: &Shared) -> Vec<String> {
    match takes {
        Takes::Nothing => Vec::new(),
        Takes::Mappings => names(shared),
        Takes::Stretch if before == 0 => names(shared),
        Takes::Stretch => Vec::new(),
        Takes::Filter => of_filter(word, shared),
        Takes::Tables => of_tables(word),
        Takes::Words => {
            let outcomes = [Outcome::Ok, Outcome::Failed, Outcome::Cancelled, Outcome::Waiting];
            outcomes.iter().map(|outcome| outcome.word().to_lowercase()).chain(names(shared)).collect()
        }
        Takes::Context if before == 0 => shared.contexts.known.iter().map(|context| context.name.clone()).collect(),
        Takes::Context => Vec::new(),
        Takes::Order => ORDERS.iter().map(|order| order.word().replace(' ', "-")).collect(),
    }
}

fn names(shared: &Shared) -> Vec<String> {
    shared.book.rows.iter().map(|row| row.name.0.clone()).collect()
}

/// The sign and the field of a filter's word; `None`: it has no colon yet.
fn parts(word: &str) -> (&str, Option<&str>) {
    let (sign, word) = word.strip_prefix('-').map_or(("", word), |rest| ("-", rest));
    (sign, word.split_once(':').map(|(field, _)| field))
}

fn of_filter(word: &str, shared: &Shared) -> Vec<String> {
    let (sign, field) = parts(word);
    let Some(field) = field else {
        return FIELDS.iter().map(|field| format!("{sign}{field}")).chain(names(shared)).collect();
    };
    let values: BTreeSet<String> = match field {
        "status" => {
            let words = Word::ALL.iter().map(|word| word.text().to_lowercase());
            words.chain(["late", "wrong"].map(str::to_owned)).filter(|word| word != "...").collect()
        }
        "mode" => shared.book.rows.iter().map(|row| row.mode.word().to_owned()).collect(),
        "lag" => [">1h", ">1d", "<5m", "?"].map(str::to_owned).into(),
        _ => BTreeSet::new(),
    };
    values.into_iter().map(|value| format!("{sign}{field}:{value}")).collect()
}

fn of_tables(word: &str) -> Vec<String> {
    let (sign, field) = parts(word);
    let Some(field) = field else { return tables::FIELDS.map(|field| format!("{sign}{field}")).into() };
    let values: &[&str] = match field {
        "status" => &tables::STATUSES,
        "mode" => &[Mode::Append, Mode::Upsert, Mode::Replace, Mode::Mirror].map(Mode::word),
        _ => &[],
    };
    values.iter().map(|value| format!("{sign}{field}:{value}")).collect()
}
