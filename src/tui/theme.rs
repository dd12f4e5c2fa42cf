//! The appearance: the only place that names a colour.
//!
//! A colour only repeats what a word says. There are no background colours, and only the eight plain colours, so that
//! dark and light terminals both stay readable; mono sets no colour at all.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::BorderType;

use super::links::are_known;
use super::model::Word;
use crate::domain::config::Colour;
use crate::domain::report::Outcome;

/// What the terminal can display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// No colours: `NO_COLOR`, or a terminal that has none.
    pub mono: bool,
    /// Plain ASCII: the locale is not UTF-8.
    pub ascii: bool,
    /// The terminal opens links.
    pub links: bool,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// Reads the terminal's abilities from the environment.
    #[must_use]
    pub fn detect(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let mono = set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb");
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase().replace('-', "");
        Self { mono, ascii: !locale.contains("utf8"), links: !mono && are_known(&get) }
    }

    fn colour(self, colour: Color) -> Style {
        if self.mono { Style::new() } else { Style::new().fg(colour) }
    }

    #[must_use]
    pub fn word(self, word: Word) -> Style {
        match word {
            Word::Failed | Word::Lost | Word::Error => self.bad(),
            Word::Unknown | Word::Review | Word::Retry | Word::Paused | Word::Backfill => self.wants(),
            Word::Running | Word::Elsewhere => self.moving(),
            Word::Ok => self.good(),
            Word::Queued | Word::Cancelled | Word::New | Word::Checking => self.quiet(),
        }
    }

    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Style {
        match outcome {
            Outcome::Ok => self.good(),
            Outcome::Failed => self.bad(),
            Outcome::Waiting => self.wants(),
            Outcome::Cancelled => self.quiet(),
        }
    }

    #[must_use]
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    #[must_use]
    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// For what needs the operator's attention, but not urgently.
    #[must_use]
    pub fn wants(self) -> Style {
        self.colour(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    #[must_use]
    pub fn moving(self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// For what is there but is not looked for. Without colour it is plain, because dim text vanishes on some
    /// terminals.
    #[must_use]
    pub fn quiet(self) -> Style {
        if self.mono { Style::new() } else { Style::new().add_modifier(Modifier::DIM) }
    }

    #[must_use]
    pub const fn strong() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// For the marked line.
    #[must_use]
    pub const fn marked() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    #[must_use]
    pub fn key(self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// For the context's name: it must be noticed if the operator has given it a colour.
    #[must_use]
    pub fn context(self, colour: Option<Colour>) -> Style {
        let colour = colour.map(|colour| match colour {
            Colour::Red => Color::Red,
            Colour::Green => Color::Green,
            Colour::Yellow => Color::Yellow,
            Colour::Blue => Color::Blue,
            Colour::Magenta => Color::Magenta,
            Colour::Cyan => Color::Cyan,
        });
        colour.map_or_else(Style::new, |colour| self.colour(colour)).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    #[must_use]
    pub fn border(self) -> border::Set<'static> {
        if self.ascii { ASCII_BORDER } else { BorderType::Plain.to_border_set() }
    }

    /// The sign for text that was cut off.
    #[must_use]
    pub const fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    #[must_use]
    pub const fn arrow(self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// The separator between parts of a line.
    #[must_use]
    pub const fn dot(self) -> &'static str {
        if self.ascii { "|" } else { "·" }
    }

    /// A bar of `width` cells.
    #[must_use]
    pub fn bar(self, share: f64, width: usize) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a bar of a few cells"
        )]
        let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
        let (done, open) = if self.ascii { ("#", "-") } else { ("█", "░") };
        done.repeat(full) + &open.repeat(width - full)
    }

    /// A bar for each value; the greatest value has the highest bar.
    #[must_use]
    pub fn bars(self, values: &[u64]) -> String {
        let most = values.iter().max().copied().unwrap_or(0).max(1);
        let heights = self.heights();
        values
            .iter()
            .map(|value| heights[usize::try_from(value.saturating_mul(7) / most).unwrap_or(7).min(7)])
            .collect()
    }

    /// How a run ended, in one cell.
    #[must_use]
    pub const fn ending(self, outcome: Outcome) -> &'static str {
        match (outcome, self.ascii) {
            (Outcome::Ok, false) => "•",
            (Outcome::Ok, true) => ".",
            (Outcome::Failed, false) => "✗",
            (Outcome::Failed, true) => "x",
            (Outcome::Waiting, _) => "?",
            (Outcome::Cancelled, _) => "-",
        }
    }

    /// Eight bars, lowest first.
    const fn heights(self) -> [&'static str; 8] {
        if self.ascii {
            ["_", ".", ".", ":", ":", "|", "|", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Theme {
        Theme::detect(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_what_the_terminal_can_show() {
        let utf8 = ("LANG", "C.UTF-8");
        assert_eq!(detect(&[utf8, ("TERM", "screen")]), Theme { mono: false, ascii: false, links: false });
        assert_eq!(
            detect(&[utf8, ("TERM", "screen"), ("NO_COLOR", "1")]),
            Theme { mono: true, ascii: false, links: false }
        );
        assert_eq!(
            detect(&[utf8, ("TERM", "screen"), ("NO_COLOR", "")]),
            Theme { mono: false, ascii: false, links: false }
        );
        assert_eq!(detect(&[utf8, ("TERM", "dumb")]), Theme { mono: true, ascii: false, links: false });
        assert_eq!(
            detect(&[utf8, ("LC_ALL", "C"), ("TERM", "xterm")]),
            Theme { mono: false, ascii: true, links: false }
        );
    }

    #[test]
    fn mono_names_no_colour_anywhere() {
        let theme = Theme { mono: true, ascii: false, links: false };
        for style in
            [theme.good(), theme.bad(), theme.wants(), theme.moving(), theme.quiet(), theme.key(), Theme::marked()]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
