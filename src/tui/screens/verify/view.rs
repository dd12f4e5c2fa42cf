//! The progress of a comparison, what it found, and the result of the repair.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::comparison::Comparison;
use super::{Repairing, Verify};
use crate::domain::report::{MappingReport, Outcome as Ended};
use crate::domain::verify::{Looking, Outcome, Verification};
use crate::engine::Failure;
use crate::format;
use crate::tui::panes::{first_shown, pane};
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{left, wrap};
use crate::tui::theme::Theme;

/// `only in BigQuery  `.
const LABEL: usize = 21;

impl Draws for Verify {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        if let Some(list) = self.listed() {
            let block = pane(&format!("Rows of {} mappings", list.ones.len()), true, theme);
            let inner = block.inner(area);
            frame.render_widget(block, area);
            let lines = list.lines(usize::from(inner.width), theme);
            let (count, height) = (lines.len(), usize::from(inner.height));
            let first = first_shown(list.place, count, height);
            frame.render_widget(Paragraph::new(lines[first..].to_vec()), inner);
            return Extent::default();
        }
        let about = self.about.as_ref().map_or_else(String::new, ToString::to_string);
        let block = pane(&format!("Rows of {about}, in MySQL and in BigQuery"), true, theme);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = self.lines(shared, usize::from(inner.width), theme);
        let extent = Extent { lines: lines.len(), height: usize::from(inner.height) };
        frame.render_widget(Paragraph::new(lines).scroll(self.scroll.offset(extent)), inner);
        extent
    }
}

impl Verify {
    fn lines(&self, shared: &Shared, cells: usize, theme: Theme) -> Vec<Line<'static>> {
        let mut lines = match &self.repairing {
            Repairing::None => Vec::new(),
            Repairing::Asked | Repairing::Running(_) => self.running(shared, cells, theme),
            Repairing::Ended(report) => ended(report, cells, theme),
        };
        let found = match &self.comparison {
            Comparison::None => enter(theme),
            Comparison::Pricing => plain("asking BigQuery how much a comparison would read; asking is free", cells),
            Comparison::Priced(told) => priced(told, cells, theme),
            Comparison::Asked(looking) => plain(&looking.map_or_else(begun, Looking::words), cells),
            Comparison::Failed(failure) => failed(failure, cells, theme),
            // After a repair, the differences found before it are out of date.
            Comparison::Compared(found) => match (&self.repairing, &self.still) {
                (Repairing::Ended(_), Some(still)) => compared(still, false, cells, theme),
                (Repairing::Asked | Repairing::Running(_), _) => Vec::new(),
                _ => compared(found, true, cells, theme),
            },
        };
        lines.extend(found);
        lines
    }

    fn running(&self, shared: &Shared, cells: usize, theme: Theme) -> Vec<Line<'static>> {
        let row = self.about.as_ref().and_then(|name| shared.book.get(name));
        let Some((row, live)) = row.and_then(|row| Some((row, row.live.as_ref()?))) else {
            return plain("the repair is starting", cells);
        };
        let standing = row.standing(shared.now.at);
        let head = Line::from(vec![
            Span::styled(standing.word.text(), theme.word(standing.word)),
            Span::raw(format!(" {}", standing.detail)),
        ]);
        let looking = live.looking.map(Looking::words).unwrap_or_default();
        let moved = format!(
            "{} read, {} published",
            format::numbered(live.rows_read, "row", "rows"),
            format::count(live.rows_published)
        );
        std::iter::once(head).chain(plain(&looking, cells)).chain(plain(&moved, cells)).collect()
    }
}

fn begun() -> String {
    Looking::BigQuery.words()
}

fn plain(text: &str, cells: usize) -> Vec<Line<'static>> {
    styled(text, Style::new(), cells)
}

fn styled(text: &str, style: Style, cells: usize) -> Vec<Line<'static>> {
    wrap(text, cells).into_iter().map(|line| Line::styled(line, style)).collect()
}

