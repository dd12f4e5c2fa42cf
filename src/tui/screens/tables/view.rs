//! The list of tables, a line each, and below it the reason for the mode of the table under the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::Tables;
use crate::domain::estate::{Choice, Proposal};
use crate::engine::{self, Failure};
use crate::format::{self, numbered};
use crate::tui::filter;
use crate::tui::panes::{cut, first_shown, in_a_line};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{fit, left, right, width, wrap};
use crate::tui::theme::Theme;

/// The most lines of the reason.
const REASON: usize = 4;

impl Draws for Tables {
    fn draw(&self, frame: &mut Frame<'_>, _shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let cells = usize::from(area.width);
        let lines = match &self.listed {
            None => vec![Line::raw("reading the list of tables from MySQL")],
            Some(Err(Failure { error, hint })) => {
                let error = wrap(error, cells).into_iter().map(|line| Line::styled(line, theme.bad()));
                error.chain(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong()))).collect()
            }
            Some(Ok(tables)) if tables.proposals.is_empty() => {
                let places = tables.places.join(", ");
                let said = wrap(&format!("Every table of {places} has a mapping."), cells).into_iter().map(Line::raw);
                unread(tables, cells, theme).into_iter().chain(said).collect()
            }
            Some(Ok(tables)) => self.lines(tables, cells, usize::from(area.height), theme),
        };
        frame.render_widget(Paragraph::new(lines), area);
        if let Some(Ok(tables)) = self.listed.as_ref().filter(|_| self.filter.typing) {
            let top = Rect { height: area.height.min(1), ..area };
            frame.render_widget(Clear, top);
            self.filter.draw(frame, (self.visible.len(), tables.proposals.len()), theme, top);
        }
        Extent::default()
    }
}

impl Tables {
    fn lines(&self, tables: &engine::Tables, cells: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
        let proposals = &tables.proposals;
        let reason = self.selected().map(|proposal| reason(proposal, cells)).unwrap_or_default();
        let unread = unread(tables, cells, theme);
        let room = height.saturating_sub(2 + REASON + 1 + unread.len());
        let first = first_shown(self.place, self.visible.len(), room);
        let widths = Widths::of(proposals, cells);
        let mut lines = vec![self.counted(tables, cells, theme)];
        lines.extend(unread);
        lines.push(Line::styled(widths.titles(theme), Theme::strong()));
        for (place, proposal) in self.shown().enumerate().skip(first).take(room) {
            let line = self.line(proposal, &widths, theme);
            lines.push(if place == self.place { line.patch_style(Theme::marked()) } else { line });
        }
        if self.visible.is_empty() {
            let said = format!("No table matches `{}`; Esc clears the filter.", self.filter.value().trim());
            lines.extend(wrap(&said, cells).into_iter().map(|line| Line::styled(line, theme.quiet())));
        }
        while lines.len() < height.saturating_sub(REASON) {
            lines.push(Line::raw(""));
        }
        lines.extend(cut(reason.into_iter().map(Line::raw).collect(), REASON, cells, "", theme));
        lines
    }

    /// How many tables there are, how many of them the filter shows, and how many are marked.
    fn counted(&self, tables: &engine::Tables, cells: usize, theme: Theme) -> Line<'static> {
        let all = tables.proposals.len();
        let is_filtered = self.filter.is_set();
        let said = if is_filtered {
            format!("{} tables", filter::share(self.visible.len(), all))
        } else {
            numbered(all as u64, "table without a mapping", "tables without a mapping")
        };
        // A long filter must not push out how many marked tables it hides.
        let mut parts = vec![(said, Style::new())];
        parts.extend(filter::marked(self.marked.len(), self.hidden()).map(|marked| (marked, theme.wants())));
        parts.extend(is_filtered.then(|| (format!("/{}", self.filter.value().trim()), Theme::strong())));
        parts.push((format!("in {}", tables.places.join(", ")), theme.quiet()));
        Line::from(in_a_line(parts, cells).0)
    }

    fn line(&self, proposal: &Proposal, widths: &Widths, theme: Theme) -> Line<'static> {
        let mark = if self.marked.contains(&proposal.name) { "* " } else { "  " };
        let (word, style) = mode(proposal, theme);
        let keys = proposal.entry().map(|entry| entry.keys.join(", ")).filter(|keys| !keys.is_empty());
        let rows = proposal.rows.map_or_else(|| "?".to_owned(), format::count);
        let bytes = proposal.bytes.map_or_else(|| "?".to_owned(), format::bytes);
        let texts = [proposal.shown(), rows, bytes, keys.unwrap_or_else(|| "-".to_owned())];
        Line::from(vec![Span::raw(mark), Span::raw(widths.cells(texts, theme) + " "), Span::styled(word, style)])
    }
}

/// A line for each server that does not answer.
fn unread(tables: &engine::Tables, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    tables.unread.iter().map(|failure| Line::styled(fit(&failure.error, cells, theme), theme.bad())).collect()
}

fn mode(proposal: &Proposal, theme: Theme) -> (String, Style) {
    match &proposal.choice {
        Choice::Moved(entry) => (entry.mode.word().to_owned(), theme.good()),
        Choice::LeftOut(entry, _) => (format!("({})", entry.mode.word()), theme.quiet()),
        Choice::Impossible(_) => ("none".to_owned(), theme.bad()),
    }
}

/// Why the table has its mode, or is left out.
fn reason(proposal: &Proposal, cells: usize) -> Vec<String> {
    let why = match &proposal.choice {
        Choice::Moved(entry) => entry.why().to_owned(),
        Choice::LeftOut(_, why) => format!("added only if you mark it: {why}"),
        Choice::Impossible(why) => format!("no mode can move it: {why}"),
    };
    wrap(&format!("{}: {why}", proposal.shown()), cells)
}

/// The width of TABLE, ROWS, SIZE and KEY; 0 where there is no room.
struct Widths([usize; 4]);

impl Widths {
    fn of(proposals: &[Proposal], cells: usize) -> Self {
        /// The mark, and `(replace)`.
        const OTHERS: usize = 2 + 9;
        /// Enough of a name to tell it from others.
        const NAME_LEAST: usize = 20;
        let mut widths = [0, 13, 9, 18];
        let left = |widths: &[usize; 4]| cells.saturating_sub(OTHERS + widths.iter().map(|w| w + 1).sum::<usize>());
        for dropped in [2, 3] {
            if left(&widths) < NAME_LEAST {
                widths[dropped] = 0;
            }
        }
        let longest = proposals.iter().map(|proposal| width(&proposal.shown())).max().unwrap_or(0).max(5);
        widths[0] = left(&widths).min(longest);
        Self(widths)
    }

    fn cells(&self, texts: [String; 4], theme: Theme) -> String {
        let cell = |(place, (text, cells)): (usize, (String, usize))| match place {
            1 | 2 => right(&text, cells, theme),
            _ => left(&text, cells, theme),
        };
        let shown = texts.into_iter().zip(self.0).enumerate().filter(|(_, (_, cells))| *cells > 0);
        shown.map(cell).collect::<Vec<_>>().join(" ")
    }

    fn titles(&self, theme: Theme) -> String {
        format!("  {} MODE", self.cells(["TABLE", "ROWS", "SIZE", "KEY"].map(str::to_owned), theme))
    }
}
