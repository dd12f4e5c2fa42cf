//! Screen 5: past runs, and the report of one.

use crate::tui::screens::Kept;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::report::{MappingReport, Outcome, RunReport, RunSummary};
use crate::format;
use crate::tui::app::App;
use crate::tui::panes::{first_shown, pane};
use crate::tui::text::{left, right, wrap};
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let cells = usize::from(area.width);
    let history = &app.history;
    if let Some((error, hint)) = &history.failure {
        let mut lines: Vec<Line<'_>> =
            wrap(error, cells).into_iter().map(|line| Line::styled(line, theme.bad())).collect();
        lines.extend(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong())));
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let Some(runs) = &history.runs else {
        frame.render_widget(Line::raw("reading the history"), area);
        return;
    };
    if runs.is_empty() {
        frame.render_widget(Line::raw("No run is on record yet."), area);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let first = first_shown(history.place, runs.len(), height);
    let widths = widths(runs, cells);
    let titles =
        cells_of(["WHEN", "WHO", "TRIGGER", "MAPPINGS", "ROWS", "TOOK", "OUTCOME"].map(str::to_owned), widths, theme);
    let mut lines = vec![Line::styled(titles.join(" "), Theme::strong())];
    for (place, run) in runs.iter().enumerate().skip(first).take(height) {
        let line = line(run, widths, theme);
        lines.push(if place == history.place { line.patch_style(Theme::marked()) } else { line });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The width of each column, 0 for those there is no room for. WHO and MAPPINGS share what the others leave.
fn widths(runs: &[RunSummary], cells: usize) -> [usize; 7] {
    /// What goes first: the report says it too.
    const DROPPED: [usize; 3] = [5, 4, 2];
    /// A user at a host, and the name of a mapping.
    const SHARED_LEAST: usize = 24;
    let widest =
        |text: &dyn Fn(&RunSummary) -> String| runs.iter().map(|run| crate::tui::text::width(&text(run))).max();
    let rows = widest(&|run| format::count(run.rows)).unwrap_or(0).max(4);
    let mut widths = [16, 0, 8, 0, rows, 6, 9];
    let left = |widths: &[usize; 7]| {
        let shown = widths.iter().filter(|cells| **cells > 0).count() + 2;
        cells.saturating_sub(widths.iter().sum::<usize>() + shown - 1)
    };
    for dropped in DROPPED {
        if left(&widths) >= SHARED_LEAST {
            break;
        }
        widths[dropped] = 0;
    }
    let shared = left(&widths);
    let who = widest(&|run| run.by.clone()).unwrap_or(0).max(3).min(shared / 2);
    (widths[1], widths[3]) = (who, shared - who);
    widths
}

fn cells_of(texts: [String; 7], widths: [usize; 7], theme: Theme) -> Vec<String> {
    let number = |place: usize| place == 4 || place == 5;
    let cell = |(place, (text, cells)): (usize, (String, usize))| {
        if number(place) { right(&text, cells, theme) } else { left(&text, cells, theme) }
    };
    texts.into_iter().zip(widths).enumerate().filter(|(_, (_, cells))| *cells > 0).map(cell).collect()
}

fn line(run: &RunSummary, widths: [usize; 7], theme: Theme) -> Line<'static> {
    let took = (run.finished_at - run.started_at).to_std().unwrap_or_default();
    let mappings = match run.mappings.as_slice() {
        [] => "-".to_owned(),
        [one] => one.to_string(),
        [first, ..] => format!("{first} and {} more", run.mappings.len() - 1),
    };
    let texts = [
        run.started_at.format("%Y-%m-%d %H:%M").to_string(),
        if run.by.is_empty() { "-".to_owned() } else { run.by.clone() },
        run.trigger.word().to_owned(),
        mappings,
        format::count(run.rows),
        format::duration(took),
        run.outcome.word().to_owned(),
    ];
    let mut cells = cells_of(texts, widths, theme);
    let outcome = cells.pop().unwrap_or_default();
    Line::from(vec![Span::raw(cells.join(" ") + " "), Span::styled(outcome, outcome_style(run.outcome, theme))])
}

fn outcome_style(outcome: Outcome, theme: Theme) -> Style {
    match outcome {
        Outcome::Ok => theme.good(),
        Outcome::Failed => theme.bad(),
        Outcome::Waiting => theme.wants(),
        Outcome::Cancelled => theme.quiet(),
    }
}

pub(super) fn draw_report(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let title = app.report.run.as_ref().map_or_else(String::new, |run| format!("Run {run}"));
    let block = pane(&title, true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let cells = usize::from(inner.width);
    let lines: Vec<Line<'_>> = match &app.report.kept {
        Kept::Asked => vec![Line::raw("reading the report")],
        Kept::Gone => vec![Line::raw("The report of this run is no longer kept.")],
        Kept::Here(report) => report_lines(report, theme)
            .into_iter()
            .flat_map(|(text, style)| {
                wrap_or_blank(&text, cells).into_iter().map(move |line| Line::styled(line, style))
            })
            .collect(),
    };
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let scroll = u16::try_from(app.report.scroll.min(most)).unwrap_or(0);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), inner);
}

fn wrap_or_blank(text: &str, cells: usize) -> Vec<String> {
    if text.is_empty() { vec![String::new()] } else { wrap(text, cells) }
}

/// The report in sentences, before they are wrapped.
pub fn report_lines(report: &RunReport, theme: Theme) -> Vec<(String, Style)> {
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
    let took = std::time::Duration::try_from_secs_f64(m.duration_seconds).unwrap_or_default();
    let rows = format::count(m.records_processed);
    lines.push((
        format!("{}  {}  {rows} rows in {}", m.mapping_name, m.outcome.word(), format::duration(took)),
        outcome_style(m.outcome, theme).add_modifier(ratatui::style::Modifier::BOLD),
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
        say(format!("window {window}, {} step(s)", m.steps), Style::new());
    }
    let mark = |mark: &Option<String>| mark.clone().unwrap_or_else(|| "-".to_owned());
    say(
        format!("watermark {} {} {}", mark(&m.watermark_before), theme.arrow(), mark(&m.watermark_after)),
        Style::new(),
    );
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), format::bytes);
    let (billed, estimated) = (bytes(m.bytes_billed), bytes(m.bytes_estimated));
    let (new, changed) = (format::count(m.rows_inserted), format::count(m.rows_updated));
    say(
        format!(
            "{new} new, {changed} changed, {} staged, {billed} billed ({estimated} estimated), {} attempt(s)",
            format::bytes(m.bytes_staged),
            m.attempts
        ),
        Style::new(),
    );
    if let Some(counts) = &m.deletion {
        let [keys, held, vanished, deleted] =
            [counts.keys, counts.held, counts.vanished, counts.deleted].map(format::count);
        let text = format!("{keys} keys in MySQL, {held} rows held; {vanished} vanished, {deleted} deleted or marked");
        say(text, Style::new());
    }
    for note in m.held_back.iter().chain(&m.warnings) {
        say(format!("warning: {note}"), theme.wants());
    }
    for flaw in &m.flaws {
        say(
            format!("{} value(s) of {} arrived as NULL: {}", format::count(flaw.count), flaw.column, flaw.flaw.words()),
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
