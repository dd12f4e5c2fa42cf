//! The filter of the list of tables: words, `name:order`, `mode:mirror`, `status:proposed`.

use crate::domain::config::Mode;
use crate::domain::estate::{Choice, Proposal};
use crate::tui::filter::{self, mode_of, name_of, words_of};

/// The words before a colon.
pub const FIELDS: [&str; 3] = ["name:", "mode:", "status:"];
/// The values of `status:`, in the order of [`status`].
pub const STATUSES: [&str; 3] = ["proposed", "left-out", "impossible"];

#[derive(Debug)]
pub enum Test {
    /// The table's name, with its server, or the name of its mapping contains it.
    Text(String),
    Name(String),
    Mode(Mode),
    /// What is proposed for the table is one of them.
    Status(Vec<&'static str>),
}

impl filter::Test for Test {
    type Item = Proposal;
    const FIELDS: &'static [&'static str] = &FIELDS;
    const EXAMPLE: &'static str = "words, mode:mirror, status:proposed, -not";

    fn word(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn field(name: &str, value: &str) -> Option<Result<Self, String>> {
        Some(match name {
            "name" => name_of(value).map(Self::Name),
            "mode" => mode_of(value).map(Self::Mode),
            "status" => statuses(value),
            _ => return None,
        })
    }

    fn holds(&self, proposal: &Proposal) -> bool {
        let contains = |text: &str, wanted: &str| text.to_lowercase().contains(wanted);
        match self {
            Self::Text(wanted) => contains(&proposal.shown(), wanted) || contains(&proposal.name, wanted),
            Self::Name(wanted) => contains(&proposal.table, wanted),
            Self::Mode(mode) => proposal.entry().is_some_and(|entry| entry.mode == *mode),
            Self::Status(wanted) => wanted.contains(&status(proposal)),
        }
    }
}

fn statuses(value: &str) -> Result<Test, String> {
    let words = words_of(value, &STATUSES.map(str::to_owned))?;
    Ok(Test::Status(STATUSES.into_iter().filter(|status| words.contains(status)).collect()))
}

/// What is proposed for a table, in a word.
const fn status(proposal: &Proposal) -> &'static str {
    match &proposal.choice {
        Choice::Moved(_) => STATUSES[0],
        Choice::LeftOut(..) => STATUSES[1],
        Choice::Impossible(_) => STATUSES[2],
    }
}
