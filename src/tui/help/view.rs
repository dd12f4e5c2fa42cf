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
use crate::tui::text::left;
use crate::tui::theme::Theme;

impl Help {
    /// Draws it over `screen`.
    pub fn draw(&self, frame: &mut Frame<'_>, screen: Screen, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let block = pane("Help", true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = content(screen, shared, theme);
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }
}

fn content(screen: Screen, shared: &Shared, theme: Theme) -> Vec<Line<'static>> {
    let here = Scope::Screen(screen);
    let mut lines = section(here, shared, theme);
    let others = Screen::ALL.into_iter().flat_map(|screen| {
        let form = (screen == Screen::Backfill).then_some(Scope::Form);
        std::iter::once(Scope::Screen(screen)).chain(form)
    });
    let lines_of_text = [Scope::Typing, Scope::Command, Scope::Palette];
    for scope in others.filter(|scope| *scope != here).chain(lines_of_text) {
        lines.push(Line::raw(""));
        lines.extend(section(scope, shared, theme));
    }
    lines.push(Line::raw(""));
    for sentence in [
        "All times are UTC. LAG is how far MySQL's newest row is ahead of the watermark.",
        "Staged rows are in BigQuery, in a table of their own; published ones are in the target.",
        "UNKNOWN: MySQL or the state did not answer. LOST: the state no longer holds a watermark that was seen here.",
        "? unknown, - nothing. The state is read again every few seconds, MySQL every 15 seconds or more.",
    ] {
        lines.push(Line::styled(sentence, theme.quiet()));
    }
    lines
}

fn section(scope: Scope, shared: &Shared, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(scope.title(), Theme::strong())];
    for command in own::commands(scope, shared) {
        let key = format!("  {}", left(&command.key.to_string(), 16, theme));
        lines.push(Line::from(vec![Span::styled(key, theme.key()), Span::raw(command.name.clone())]));
    }
    for binding in bindings(scope, shared.read_only) {
        lines.push(Line::from(vec![
            Span::styled(format!("  {}", left(&names(binding), 16, theme)), theme.key()),
            Span::raw(binding.help),
        ]));
    }
    lines
}
