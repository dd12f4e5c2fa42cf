//! Screen 2: the phases of a run, its steps, its jobs and its log lines.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{Pane, Run};
use crate::domain::config::Mode;
use crate::domain::replacement::Replacement;
use crate::domain::report::MappingReport;
use crate::engine::MappingProgress;
use crate::format::{self, numbered};
use crate::tui::log_lines::log_lines;
use crate::tui::model::{Row, RunLog};
use crate::tui::panes::{cut, first_shown, pane};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{fit, left, right, wrap};
use crate::tui::theme::Theme;

/// Below this height only the pane that has the keys is shown.
const ROOMY: u16 = 18;
/// The most lines of an error above; a longer error is shown in full at the beginning of the steps.
const ERROR_LINES: usize = 3;
const HINT_LINES: usize = 2;

impl Draws for Run {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let Some(row) = self.mapping.as_ref().and_then(|name| shared.book.get(name)) else {
            frame.render_widget(Line::raw("This mapping is no longer configured."), area);
            return Extent::default();
        };
        let roomy = area.height >= ROOMY + 2;
        let head = headline(row, self, shared, usize::from(area.width), roomy, theme);
        let height = u16::try_from(head.len()).unwrap_or(1);
        let [top, rest] = Layout::vertical([Constraint::Length(height), Constraint::Min(3)]).areas(area);
        frame.render_widget(Paragraph::new(head), top);
        if rest.height < ROOMY {
            let phases = row.log.as_ref().map_or_else(Line::default, |log| phases_in_a_line(log, shared, theme));
            let [line, pane] = Layout::vertical([Constraint::Length(1), Constraint::Min(3)]).areas(rest);
            frame.render_widget(phases, line);
            return match self.pane {
                Pane::Steps => draw_steps(frame, row, self, theme, pane),
                Pane::Jobs => draw_jobs(frame, self, shared, theme, pane),
                Pane::Log => draw_log(frame, row, self, shared, theme, pane),
            };
        }
        let [upper, jobs, log] =
            Layout::vertical([Constraint::Length(10), Constraint::Length(5), Constraint::Min(3)]).areas(rest);
        let [phases, steps] = Layout::horizontal([Constraint::Length(26), Constraint::Min(20)]).areas(upper);
        draw_phases(frame, row, shared, theme, phases);
        let steps = draw_steps(frame, row, self, theme, steps);
        let jobs = draw_jobs(frame, self, shared, theme, jobs);
        let log = draw_log(frame, row, self, shared, theme, log);
        match self.pane {
            Pane::Steps => steps,
            Pane::Jobs => jobs,
            Pane::Log => log,
        }
    }
}

/// The headline: status, work and progress.
fn headline(row: &Row, screen: &Run, shared: &Shared, cells: usize, roomy: bool, theme: Theme) -> Vec<Line<'static>> {
    let standing = row.standing(shared.now.at);
    let what = match (&row.log, row.last_run()) {
        (Some(log), _) => format!("{} run {}", log.trigger.word(), log.run),
        (None, Some(last)) => format!("{} run {}", last.trigger.word(), last.run_id),
        (None, None) => "it has never run".to_owned(),
    };
    let mut spans = vec![
        Span::styled(row.name.0.clone(), Theme::strong()),
        Span::raw("  "),
        Span::styled(standing.word.text(), theme.word(standing.word)),
    ];
    if let Some(share) = standing.share {
        spans.push(Span::styled(format!(" {}", theme.bar(share, 10)), theme.moving()));
    }
    if row.live.is_some() {
        spans.push(Span::raw(format!(" {}", standing.detail)));
    }
    spans.push(Span::styled(format!("  {what}"), theme.quiet()));
    let mut lines = vec![Line::from(spans)];
    if let Some(live) = &row.live {
        let text = format!(
            "{} read, {} published, {} from MySQL, {} uploaded",
            numbered(live.rows_read, "row", "rows"),
            format::count(live.rows_published),
            format::bytes(live.bytes_read),
            format::bytes(live.bytes_uploaded)
        );
        lines.push(Line::raw(fit(&text, cells, theme)));
        lines.extend(course(row.rates.course(), theme).filter(|_| roomy));
    } else if let Some((error, hint)) = row.last_error() {
        const BELOW: &str = "Tab: all of it in Steps";
        let styled = |text: &str, style| wrap(text, cells).into_iter().map(|line| Line::styled(line, style)).collect();
        lines.extend(cut(styled(error, theme.bad()), ERROR_LINES, cells, BELOW, theme));
        let hint = hint.or_else(|| screen.report.as_ref().and_then(|report| report.hint.as_deref()));
        let hint = hint.map(|hint| styled(hint, Theme::strong())).unwrap_or_default();
        lines.extend(cut(hint, HINT_LINES, cells, BELOW, theme));
    }
    lines
}

