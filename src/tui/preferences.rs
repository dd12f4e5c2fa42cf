//! What the console remembers of its operator between sessions: a small file beside the logs.

use serde::{Deserialize, Serialize};

use crate::tui::screens::mappings::order::Order;

/// The most command lines that are remembered.
pub const COMMANDS_KEPT: usize = 50;
/// A file that is larger is not ours.
const LARGEST: usize = 64 << 10;

/// The operator's preferences. Fields that another version writes and this one does not know are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub filter: String,
    pub only_wrong: bool,
    pub order: Order,
    /// The command lines, oldest first.
    pub commands: Vec<String>,
}

impl Preferences {
    /// Reads the file's text; what cannot be read is ignored, because the console must open all the same.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        let read = text.filter(|text| text.len() <= LARGEST).and_then(|text| serde_json::from_str::<Self>(text).ok());
        let mut read = read.unwrap_or_default();
        let surplus = read.commands.len().saturating_sub(COMMANDS_KEPT);
        read.commands.drain(..surplus);
        for text in read.commands.iter_mut().chain([&mut read.filter]) {
            text.retain(|c| !c.is_control());
        }
        read
    }

    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_or_one_of_another_version_does_not_stop_the_console() {
        for broken in ["", "{", "[]", "{\"filter\": 7}", "\u{0}"] {
            assert_eq!(Preferences::read(Some(broken)), Preferences::default(), "{broken}");
        }
        let other = "{\"filter\": \"a\\u001b[2Jb\", \"colour\": \"blue\"}";
        assert_eq!(Preferences::read(Some(other)).filter, "a[2Jb");
        let kept = Preferences { filter: "lag:>1h".into(), only_wrong: true, ..Preferences::default() };
        assert_eq!(Preferences::read(Some(&kept.text())), kept);
        assert_eq!(Preferences::read(Some(&format!("{}{}", kept.text(), " ".repeat(LARGEST)))), Preferences::default());
    }
}
