//! The area below the list: details of the marked mapping that do not fit into its line.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Mappings;
use super::columns::{ago, clock};
use crate::domain::config::Mode;
use crate::engine::Phase;
use crate::format::{self, numbered};
use crate::tui::model::{Now, Row};
use crate::tui::panes::{cut, pane};
use crate::tui::shared::Shared;
use crate::tui::text::{fit, width, wrap};
use crate::tui::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Mappings, shared: &Shared, theme: Theme, area: Rect) {
    let Some(row) = screen.selected(&shared.book).and_then(|name| shared.book.get(name)) else { return };
    let (inner, boxed) = if area.height > 6 {
        let block = pane(&row.name.0, false, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        (inner, true)
    } else {
        let rule = theme.border().horizontal_top.repeat(usize::from(area.width));
        frame.render_widget(Line::styled(rule, theme.quiet()), Rect { height: 1, ..area });
        (Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, false)
    };
    let cells = usize::from(inner.width);
    let mut lines = Vec::new();
    // With little room, problems come before the description of the mapping.
    let news = news(row, shared.now, cells, theme);
    if boxed || news.len() < usize::from(inner.height) {
        lines.push(identity(row, cells, theme));
    }
    lines.extend(news);
    let lines = cut(lines, usize::from(inner.height), cells, "Enter: all of it", theme);
    frame.render_widget(Paragraph::new(lines), inner);
}

fn identity(row: &Row, cells: usize, theme: Theme) -> Line<'static> {
    let arrow = theme.arrow();
    let keys = if row.keys.is_empty() { String::new() } else { format!(", keys {}", row.keys.join(", ")) };
    let text = format!("{} {arrow} {}, {}{keys}", row.source, row.full_target, row.how());
    Line::raw(fit(&text, cells, theme))
}

fn news(row: &Row, now: Now, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    if row.live.is_some() { moving(row, now, cells, theme) } else { at_rest(row, now, cells, theme) }
}

/// Window, phase, rows, bytes, rate and time left.
fn moving(row: &Row, now: Now, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let Some(live) = &row.live else { return Vec::new() };
    let (dot, mut lines) = (theme.dot(), Vec::new());
    if let Some(retry) = &live.retry {
        let wait = format::duration(retry.at.saturating_duration_since(now.at));
        let text = format!("attempt {} in {wait}: {}", retry.attempt, retry.because);
        lines.extend(wrap(&text, cells).into_iter().map(|line| Line::styled(line, theme.wants())));
    }
    let rows = format!(
        "{} read {dot} {} published {dot} {} from MySQL {dot} {} uploaded",
        format::count(live.rows_read),
        format::count(live.rows_published),
        format::bytes(live.bytes_read),
        format::bytes(live.bytes_uploaded)
    );
    lines.push(Line::raw(fit(&rows, cells, theme)));
    let mut phase = vec![if live.paused { "paused".to_owned() } else { row.phase(now.at) }];
    phase.extend((live.step > 1).then(|| format!("step {}", live.step)));
    phase.extend((live.attempt > 1).then(|| format!("attempt {}", live.attempt)));
    if live.phase == Phase::Extract {
        phase.extend(match row.rates.silent_for(now.at) {
            Some(silent) => Some(format!("MySQL has sent no row for {}", format::duration(silent))),
            None => row.rates.per_second().map(|rate| format!("{} rows/s", format::count(rate))),
        });
    }
    phase.push(match row.time_left() {
        Some(left) => format!("about {} left", format::duration(left)),
        None => "time left unknown".to_owned(),
    });
    phase.extend(live.window.as_ref().map(|window| format!("window {window}")));
    phase.extend(live.snapshot_words());
    lines.push(Line::raw(fit(&phase.join(&format!(" {dot} ")), cells, theme)));
    lines.extend(sparkline(&row.rates.samples(), cells, theme));
    if let Some(note) = row.log.as_ref().and_then(|log| log.notes.last()) {
        lines.extend(wrap(note, cells).into_iter().take(2).map(|line| Line::styled(line, theme.quiet())));
    }
    lines
}

