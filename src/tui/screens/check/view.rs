//! The check: a line for each finding, failures first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Check;
use crate::domain::finding::{Finding, Standing, Tally};
use crate::tui::panes::pane;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::wrap;
use crate::tui::theme::Theme;

/// The width of `fail  bigquery_dataset  `.
const INDENT: usize = 24;

impl Draws for Check {
    fn draw(&self, frame: &mut Frame<'_>, _shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let about = self.about.as_ref().map_or_else(|| "all mappings".to_owned(), ToString::to_string);
        let tally = self.findings.as_ref().map(|findings| format!(": {}", Tally::of(findings))).unwrap_or_default();
        let block = pane(&format!("Check of {about}{tally}"), true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = match &self.findings {
            None => vec![Line::raw("checking MySQL, BigQuery, the state and every mapping")],
            Some(findings) => lines(findings, area.width, theme),
        };
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }
}

/// The lines within a pane of this width.
fn lines(findings: &[Finding], width: u16, theme: Theme) -> Vec<Line<'static>> {
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
    let mut said = wrap(&format!("{}{}", finding.about(), finding.sentence), cells).into_iter();
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
