//! The table of keys; those that work here come first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Help;
use crate::tui::keys::{Scope, bindings, names};
use crate::tui::own;
use crate::tui::panes::pane;
use crate::tui::screen::Screen;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{left, wrap};
use crate::tui::theme::Theme;

impl Help {
    /// Draws it over `screen`.
    pub fn draw(&self, frame: &mut Frame<'_>, screen: Screen, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let block = pane("Help", true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = content(screen, shared, theme, usize::from(inner.width));
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }
}

fn content(screen: Screen, shared: &Shared, theme: Theme, cells: usize) -> Vec<Line<'static>> {
    let here = Scope::Screen(screen);
    let mut lines = section(here, shared, theme, cells);
    let others = Screen::ALL.into_iter().flat_map(|screen| {
        let form = (screen == Screen::Backfill).then_some(Scope::Form);
        std::iter::once(Scope::Screen(screen)).chain(form)
    });
    let lines_of_text = [Scope::Typing, Scope::Command, Scope::Palette];
    for scope in others.filter(|scope| *scope != here).chain(lines_of_text) {
        lines.push(Line::raw(""));
        lines.extend(section(scope, shared, theme, cells));
    }
    lines.push(Line::raw(""));
    for sentence in [
        "All times are UTC. LAG is how far MySQL's newest row is ahead of the watermark.",
        "Staged rows are in a table of their own in BigQuery; published rows are in the target.",
        "UNKNOWN: MySQL or the state did not answer. LOST: the state no longer holds a watermark that this console has seen.",
        "? means unknown, - means none. The state is read again every few seconds, MySQL every 15 seconds or more.",
    ] {
        lines.extend(wrap(sentence, cells).into_iter().map(|line| Line::styled(line, theme.quiet())));
    }
    lines
}

fn section(scope: Scope, shared: &Shared, theme: Theme, cells: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(scope.title(), Theme::strong())];
    for command in own::commands(scope, shared) {
        lines.extend(explained(&command.key.to_string(), &command.name, cells, theme));
    }
    for binding in bindings(scope, shared.read_only) {
        lines.extend(explained(&names(binding), binding.help, cells, theme));
    }
    lines
}

/// A key and what it does; the text goes on below itself if it is longer than the line.
fn explained(key: &str, text: &str, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    const KEY: usize = 18;
    let keys = std::iter::once(format!("  {key}")).chain(std::iter::repeat(String::new()));
    let line = |(key, text): (String, String)| {
        Line::from(vec![Span::styled(left(&key, KEY, theme), theme.key()), Span::raw(text)])
    };
    keys.zip(wrap(text, cells.saturating_sub(KEY))).map(line).collect()
}
