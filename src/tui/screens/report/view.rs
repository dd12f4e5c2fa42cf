//! The report in sentences.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{Kept, Report};
use crate::domain::report::{MappingReport, RunReport};
use crate::engine::Failure;
use crate::format::{self, numbered};
use crate::tui::panes::pane;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::wrap;
use crate::tui::theme::Theme;

impl Draws for Report {
    fn draw(&self, frame: &mut Frame<'_>, _shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let title = self.run.as_ref().map_or_else(String::new, |run| format!("Run {run}"));
        let block = pane(&title, true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let cells = usize::from(inner.width);
        let lines: Vec<Line<'_>> = match &self.kept {
            Kept::Asked => vec![Line::raw("reading the report")],
            Kept::Gone => vec![Line::raw("The report of this run is no longer kept.")],
            Kept::Unreadable(Failure { error, hint }) => {
                let error = wrap(error, cells).into_iter().map(|line| Line::styled(line, theme.bad()));
                error.chain(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong()))).collect()
            }
            Kept::Here(report) => report_lines(report, theme)
                .into_iter()
                .flat_map(|(text, style)| {
                    wrap_or_blank(&text, cells).into_iter().map(move |line| Line::styled(line, style))
                })
                .collect(),
        };
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }
}

fn wrap_or_blank(text: &str, cells: usize) -> Vec<String> {
    if text.is_empty() { vec![String::new()] } else { wrap(text, cells) }
}

/// The report in sentences, before wrapping.
fn report_lines(report: &RunReport, theme: Theme) -> Vec<(String, Style)> {
    let by = if report.by.is_empty() { String::new() } else { format!(" by {}", report.by) };
    let (from, to) = (report.started_at.format("%Y-%m-%d %H:%M:%S"), report.finished_at.format("%H:%M:%S"));
    let mut lines = vec![(format!("{}{by}, {from} to {to} UTC", report.trigger.word()), Style::new())];
    for mapping in &report.mappings {
        lines.push((String::new(), Style::new()));
        mapping_lines(mapping, theme, &mut lines);
    }
    lines
}

fn mapping_lines(m: &MappingReport, theme: Theme, lines: &mut Vec<(String, Style)>) {
    let rows = numbered(m.records_processed, "row", "rows");
    lines.push((
        format!("{}  {}  {rows} in {}", m.mapping_name, m.outcome.word(), format::duration(m.took())),
        theme.outcome(m.outcome).add_modifier(Modifier::BOLD),
    ));
    let mut say = |text: String, style: Style| lines.push((format!("  {text}"), style));
    for error in &m.errors {
        say(format!("error: {error}"), theme.bad());
    }
    if let Some(hint) = &m.hint {
        say(format!("next: {hint}"), Theme::strong());
    }
    say(format!("{} {} {}, {}", m.source, theme.arrow(), m.target, m.mode.word()), Style::new());
    if let Some(window) = &m.window {
        say(format!("window {window}, {}", numbered(m.steps, "step", "steps")), Style::new());
    }
    let mark = |mark: &Option<String>| mark.clone().unwrap_or_else(|| "-".to_owned());
    let what = if m.mode.has_windows() { "watermark" } else { "read at" };
    say(format!("{what} {} {} {}", mark(&m.watermark_before), theme.arrow(), mark(&m.watermark_after)), Style::new());
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), format::bytes);
    let (billed, estimated) = (bytes(m.bytes_billed), bytes(m.bytes_estimated));
    let (new, changed) = (format::count(m.rows_inserted), format::count(m.rows_updated));
    say(
        format!(
            "{new} new, {changed} changed, {} staged, {billed} billed ({estimated} estimated), {}",
            format::bytes(m.bytes_staged),
            numbered(m.attempts.into(), "attempt", "attempts")
        ),
        Style::new(),
    );
    if let Some(mirrored) = &m.mirrored {
        say(format!("mirrored: {}", mirrored.words()), Style::new());
    }
    if let Some(replaced) = &m.replaced {
        replaced.lines().into_iter().for_each(|line| say(line, Style::new()));
    }
    if let Some(counts) = &m.deletion {
        let [vanished, deleted] = [counts.vanished, counts.deleted].map(format::count);
        let (keys, held) = (numbered(counts.keys, "key", "keys"), numbered(counts.held, "row", "rows"));
        let text = format!("{keys} in MySQL, {held} in BigQuery; {vanished} vanished, {deleted} deleted or marked");
        say(text, Style::new());
    }
    if let Some(late) = m.late() {
        say(late, theme.wants());
    }
    for note in m.held_back.iter().chain(&m.warnings) {
        say(format!("warning: {note}"), theme.wants());
    }
    for flaw in &m.flaws {
        say(
            format!(
                "{} of {} arrived as NULL: {}",
                numbered(flaw.count, "value", "values"),
                flaw.column,
                flaw.flaw.words()
            ),
            theme.wants(),
        );
    }
    for change in &m.schema_changes {
        let change: Vec<&str> = change.lines().map(str::trim).collect();
        say(format!("schema: {}", change.join(" ")), Style::new());
    }
    for job in &m.jobs {
        say(format!("job {job}"), theme.quiet());
    }
}
