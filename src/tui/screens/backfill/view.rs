//! Screen 4: the form, the preview, and the running backfill.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use super::values::{read_end, read_value};
use super::{Backfill, Field, Preview};
use crate::engine::{BackfillPreview, Failure};
use crate::format::{self, numbered};
use crate::tui::model::Row;
use crate::tui::naming::listed;
use crate::tui::panes::pane;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{left, width, wrap};
use crate::tui::theme::Theme;

/// The width of a value: room for a time with an offset; on a narrow screen less, so that its meaning fits beside it.
const fn value_cells(width: u16) -> usize {
    if width < 70 { 20 } else { 26 }
}

const LABEL: usize = 9;

impl Draws for Backfill {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let [form, below] = Layout::vertical([Constraint::Length(5), Constraint::Min(3)]).areas(area);
        draw_form(frame, self, shared, theme, form);
        draw_below(frame, self, shared, theme, below)
    }
}

fn draw_form(frame: &mut Frame<'_>, form: &Backfill, shared: &Shared, theme: Theme, area: Rect) {
    let block = pane("Backfill: move a range again; the watermark stays", form.field != Field::Below, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let row = form.mapping.as_ref().and_then(|name| shared.book.get(name));
    let marked = format!("{} marked", form.several.names.len());
    let (name, side) = if form.several.names.is_empty() {
        let name = form.mapping.as_ref().map_or("", |name| name.0.as_str());
        (name, row.map_or_else(String::new, Row::how))
    } else {
        (marked.as_str(), listed(&form.several.names, usize::from(inner.width).saturating_sub(40)))
    };
    let zone = shared.facts.as_ref().map_or(chrono_tz::Tz::UTC, |facts| {
        let mapping = facts.config.mappings.iter().find(|mapping| Some(&mapping.name) == form.mapping.as_ref());
        facts.config.timezone_of(mapping.and_then(|mapping| mapping.source.server.as_ref()))
    });
    let start = read_value(form.start.value(), zone);
    let end = read_end(form.end.value(), zone);
    let cells = value_cells(inner.width);
    // A name is recognised by its beginning, typed text by its end, where the cursor is; the text beside the name can
    // do with less room.
    let most = usize::from(inner.width).saturating_sub(LABEL + 1 + width(&side).min(8) + 2);
    let mapping = field(
        "mapping",
        name,
        Ok(side),
        form.field == Field::Mapping,
        width(name).clamp(cells, most.max(cells)),
        theme,
    );
    let field = |label, value, side, focused| field(label, value, side, focused, cells, theme);
    let lines = vec![
        mapping,
        field("start", &typed(&form.start, cells), said(start, theme), form.field == Field::Start),
        field("end", &typed(&form.end, cells), said(end, theme), form.field == Field::End),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
    let cursor = |input: &Input, line: u16| {
        let at = u16::try_from(input.visual_cursor().min(cells)).unwrap_or(0);
        Position::new(inner.x + u16::try_from(LABEL).unwrap_or(0) + 1 + at, inner.y + line)
    };
    match (shared.dialog.is_some(), form.field) {
        (false, Field::Start) => frame.set_cursor_position(cursor(&form.start, 1)),
        (false, Field::End) => frame.set_cursor_position(cursor(&form.end, 2)),
        _ => {}
    }
}

/// The end of the typed text, if it does not fit.
fn typed(input: &Input, cells: usize) -> String {
    let value = input.value();
    let hidden = if width(value) > cells { value.chars().count().saturating_sub(cells) } else { 0 };
    value.chars().skip(hidden).collect()
}

fn said(read: Result<String, &'static str>, theme: Theme) -> Result<String, &'static str> {
    read.map(|value| format!("{} {value}", theme.arrow()))
}

fn field(
    label: &str,
    value: &str,
    side: Result<String, &'static str>,
    focused: bool,
    cells: usize,
    theme: Theme,
) -> Line<'static> {
    let style = if focused { Theme::marked() } else { Theme::strong() };
    let (side, side_style) = match side {
        Ok(text) => (text, theme.quiet()),
        Err(text) => (text.to_owned(), theme.bad()),
    };
    Line::from(vec![
        Span::raw(left(&format!("{} {label}", if focused { ">" } else { " " }), LABEL + 1, theme)),
        Span::styled(left(value, cells, theme), style),
        Span::raw("  "),
        Span::styled(side, side_style),
    ])
}

fn draw_below(frame: &mut Frame<'_>, form: &Backfill, shared: &Shared, theme: Theme, area: Rect) -> Extent {
    let row = form.mapping.as_ref().and_then(|name| shared.book.get(name));
    let live = row.filter(|row| row.live.is_some() && form.running.is_some());
    let title = if live.is_some() { "Running" } else { "Preview" };
    let block = pane(title, form.field == Field::Below, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let cells = usize::from(inner.width);
    let mut lines = Vec::new();
    if form.running.is_some() {
        lines.extend(progress(form, shared, cells, theme));
    }
    if form.several.is_asked() {
        lines.extend(form.several.lines(cells, theme));
        lines.push(Line::from(vec![Span::styled("Enter", theme.key()), Span::raw(" asks to start them")]));
    } else if live.is_none() {
        lines.extend(match &form.preview {
            Preview::None => explained("Type a start (a date, a time, or a number if the column holds numbers), and an end if it is not the watermark. Enter previews the backfill; nothing is moved before you confirm.", cells, theme),
            Preview::Asked(_) => explained("asking MySQL and BigQuery", cells, theme),
            Preview::Failed(Failure { error, hint }) => {
                let mut lines: Vec<Line<'_>> = wrap(error, cells).into_iter().map(|line| Line::styled(line, theme.bad())).collect();
                lines.extend(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong())));
                lines
            }
            Preview::Read(preview) => previewed(preview, cells, theme),
        });
    }
    let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
    frame.render_widget(Paragraph::new(lines).scroll(form.scroll.offset(extent)), inner);
    extent
}

fn explained(text: &str, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    wrap(text, cells).into_iter().map(|line| Line::styled(line, theme.quiet())).collect()
}

fn previewed(preview: &BackfillPreview, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let count = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), format::count);
    let bytes = preview.bytes_estimate.map_or_else(|| "?".to_owned(), format::bytes);
    let slices = format!("{}{}", preview.slices.len(), if preview.more_slices { " or more" } else { "" });
    let in_target = preview.rows_in_target.map_or_else(|| "there is no table yet".to_owned(), format::count);
    let fact = |label: &str, value: &str| {
        let lines = wrap(value, cells.saturating_sub(18));
        let heads = std::iter::once(label.to_owned()).chain(std::iter::repeat(String::new()));
        heads.zip(lines).map(|(head, line)| Line::raw(left(&head, 18, theme) + &line)).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    lines.extend(fact("window", &preview.window));
    lines.extend(fact("rows in MySQL", &format!("about {}, about {bytes}", count(preview.rows_estimate))));
    lines.extend(fact("rows in BigQuery", &in_target));
    lines.extend(fact("publishing", &preview.publish));
    lines.extend(fact("billed", &preview.publish_bytes.map_or_else(|| "not known".to_owned(), |b| b.words())));
    lines.extend(fact("slices", &slices));
    for note in &preview.notes {
        lines.extend(wrap(note, cells).into_iter().map(|line| Line::styled(line, theme.wants())));
    }
    if let Some(state) = &preview.unfinished {
        let done = state.done.as_deref().unwrap_or("nothing yet");
        let text = format!(
            "unfinished: {} to {}, done up to {done}, {}, by {}",
            state.start,
            state.to,
            numbered(state.rows, "row", "rows"),
            state.by
        );
        lines.extend(wrap(&text, cells).into_iter().map(|line| Line::styled(line, theme.wants())));
    }
    lines.push(Line::from(vec![Span::styled("Enter", theme.key()), Span::raw(" asks to start it")]));
    for (number, slice) in preview.slices.iter().enumerate() {
        let rows = slice.rows.map_or_else(|| "the rest".to_owned(), |rows| numbered(rows, "row", "rows"));
        let text = format!("{:>4}  {}  {rows}", number + 1, slice.window);
        lines.push(Line::styled(crate::tui::text::fit(&text, cells, theme), theme.quiet()));
    }
    lines
}

