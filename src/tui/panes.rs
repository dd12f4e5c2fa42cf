//! Parts that the screens share: panes, lines of several parts, and the visible part of a list.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::tui::text::{pieces, width};
use crate::tui::theme::Theme;

/// A pane with a title; the pane that has the keys is drawn bold.
pub fn pane(title: &str, focused: bool, theme: Theme) -> Block<'static> {
    let style = if focused { Theme::strong() } else { theme.quiet() };
    let title = Line::styled(format!(" {title} "), if focused { Theme::strong() } else { Style::new() });
    Block::new().borders(Borders::ALL).border_set(theme.border()).border_style(style).title(title)
}

/// The first visible line of a list with `count` lines, such that the marked line is visible.
pub fn first_shown(marked: usize, count: usize, height: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// As many of the lines as fit; where some do not, the last one ends with a sign, and with `how` the whole is seen. A
/// single line has room for the sign alone.
pub fn cut(mut lines: Vec<Line<'static>>, height: usize, cells: usize, how: &str, theme: Theme) -> Vec<Line<'static>> {
    if lines.len() <= height {
        return lines;
    }
    lines.truncate(height);
    let Some(last) = lines.pop() else { return lines };
    let how = if lines.is_empty() { "" } else { how };
    let style = last.spans.first().map_or(last.style, |span| last.style.patch(span.style));
    let text: String = last.spans.iter().map(|span| span.content.as_ref()).collect();
    let sign = format!("{} {how}", theme.ellipsis());
    let sign = sign.trim_end();
    let room = cells.saturating_sub(width(sign));
    let text = if width(&text) <= room { text } else { pieces(&text, room).swap_remove(0) };
    lines.push(Line::from(vec![Span::styled(text, style), Span::styled(sign.to_owned(), theme.key())]));
    lines
}

/// The parts that fit into a line of `cells` cells, the first ones before the later ones, and the cells that they take.
pub fn in_a_line(parts: Vec<(String, Style)>, cells: usize) -> (Vec<Span<'static>>, usize) {
    let (mut spans, mut used) = (Vec::new(), 0);
    for (text, style) in parts {
        let gap = if spans.is_empty() { "" } else { "  " };
        if used + gap.len() + width(&text) <= cells {
            used += gap.len() + width(&text);
            spans.extend([Span::raw(gap), Span::styled(text, style)]);
        }
    }
    (spans, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_not_fit_leave_a_sign_with_the_key_that_shows_them() {
        let theme = Theme::default();
        let lines = |texts: &[&str]| texts.iter().map(|text| Line::raw((*text).to_owned())).collect::<Vec<_>>();
        let shown = |texts: &[&str], height| {
            let cut = cut(lines(texts), height, 20, "Enter: all", theme);
            cut.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(&["one", "two"], 2), ["one", "two"]);
        assert_eq!(shown(&["one", "two", "three"], 2), ["one", "two… Enter: all"]);
        assert_eq!(shown(&["twenty cells of text", "more"], 1), ["twenty cells of tex…"]);
        assert_eq!(shown(&["one"], 0), [""; 0]);
    }
}