fn failed(Failure { error, hint }: &Failure, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = styled(error, theme.bad(), cells);
    lines.extend(styled(hint, Theme::strong(), cells));
    lines
}

fn enter(theme: Theme) -> Vec<Line<'static>> {
    vec![Line::from(vec![Span::styled("Enter", theme.key()), Span::raw(" compares both sides")])]
}

fn priced(told: &Verification, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = enter(theme);
    let reads = format!(
        "The comparison reads up to {} in BigQuery, and the whole table in MySQL once.",
        format::bytes(told.bytes)
    );
    lines.extend(plain(&reads, cells));
    lines.extend(styled("If rows differ, it reads BigQuery's table once or twice more.", theme.quiet(), cells));
    lines
}

/// How a repair ended.
fn ended(report: &MappingReport, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let done = report.repair.map_or_else(|| "nothing was compared".to_owned(), |repair| repair.words());
    let style = match report.outcome {
        Ended::Ok => theme.good(),
        Ended::Failed => theme.bad(),
        Ended::Cancelled | Ended::Waiting => theme.wants(),
    };
    let mut lines = styled(&format!("Repair {}: {done}", report.outcome.word()), style, cells);
    lines.extend(report.errors.iter().flat_map(|error| styled(error, theme.bad(), cells)));
    lines.extend(report.hint.iter().flat_map(|hint| styled(&format!("next: {hint}"), Theme::strong(), cells)));
    lines.extend(report.warnings.iter().flat_map(|warning| styled(warning, theme.wants(), cells)));
    lines.push(Line::raw(""));
    lines
}

/// `whole`: all rows were counted, not only the repaired ones.
fn compared(found: &Verification, whole: bool, cells: usize, theme: Theme) -> Vec<Line<'static>> {
    let style = match found.outcome {
        Outcome::Equal => theme.good(),
        Outcome::Different => theme.bad(),
        Outcome::Inconclusive | Outcome::NothingSynced | Outcome::Estimated => theme.wants(),
    };
    let window = found.window.as_ref().map(|window| format!(" {window}")).unwrap_or_default();
    let mut lines = vec![Line::from(vec![Span::styled(found.outcome.word(), style), Span::raw(window)])];
    let mut fact = |label: &str, value: String| {
        let texts = wrap(&value, cells.saturating_sub(LABEL));
        let heads = std::iter::once(label.to_owned()).chain(std::iter::repeat(String::new()));
        lines.extend(heads.zip(texts).map(|(head, text)| Line::raw(left(&head, LABEL, theme) + &text)));
    };
    if whole {
        fact(
            "rows",
            format!(
                "{} in MySQL, {} in BigQuery",
                format::count(found.rows_in_mysql),
                format::count(found.rows_in_bigquery)
            ),
        );
    }
    let counts = [
        ("only in MySQL", found.only_in_mysql),
        ("only in BigQuery", found.only_in_bigquery),
        ("differ", found.differing),
        ("doubled in BigQuery", found.doubled),
        ("changed since", found.changed_since),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).for_each(|(label, count)| fact(label, format::count(count)));
    fact("read in BigQuery", format!("up to {}", format::bytes(found.bytes)));
    if !found.not_compared.is_empty() {
        fact("not compared", found.not_compared.join(", "));
    }
    lines.extend(found.notes.iter().flat_map(|note| styled(note, theme.wants(), cells)));
    if !found.differences.is_empty() {
        lines.push(Line::raw(""));
    }
    for one in &found.differences {
        let text = left(one.kind.words(), LABEL, theme) + &found.key_words(one);
        lines.push(Line::raw(crate::tui::text::fit(&text, cells, theme)));
    }
    let more = found.found() - found.differences.len() as u64;
    if more > 0 && !found.differences.is_empty() {
        lines.extend(styled(&format!("and {} more", format::count(more)), theme.quiet(), cells));
    }
    lines
}