/// The backfill that was started here: its progress, or its end.
fn progress(form: &Backfill, shared: &Shared, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let Some(row) = form.mapping.as_ref().and_then(|name| shared.book.get(name)) else { return Vec::new() };
    let mut lines = Vec::new();
    let standing = row.standing(shared.now.at);
    if row.live.is_some() {
        let bar = standing.share.map(|share| format!(" {}", theme.bar(share, 20))).unwrap_or_default();
        lines.push(Line::from(vec![
            Span::styled(standing.word.text(), theme.word(standing.word)),
            Span::styled(bar, theme.moving()),
            Span::raw(format!(" {}", standing.detail)),
        ]));
    }
    let Some(log) = &row.log else { return lines };
    if let Some(window) = &log.window {
        lines.extend(wrap(&format!("window {window}"), cells).into_iter().map(Line::raw));
    }
    if let Some(backfill) = &log.backfill {
        let text = format!(
            "{}, {}, done up to {} of {}",
            numbered(backfill.slices, "slice", "slices"),
            numbered(backfill.rows, "row", "rows"),
            backfill.done,
            backfill.to
        );
        lines.extend(wrap(&text, cells).into_iter().map(Line::raw));
    }
    if let Some(live) = &row.live {
        let text = format!(
            "{} read, {} published in this run",
            numbered(live.rows_read, "row", "rows"),
            format::count(live.rows_published)
        );
        lines.push(Line::raw(text));
    }
    for note in log.notes.iter().rev().take(3) {
        lines.extend(wrap(note, cells).into_iter().map(|line| Line::styled(line, theme.wants())));
    }
    if let Some(report) = log.report.as_ref().filter(|_| row.live.is_none()) {
        let style = if report.errors.is_empty() { theme.good() } else { theme.bad() };
        let text =
            format!("{}: {}", report.outcome.word(), numbered(report.records_processed, "row moved", "rows moved"));
        lines.push(Line::styled(text, style));
        lines.extend(report.errors.iter().flat_map(|e| wrap(e, cells)).map(|line| Line::styled(line, theme.bad())));
        lines.extend(report.hint.iter().flat_map(|h| wrap(h, cells)).map(|line| Line::styled(line, Theme::strong())));
        lines.push(Line::raw(""));
    }
    lines
}
