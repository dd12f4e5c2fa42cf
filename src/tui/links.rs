//! A link that the terminal opens when it is clicked (OSC 8). It is written over its label after the frame is drawn,
//! because a cell of the frame holds only text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The text of the link.
pub const LABEL: &str = "open the job in Google's console";

/// A label on the screen, and the address behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub x: u16,
    pub y: u16,
    pub address: String,
}

impl Link {
    /// Finds the label within `area`; it may be scrolled away.
    #[must_use]
    pub fn find(buffer: &Buffer, area: Rect, address: String) -> Option<Self> {
        let length = u16::try_from(LABEL.len()).unwrap_or(u16::MAX);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right().saturating_sub(length) {
                let reads =
                    LABEL.char_indices().zip(x..).all(|((_, letter), x)| buffer[(x, y)].symbol().chars().eq([letter]));
                if reads {
                    return Some(Self { x, y, address });
                }
            }
        }
        None
    }

    /// Writes the label again as a link; the cursor returns to its position.
    #[must_use]
    pub fn sequence(&self) -> String {
        let Self { x, y, address } = self;
        // Control characters would end the sequence early.
        let address: String = address.chars().filter(char::is_ascii_graphic).collect();
        format!("\x1b7\x1b[{};{}H\x1b[0;1;4m\x1b]8;;{address}\x1b\\{LABEL}\x1b]8;;\x1b\\\x1b[0m\x1b8", y + 1, x + 1)
    }
}

/// Tells if the terminal is known to open links. Others print or drop sequences that they do not know.
#[must_use]
pub fn are_known(get: &impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| get(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    if term == "dumb" || term == "linux" || set("TMUX").is_some() || term.starts_with("screen") {
        return false;
    }
    // VTE opens links since version 0.50.
    let vte =
        set("VTE_VERSION").and_then(|version| version.parse::<u32>().ok()).is_some_and(|version| version >= 5_000);
    let named = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"];
    vte || set("TERM_PROGRAM").is_some_and(|program| named.contains(&program.as_str()))
        || ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION"].iter().any(|name| set(name).is_some())
        || ["kitty", "alacritty", "foot", "ghostty", "wezterm"].iter().any(|name| term.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_found_where_it_was_drawn_and_becomes_a_link() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 5));
        buffer.set_string(3, 2, LABEL, ratatui::style::Style::new());
        let area = buffer.area;
        let link = Link::find(&buffer, area, "https://example.com/\x1b]x".into()).unwrap();
        assert_eq!((link.x, link.y), (3, 2));
        assert!(
            link.sequence().contains("\x1b[3;4H") && link.sequence().contains("8;;https://example.com/]x\x1b\\open")
        );
        assert_eq!(Link::find(&Buffer::empty(area), area, String::new()), None);
    }

    #[test]
    fn only_terminals_that_follow_links_are_given_any() {
        let known = |pairs: &[(&str, &str)]| {
            are_known(&|name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(known(&[("TERM", "xterm-kitty")]) && known(&[("TERM", "xterm"), ("VTE_VERSION", "7600")]));
        assert!(!known(&[("TERM", "xterm")]) && !known(&[("TERM", "dumb"), ("VTE_VERSION", "7600")]));
        assert!(!known(&[("TERM", "screen-256color"), ("TERM_PROGRAM", "WezTerm"), ("TMUX", "/tmp/t,1,0")]));
    }
}