fn at_rest(row: &Row, now: Now, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = wrong(row, cells, theme);
    let styled = |text: &str, style| wrap(text, cells).into_iter().map(move |line| Line::styled(line, style));
    let Some(status) = &row.status else { return lines };
    if let Some(holder) = &status.held_by {
        let since = clock(holder.since, now.utc);
        let text = format!("running since {since} as process {} on {}, run {}", holder.pid, holder.host, holder.run_id);
        lines.extend(styled(&text, theme.moving()));
    }
    if let Some(state) = &status.backfill {
        let done = state.done.as_deref().unwrap_or("nothing yet");
        let text = format!(
            "unfinished backfill (b): {} to {}, done up to {done}, {}, by {}",
            state.from,
            state.to,
            numbered(state.rows, "row", "rows"),
            state.by
        );
        lines.extend(styled(&text, theme.wants()));
    }
    if let Some(job) = &status.pending {
        lines.extend(styled(
            &format!("publish {job} was sent, but its result is unknown; the next run asks BigQuery"),
            theme.wants(),
        ));
    }
    if let Some(run) = &status.last_run {
        let took = format::duration(Duration::from_millis(run.duration_ms));
        let text = format!(
            "last run {} {} ({}), {} in {took}",
            clock(run.finished_at, now.utc),
            run.outcome.word(),
            run.trigger.word(),
            numbered(run.rows, "row", "rows")
        );
        lines.push(Line::raw(fit(&text, cells, theme)));
    }
    let newest = row.measured.as_ref().and_then(|measured| measured.newest.as_deref());
    let (mark, newest) = (status.watermark.as_deref().unwrap_or("-"), newest.unwrap_or("-"));
    let age = row.measured.as_ref().and_then(|measured| measured.stale_for(now.at));
    let newest = age.map_or_else(|| newest.to_owned(), |age| format!("{newest}, asked {} ago", ago(age)));
    let (held, newest) = match row.mode {
        Mode::Append | Mode::Upsert => (format!("in BigQuery up to {mark}"), Some(format!("newest in MySQL {newest}"))),
        Mode::Replace | Mode::Mirror if status.watermark.is_none() => ("not in BigQuery yet".to_owned(), None),
        Mode::Replace | Mode::Mirror => (format!("in BigQuery as it was read at {mark}"), None),
    };
    lines.extend(side_by_side(held, newest, cells, theme));
    lines
}

/// The problem, and the next step.
fn wrong(row: &Row, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let styled = |text: &str, style| wrap(text, cells).into_iter().map(move |line| Line::styled(line, style));
    let (problem, failed) = (row.problem(), row.last_error());
    // The last run mostly failed because of the present problem: then it is shown once.
    let holds = |whole: Option<&str>, part: &str| whole.is_some_and(|whole| whole.contains(part));
    if let Some(problem) = problem.filter(|problem| !holds(failed.map(|(error, _)| error), problem)) {
        let style = if row.is_unanswered() { theme.wants() } else { theme.bad() };
        lines.extend(styled(problem, style));
    }
    if let Some(lost) = &row.lost {
        let text = format!(
            "this console has seen the watermark {}, which the state no longer holds: put the state or its copy back; a run \
             would begin from the start",
            lost.watermark
        );
        lines.extend(styled(&text, theme.bad()));
    }
    if let Some((error, hint)) = failed {
        let now = problem.filter(|problem| *problem != error);
        if !holds(now, error) {
            lines.extend(styled(error, theme.bad()));
        }
        let hint = hint.filter(|hint| !holds(now, hint));
        lines.extend(hint.map(|hint| styled(hint, Theme::strong())).into_iter().flatten());
    }
    if row.is_new_table() {
        let text = "a table that is new in MySQL: take it or decline it (s, then Enter)";
        lines.extend(styled(text, theme.wants()));
    }
    if !row.undecided().is_empty() {
        let text = format!("columns to decide (s): {}", row.undecided().join(", "));
        lines.extend(styled(&text, theme.wants()));
    }
    lines
}

/// Two texts on one line if they fit, otherwise on a line each.
fn side_by_side(one: String, other: Option<String>, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let Some(other) = other else { return vec![Line::raw(fit(&one, cells, theme))] };
    let both = format!("{one} {} {other}", theme.dot());
    let lines = if width(&both) <= cells { vec![both] } else { vec![one, other] };
    lines.iter().map(|line| Line::raw(fit(line, cells, theme))).collect()
}

/// Rows per second over the last minute.
fn sparkline(samples: &[u64], cells: usize, theme: Theme) -> Option<Line<'static>> {
    let shown: Vec<u64> =
        samples.iter().copied().skip(samples.len().saturating_sub(cells.saturating_sub(24))).collect();
    let most = shown.iter().max().copied().filter(|most| *most > 0)?;
    let bars = theme.bars(&shown);
    let most = format!(" most {} rows/s", format::count(most));
    Some(Line::from(vec![Span::styled(bars, theme.moving()), Span::styled(most, theme.quiet())]))
}