/// Rows per second since the run began; `None` before there is anything to show.
fn course(bars: &[u64], theme: Theme) -> Option<Line<'static>> {
    let most = bars.iter().max().copied().filter(|most| *most > 0)?;
    let told = format!(" since it began, most {} rows/s", format::count(most));
    Some(Line::from(vec![Span::styled(theme.bars(bars), theme.moving()), Span::styled(told, theme.quiet())]))
}

fn phases_in_a_line(log: &RunLog, shared: &Shared, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for (phase, spent, current) in log.phases(shared.now.at) {
        let Some(spent) = spent else { continue };
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        let style = if current { theme.moving() } else { theme.quiet() };
        spans.push(Span::styled(format!("{} {}", phase.word(), format::duration(spent)), style));
    }
    Line::from(spans)
}

fn draw_phases(frame: &mut Frame<'_>, row: &Row, shared: &Shared, theme: Theme, area: Rect) {
    let block = pane("Phases", false, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(log) = &row.log else {
        frame.render_widget(Line::styled("not run by this console", theme.quiet()), inner);
        return;
    };
    let done = if theme.ascii { "*" } else { "✓" };
    let now = if theme.ascii { ">" } else { "▶" };
    let failed = log.report.as_ref().is_some_and(|report| !report.errors.is_empty());
    let last = log.phases(shared.now.at).filter(|(_, spent, _)| spent.is_some()).count();
    let lines: Vec<Line<'_>> = log
        .phases(shared.now.at)
        .enumerate()
        .map(|(place, (phase, spent, current))| {
            let (sign, style) = match (spent, current) {
                (None, _) => (" ", theme.quiet()),
                (Some(_), true) => (now, theme.moving()),
                (Some(_), false) if failed && place + 1 == last => ("x", theme.bad()),
                (Some(_), false) => (done, theme.good()),
            };
            let time = spent.map_or_else(|| "-".to_owned(), format::in_cell);
            Line::styled(format!(" {sign} {}{}", left(phase.word(), 11, theme), right(&time, 8, theme)), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_steps(frame: &mut Frame<'_>, row: &Row, screen: &Run, theme: Theme, area: Rect) -> Extent {
    let block = pane("Steps", screen.pane == Pane::Steps, theme);
    let inner = block.inner(area);
    let cells = usize::from(inner.width);
    let lines = match (&row.log, &screen.report) {
        (Some(log), _) => steps(row, log, cells, theme),
        (None, Some(report)) => of_report(report, cells, theme),
        (None, None) => vec![Line::styled("r runs it now", theme.quiet())],
    };
    let lines: Vec<Line<'_>> = in_full(row, screen, cells, theme).into_iter().chain(lines).collect();
    let height = usize::from(inner.height);
    let hidden = lines.len().saturating_sub(height);
    let block = match hidden {
        0 => block,
        _ => block.title_bottom(format!(" {} {hidden} more: k j ", theme.ellipsis())),
    };
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(screen.steps.shown(&lines, height).to_vec()), inner);
    Extent { lines: lines.len(), height }
}

/// Why MySQL or the state could not be asked, and the last error with its hint, in full: the lines above show only
/// their beginning.
fn in_full(row: &Row, screen: &Run, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if row.live.is_some() {
        return lines;
    }
    if let Some(problem) = row.problem() {
        let style = if row.is_unanswered() { theme.wants() } else { theme.bad() };
        lines.extend(wrap(problem, cells).into_iter().map(|line| Line::styled(line, style)));
    }
    if let Some((error, hint)) = row.last_error() {
        let hint = hint.or_else(|| screen.report.as_ref().and_then(|report| report.hint.as_deref()));
        let (error, hint) = (wrap(error, cells), hint.map(|hint| wrap(hint, cells)).unwrap_or_default());
        if error.len() > ERROR_LINES || hint.len() > HINT_LINES {
            lines.extend(error.into_iter().map(|line| Line::styled(line, theme.bad())));
            lines.extend(hint.into_iter().map(|line| Line::styled(line, Theme::strong())));
        }
    }
    lines
}

fn steps(row: &Row, log: &RunLog, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(window) = &log.window {
        let age = row.live.as_ref().and_then(MappingProgress::snapshot_words).map(|words| format!(", {words}"));
        let told = format!("window {window}{}", age.unwrap_or_default());
        lines.extend(wrap(&told, cells).into_iter().map(Line::raw));
    }
    for step in &log.steps {
        let (word, style) = match (step.published, step.rows.is_some(), row.live.is_some()) {
            (true, ..) => ("published", theme.good()),
            (false, true, true) => ("staged", theme.moving()),
            (false, false, true) => ("reading", theme.moving()),
            (false, _, false) => ("not done", theme.quiet()),
        };
        let rows = step.rows.map_or_else(|| "?".to_owned(), format::count);
        let tail = format!(" {} {}", right(&rows, 11, theme), left(word, 9, theme));
        let head = left(&format!("{} {}", step.step, step.window), cells.saturating_sub(tail.len()), theme);
        lines.push(Line::styled(head + &tail, style));
    }
    if let Some(backfill) = &log.backfill {
        let text = format!(
            "backfill done up to {} of {}, {}, {}",
            backfill.done,
            backfill.to,
            numbered(backfill.slices, "slice", "slices"),
            numbered(backfill.rows, "row", "rows")
        );
        lines.extend(wrap(&text, cells).into_iter().map(|line| Line::styled(line, theme.moving())));
    }
    for note in &log.notes {
        lines.extend(wrap(note, cells).into_iter().map(|line| Line::styled(line, theme.wants())));
    }
    if let Some(report) = &log.report {
        lines.extend(outcome(report, cells));
    }
    lines
}

fn of_report(report: &MappingReport, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(window) = &report.window {
        lines.extend(wrap(&format!("window {window}"), cells).into_iter().map(Line::raw));
    }
    let notes = report.held_back.iter().chain(&report.warnings);
    lines.extend(notes.flat_map(|note| wrap(note, cells)).map(|line| Line::styled(line, theme.wants())));
    lines.extend(outcome(report, cells));
    lines
}

fn outcome(report: &MappingReport, cells: usize) -> Vec<Line<'static>> {
    let reached = report.watermark_after.as_deref();
    let reached = match report.mode {
        Mode::Append | Mode::Upsert => {
            reached.map_or_else(|| "no watermark yet".to_owned(), |mark| format!("watermark {mark}"))
        }
        Mode::Replace | Mode::Mirror => reached
            .map_or_else(|| "the table is not in BigQuery yet".to_owned(), |at| format!("as it was read at {at}")),
    };
    let text = format!(
        "{}: {} in {}, {} new, {} changed; {reached}",
        report.outcome.word(),
        numbered(report.records_processed, "row", "rows"),
        format::duration(report.took()),
        format::count(report.rows_inserted),
        format::count(report.rows_updated),
    );
    let said = wrap(&text, cells).into_iter().map(|line| Line::styled(line, Theme::strong()));
    let replaced = report.replaced.iter().flat_map(Replacement::lines).flat_map(|line| wrap(&line, cells));
    let mirrored = report.mirrored.iter().flat_map(|mirrored| wrap(&format!("mirrored: {}", mirrored.words()), cells));
    said.chain(mirrored.map(Line::raw)).chain(replaced.map(Line::raw)).collect()
}

fn draw_jobs(frame: &mut Frame<'_>, screen: &Run, shared: &Shared, theme: Theme, area: Rect) -> Extent {
    let focused = screen.pane == Pane::Jobs;
    let block = pane("BigQuery jobs", focused, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let jobs = screen.jobs(&shared.book);
    let (marked, height) = (screen.marked(&shared.book), usize::from(inner.height));
    let cells = usize::from(inner.width);
    let first = first_shown(marked, jobs.len(), height);
    let lines: Vec<Line<'_>> = jobs
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(place, job)| {
            let bytes = job.bytes.map(format::bytes).unwrap_or_default();
            let rows = if job.rows > 0 { numbered(job.rows, "row", "rows") } else { String::new() };
            let tail = format!(" {} {}", right(&rows, 14, theme), right(&bytes, 9, theme));
            let head =
                left(&format!("{} {}", left(job.what, 7, theme), job.id), cells.saturating_sub(tail.len()), theme);
            let style = if focused && place == marked { Theme::marked() } else { ratatui::style::Style::new() };
            Line::styled(head + &tail, style)
        })
        .collect();
    if lines.is_empty() {
        frame.render_widget(Line::styled("none yet", theme.quiet()), inner);
    }
    frame.render_widget(Paragraph::new(lines), inner);
    Extent { lines: jobs.len(), height }
}

fn draw_log(frame: &mut Frame<'_>, row: &Row, screen: &Run, shared: &Shared, theme: Theme, area: Rect) -> Extent {
    let block = pane("Log of this mapping", screen.pane == Pane::Log, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (cells, height) = (usize::from(inner.width), usize::from(inner.height));
    // More lines than fit: some take two lines, and others are for scrolling back.
    let kept = shared.ring.latest(height + screen.log.up() + 20, |line| line.mapping.as_deref() == Some(&row.name.0));
    let lines: Vec<Line<'_>> = kept.iter().flat_map(|line| log_lines(line, cells, theme)).collect();
    frame.render_widget(Paragraph::new(screen.log.shown(&lines, height).to_vec()), inner);
    Extent { lines: lines.len(), height }
}
