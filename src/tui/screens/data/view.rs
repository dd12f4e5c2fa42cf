//! Rows side by side: two lines for a row that differs, one for equal rows, or one row alone with every value.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{Data, Rows};
use crate::domain::verify::{Beside, Cell, Pair};
use crate::format;
use crate::printable;
use crate::tui::panes::pane;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{left, pieces, width, wrap};
use crate::tui::theme::Theme;

/// The greatest width of a cell; a longer value is shown in full with the row alone.
const WIDEST: usize = 26;
/// The width of `MySQL ` and `BigQ. `, which name the side of a line.
const SIDE: usize = 6;
const NULL: &str = "NULL";

impl Draws for Data {
    fn draw(&self, frame: &mut Frame<'_>, _shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let name = self.about.as_ref().map_or_else(String::new, ToString::to_string);
        let block = pane(&format!("Rows of {name}"), true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let cells = usize::from(inner.width);
        let told = |text: &str, style: Style| -> Vec<Line<'static>> {
            wrap(text, cells).into_iter().map(|line| Line::styled(line, style)).collect()
        };
        let lines = match &self.rows {
            Rows::None => {
                told("Enter asks BigQuery what it costs to show the newest rows of both sides.", theme.quiet())
            }
            Rows::Pricing => told("asking BigQuery what that would bill", theme.quiet()),
            Rows::Priced(beside) => told(
                &format!(
                    "It would read {} in BigQuery. Nothing was read; Enter asks again.",
                    format::bytes(beside.bytes)
                ),
                theme.quiet(),
            ),
            Rows::Reading => told("reading both sides", theme.quiet()),
            Rows::Failed(failure) => {
                let mut lines = told(&failure.error, theme.bad());
                lines.extend(told(&failure.hint, Theme::strong()));
                lines
            }
            Rows::Read(beside) => return draw_rows(frame, self, beside, theme, inner),
        };
        frame.render_widget(Paragraph::new(lines), inner);
        Extent::default()
    }
}

fn draw_rows(frame: &mut Frame<'_>, screen: &Data, beside: &Beside, theme: Theme, area: Rect) -> Extent {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    let cells = usize::from(area.width);
    frame.render_widget(Line::styled(left(&summary(beside), cells, theme), theme.quiet()), head);
    if screen.whole {
        let lines = screen.pair().map_or_else(Vec::new, |pair| whole(beside, pair, cells, theme));
        let extent = Extent { lines: lines.len(), height: usize::from(body.height) };
        frame.render_widget(Paragraph::new(lines).scroll(screen.scroll.offset(extent)), body);
        return extent;
    }
    let columns = chosen(screen, beside, cells);
    let mut lines = vec![header(beside, &columns, theme)];
    let height = usize::from(body.height).saturating_sub(1);
    let heights: Vec<usize> = beside.pairs.iter().map(|pair| if pair.is_alike() { 1 } else { 2 }).collect();
    let first = first_pair(&heights, screen.place, height);
    for (place, pair) in beside.pairs.iter().enumerate().skip(first) {
        let marked = place == screen.place;
        for line in pair_lines(pair, &columns, theme) {
            lines.push(if marked { line.patch_style(Theme::marked()) } else { line });
        }
        if lines.len() > height + 1 {
            break;
        }
    }
    if beside.pairs.is_empty() {
        lines.push(Line::styled("MySQL has no rows.", theme.quiet()));
    }
    frame.render_widget(Paragraph::new(lines), body);
    Extent::default()
}

/// The first pair to draw, such that the one under the cursor is visible.
fn first_pair(heights: &[usize], place: usize, height: usize) -> usize {
    let mut first = place.min(heights.len().saturating_sub(1));
    let mut room = height.saturating_sub(heights.get(first).copied().unwrap_or(0));
    while let Some(above) = first.checked_sub(1).map(|above| heights[above]) {
        match room.checked_sub(above) {
            Some(left) => (first, room) = (first - 1, left),
            None => break,
        }
    }
    first
}

fn summary(beside: &Beside) -> String {
    let count = |is: fn(&Pair) -> bool| beside.pairs.iter().filter(|pair| is(pair)).count();
    let (alike, newer) = (count(Pair::is_alike), count(|pair| pair.is_newer));
    let missing = count(|pair| pair.copies == 0);
    let differ = beside.pairs.len() - alike - missing;
    format!(
        "the newest {} by {}: {alike} alike, {differ} differ, {missing} not in BigQuery, {newer} newer than the watermark",
        beside.pairs.len(),
        beside.by.join(", ")
    )
}

/// Columns with their widths: the keys, then as many others as fit.
fn chosen(screen: &Data, beside: &Beside, cells: usize) -> Vec<(usize, usize)> {
    let of = |column: usize| {
        let values = beside
            .pairs
            .iter()
            .flat_map(|pair| [pair.source.get(column), pair.target.as_ref().and_then(|cells| cells.get(column))]);
        let widest = values.flatten().map(|cell| width(&text(cell)) + 1).max().unwrap_or(0);
        (column, widest.max(width(&beside.columns[column].name)).clamp(4, WIDEST))
    };
    let (keys, others): (Vec<usize>, Vec<usize>) =
        (0..beside.columns.len()).partition(|column| beside.columns[*column].is_key);
    let mut room = cells.saturating_sub(SIDE);
    let mut columns = Vec::new();
    for (column, wide) in keys.into_iter().chain(others.into_iter().skip(screen.column)).map(of) {
        if room < 6 {
            break;
        }
        let wide = wide.min(room);
        columns.push((column, wide));
        room = room.saturating_sub(wide + 1);
    }
    columns
}

