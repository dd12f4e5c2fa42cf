//! The first line: which configuration is open, so that nobody cancels production by mistake.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::app::App;
use crate::tui::session::Facts;
use crate::tui::text::{fit, width};
use crate::tui::theme::Theme;

const NAME: &str = "bqsync ";

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let contexts = &app.shared.contexts;
    let context = contexts.present.as_ref().map(|name| format!(" {name} "));
    let before = NAME.len() + context.as_ref().map_or(0, |context| width(context) + 1);
    let cells = usize::from(area.width).saturating_sub(before);
    let badges = badges(app);
    let next = next_run(app);
    let right: usize = badges.iter().chain(&next).map(|part| width(part) + 1).sum();
    let place = app.shared.facts.as_ref().map_or_else(
        || if app.shared.trouble.is_some() { "not connected".to_owned() } else { "opening".to_owned() },
        |facts| place(facts, cells.saturating_sub(right + 1), theme),
    );
    let left = fit(&place, cells.saturating_sub(right), theme);
    let gap = cells.saturating_sub(width(&left) + right);
    let mut spans = vec![Span::styled(NAME, Theme::strong())];
    if let Some(context) = context {
        spans.push(Span::styled(context, theme.context(contexts.colour())));
        spans.push(Span::raw(" "));
    }
    spans.extend([Span::raw(left), Span::raw(" ".repeat(gap))]);
    if let Some(next) = next {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(next, theme.quiet()));
    }
    for badge in badges {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(badge, theme.wants()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn badges(app: &App) -> Vec<String> {
    let emulator = app.shared.facts.as_ref().is_some_and(|facts| facts.emulator);
    let mut badges = Vec::new();
    badges.extend(app.shared.read_only.then(|| "READ-ONLY".to_owned()));
    let not_moved = app.shared.not_moved().len();
    badges.extend((not_moved > 0).then(|| format!("{not_moved} NOT MOVED")));
    badges.extend(app.shared.files_broken.then(|| "OLD CONFIG".to_owned()));
    badges.extend(emulator.then(|| "EMULATOR".to_owned()));
    badges
}

/// The next run, in UTC like all times: `next 02:00 in 3 h 12 min`.
fn next_run(app: &App) -> Option<String> {
    let (at, left) = app.schedule.countdown(app.shared.now)?;
    let is_far = at - app.shared.now.utc >= chrono::TimeDelta::days(1);
    let at = at.format(if is_far { "%m-%d %H:%M" } else { "%H:%M" });
    Some(format!("next {at} in {left}"))
}

/// The parts that fit, the target first.
fn place(facts: &Facts, cells: usize, theme: Theme) -> String {
    let config = &facts.config;
    let parts = [
        format!("{}.{}", config.project, config.dataset),
        config.location.clone(),
        format!("MySQL {}", facts.mysql),
        format!("state {}", config.state),
    ];
    let dot = format!(" {} ", theme.dot());
    let mut line = parts[0].clone();
    for part in &parts[1..] {
        let longer = format!("{line}{dot}{part}");
        if width(&longer) > cells {
            break;
        }
        line = longer;
    }
    line
}
