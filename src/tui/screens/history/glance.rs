//! One mapping's last runs, in a few lines above the list.

use ratatui::text::{Line, Span};

use crate::tui::model::Glance;
use crate::tui::text::{fit, left, right};
use crate::tui::theme::Theme;

const LABEL: usize = 7;
const LAST: usize = 10;

pub(super) fn lines(name: &str, glance: &Glance, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let count = glance.outcomes.len();
    let runs = if count == 1 { "its last run".to_owned() } else { format!("its last {count} runs") };
    let mut lines = vec![Line::from(vec![
        Span::styled(fit(name, cells / 2, theme), Theme::strong()),
        Span::styled(format!("  {runs}, the newest at the right"), theme.quiet()),
    ])];
    for figure in &glance.figures {
        let mut spans = vec![
            Span::raw(left(figure.label, LABEL, theme)),
            Span::styled(theme.bars(&figure.values), theme.moving()),
            Span::raw(format!(" {}", right(&figure.last, LAST, theme))),
        ];
        let usual = figure.usual.as_ref().map(|usual| format!("  usual {usual}")).unwrap_or_default();
        spans.push(Span::styled(usual, theme.quiet()));
        spans.extend(figure.far.as_ref().map(|far| Span::styled(format!("  {far}"), theme.wants())));
        lines.push(Line::from(spans));
    }
    let mut ends = vec![Span::raw(left("ended", LABEL, theme))];
    ends.extend(glance.outcomes.iter().map(|outcome| Span::styled(theme.ending(*outcome), theme.outcome(*outcome))));
    let last = glance.outcomes.last().map_or("", |outcome| outcome.word());
    ends.push(Span::raw(format!(" {}", right(last, LAST, theme))));
    lines.push(Line::from(ends));
    lines
}