fn header(beside: &Beside, columns: &[(usize, usize)], theme: Theme) -> Line<'static> {
    let names =
        columns.iter().map(|(column, wide)| left(&printable::blanked(&beside.columns[*column].name), *wide, theme));
    Line::styled(format!("{}{}", " ".repeat(SIDE), names.collect::<Vec<_>>().join(" ")), Theme::strong())
}

fn pair_lines(pair: &Pair, columns: &[(usize, usize)], theme: Theme) -> Vec<Line<'static>> {
    if pair.is_alike() {
        return vec![side_line("both", &pair.source, None, columns, theme)];
    }
    let mut lines = vec![side_line("MySQL", &pair.source, Some(pair), columns, theme)];
    lines.push(match &pair.target {
        Some(cells) => side_line(if pair.copies > 1 { "BigQ+" } else { "BigQ." }, cells, Some(pair), columns, theme),
        None => Line::from(vec![Span::raw(left("BigQ.", SIDE, theme)), Span::styled(missing(pair), theme.wants())]),
    });
    lines
}

/// Why BigQuery does not hold a row.
const fn missing(pair: &Pair) -> &'static str {
    if pair.is_newer { "not there yet: newer than the watermark" } else { "not there" }
}

/// A line of one side. A sign precedes a value that differs, because colour alone is not visible everywhere.
fn side_line(
    side: &str,
    cells: &[Cell],
    pair: Option<&Pair>,
    columns: &[(usize, usize)],
    theme: Theme,
) -> Line<'static> {
    let mut spans = vec![Span::styled(left(side, SIDE, theme), theme.quiet())];
    for (column, wide) in columns {
        let value = cells.get(*column).map_or_else(String::new, text);
        let differs = pair.is_some_and(|pair| pair.differs(*column));
        let style = match cells.get(*column) {
            _ if differs => theme.bad(),
            Some(Cell { shown: None, .. }) => theme.quiet(),
            _ => Style::new(),
        };
        let sign = if differs { "*" } else { "" };
        spans.push(Span::styled(left(&format!("{sign}{value}"), *wide, theme), style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// The text of a cell. Control characters are escaped, whoever wrote the row; a text that equals the sign for NULL is
/// put in quotes.
fn text(cell: &Cell) -> String {
    match cell.shown.as_deref() {
        None => NULL.to_owned(),
        Some(NULL) => format!("\"{NULL}\""),
        Some(value) => printable::line(value).into_owned(),
    }
}

/// One row with every value in full.
fn whole(beside: &Beside, pair: &Pair, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if pair.target.is_none() {
        lines.push(Line::styled(format!("BigQuery: {}", missing(pair)), theme.wants()));
    } else if pair.is_newer {
        lines.push(Line::styled(
            "newer than the watermark: BigQuery holds its former version until the next run",
            theme.wants(),
        ));
    }
    if pair.copies > 1 {
        lines.push(Line::styled(format!("BigQuery holds it {} times", pair.copies), theme.bad()));
    }
    for (position, column) in beside.columns.iter().enumerate() {
        let differs = pair.differs(position);
        let facts = [
            (column.is_key, "key"),
            (column.is_masked, "masked"),
            (!column.is_compared, "not compared"),
            (differs, "differs"),
        ];
        let facts: Vec<&str> = facts.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        let mut name = printable::line(&column.name).into_owned();
        if !facts.is_empty() {
            name = format!("{name} ({})", facts.join(", "));
        }
        lines.push(Line::styled(left(&name, cells, theme), Theme::strong()));
        let target = pair.target.as_ref().and_then(|target| target.get(position));
        let source = pair.source.get(position);
        match (source, target) {
            (Some(source), Some(target)) if !differs => {
                lines.extend(value_lines("", source, Style::new(), cells));
                if source.shown != target.shown && !column.is_compared {
                    lines.extend(value_lines("BigQuery ", target, Style::new(), cells));
                }
            }
            _ => {
                let style = if differs { theme.bad() } else { Style::new() };
                lines.extend(source.into_iter().flat_map(|cell| value_lines("MySQL    ", cell, style, cells)));
                lines.extend(target.into_iter().flat_map(|cell| value_lines("BigQuery ", cell, style, cells)));
            }
        }
    }
    lines
}

fn value_lines(side: &str, cell: &Cell, style: Style, cells: usize) -> Vec<Line<'static>> {
    let mut value = text(cell);
    // Blanks at the ends would be invisible, so quotes are put around the value.
    if value.trim() != value || (value.is_empty() && cell.shown.is_some()) {
        value = format!("\"{value}\"");
    }
    let before = format!("  {side}");
    let indent = " ".repeat(before.len());
    let pieces = pieces(&value, cells.saturating_sub(before.len()));
    let lines = pieces.into_iter().enumerate();
    lines
        .map(|(number, piece)| Line::styled(format!("{}{piece}", if number == 0 { &before } else { &indent }), style))
        .collect()
}
