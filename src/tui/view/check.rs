//! The check: a line each, what is wrong first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::finding::{Finding, Standing, Tally};
use crate::tui::app::App;
use crate::tui::panes::pane;
use crate::tui::text::wrap;
use crate::tui::theme::Theme;

/// `fail  bigquery_dataset  `.
const INDENT: usize = 24;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, area: Rect) {
    let about = app.check.about.as_ref().map_or_else(|| "all mappings".to_owned(), ToString::to_string);
    let tally = app.check.findings.as_ref().map(|findings| format!(": {}", Tally::of(findings))).unwrap_or_default();
    let block = pane(&format!("Check of {about}{tally}"), true, theme);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = match &app.check.findings {
        None => vec![Line::raw("looking at MySQL, BigQuery, the state and every mapping")],
        Some(findings) => lines(findings, area.width, theme),
    };
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let scroll = u16::try_from(app.check.scroll.min(most)).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), inner);
}

/// Within a pane of that width.
pub fn lines(findings: &[Finding], width: u16, theme: Theme) -> Vec<Line<'static>> {
    let cells = usize::from(width).saturating_sub(2 + INDENT);
    findings.iter().flat_map(|finding| of(finding, cells, theme)).collect()
}

fn of(finding: &Finding, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let style = match finding.standing {
        Standing::Ok => theme.good(),
        Standing::Warn => theme.wants(),
        Standing::Fail => theme.bad(),
        Standing::Skip => theme.quiet(),
    };
    let mapping = finding.mapping.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let mut said = wrap(&format!("{mapping}{}", finding.sentence), cells).into_iter();
    let first = Line::from(vec![
        Span::styled(format!("{:<6}", finding.standing.word()), style),
        Span::raw(format!("{:<18}", finding.topic.word())),
        Span::raw(said.next().unwrap_or_default()),
    ]);
    let below = |text: String, style: Style| Line::from(Span::styled(format!("{:INDENT$}{text}", ""), style));
    let next = finding.remedy.iter().flat_map(|remedy| wrap(&format!("next: {remedy}"), cells));
    let rest = said.map(|text| below(text, Style::new())).chain(next.map(|text| below(text, Theme::strong())));
    std::iter::once(first).chain(rest).collect()
}
