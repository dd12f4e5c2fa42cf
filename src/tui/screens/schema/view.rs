//! Screen 3: MySQL's columns beside BigQuery's.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{Compared, Mark, Schema, can_decide};
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::Failure;
use crate::tui::model::Row;
use crate::tui::panes::first_shown;
use crate::tui::screens::shown::Draws;
use crate::tui::scroll::Extent;
use crate::tui::shared::Shared;
use crate::tui::text::{left, width, wrap};
use crate::tui::theme::Theme;

impl Draws for Schema {
    fn draw(&self, frame: &mut Frame<'_>, shared: &Shared, theme: Theme, area: Rect) -> Extent {
        let explained = explain(self, shared, theme, usize::from(area.width));
        let needed = u16::try_from(explained.len()).unwrap_or(u16::MAX).clamp(4, (area.height / 2).max(4));
        let [head, list, below] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(needed)]).areas(area);
        let name = self.mapping.as_ref().map_or("", |name| name.0.as_str());
        let row = self.mapping.as_ref().and_then(|name| shared.book.get(name));
        match &self.compared {
            Compared::Asked => {
                frame.render_widget(Line::raw(format!("{name}: asking MySQL and BigQuery for their columns")), head);
            }
            Compared::Failed(Failure { error, hint }) => {
                frame.render_widget(
                    Line::styled(format!("{name}: the schemas could not be compared"), theme.bad()),
                    head,
                );
                let cells = usize::from(area.width);
                let mut lines: Vec<Line<'_>> = wrap(error, cells).into_iter().map(Line::raw).collect();
                lines.extend(wrap(hint, cells).into_iter().map(|line| Line::styled(line, Theme::strong())));
                frame.render_widget(Paragraph::new(lines), list);
            }
            Compared::Read { creates_table, columns, .. } => {
                frame.render_widget(headline(name, row, *creates_table, columns, self, theme), head);
                draw_list(frame, columns, self, theme, list);
                frame.render_widget(Paragraph::new(explained), below);
            }
        }
        Extent::default()
    }
}

fn headline(
    name: &str,
    row: Option<&Row>,
    creates: bool,
    columns: &[ColumnDiffView],
    screen: &Schema,
    theme: Theme,
) -> Line<'static> {
    let target = row.map_or("", |row| row.full_target.as_str());
    let open = columns.iter().filter(|column| can_decide(column)).count();
    let verdict = if screen.deciding() {
        "applying".to_owned()
    } else if screen.is_new_table() {
        "a new table that waits for a decision: Enter".to_owned()
    } else if creates {
        "BigQuery has no such table yet; the first run creates it".to_owned()
    } else if open == 0 {
        "nothing to decide".to_owned()
    } else {
        format!("{open} {}", if open == 1 { "differs" } else { "differ" })
    };
    let wants = open > 0 || screen.is_new_table();
    let mut spans = vec![
        Span::styled(format!("{name}  "), Theme::strong()),
        Span::raw(format!("{target}  ")),
        Span::styled(format!("{verdict}  "), if wants { theme.wants() } else { theme.good() }),
    ];
    // The verdict must be readable even if the names are long.
    if screen.is_new_table() {
        spans.swap(1, 2);
    }
    Line::from(spans)
}

fn draw_list(frame: &mut Frame<'_>, columns: &[ColumnDiffView], screen: &Schema, theme: Theme, area: Rect) {
    let cells = usize::from(area.width);
    let widths = widths(columns, &screen.marks, cells);
    let height = usize::from(area.height).saturating_sub(1);
    let first = first_shown(screen.selected, columns.len(), height);
    let titles = ["COLUMN", "MYSQL", "BIGQUERY", "VERDICT", "BECOMES"];
    let titles: Vec<String> = titles.iter().zip(widths).map(|(title, cells)| left(title, cells, theme)).collect();
    let mut lines = vec![Line::styled(format!("    {}", titles.join(" ")), Theme::strong())];
    for (place, column) in columns.iter().enumerate().skip(first).take(height) {
        let line = list_line(column, widths, screen, theme);
        lines.push(if place == screen.selected { line.patch_style(Theme::marked()) } else { line });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The verdict is shown in full; the other columns share the rest.
fn widths(columns: &[ColumnDiffView], marks: &BTreeMap<String, Mark>, cells: usize) -> [usize; 5] {
    let widest =
        |text: &dyn Fn(&ColumnDiffView) -> usize, least: usize| columns.iter().map(text).max().unwrap_or(0).max(least);
    let or_dash = |text: &Option<String>| text.as_deref().map_or(1, width);
    let mut widths = [
        widest(&|c| width(&c.column), 6),
        widest(&|c| or_dash(&c.mysql), 5),
        widest(&|c| or_dash(&c.bigquery), 8),
        widest(&|c| width(verdict(c, marks)), 7),
        widest(&|c| or_dash(&c.becomes()), 7),
    ];
    let room = cells.saturating_sub(4 + 4);
    while widths.iter().sum::<usize>() > room {
        let widest = [0, 1, 2, 4].into_iter().max_by_key(|place| widths[*place]).unwrap_or(0);
        if widths[widest] <= 6 {
            break;
        }
        widths[widest] -= 1;
    }
    widths
}

/// The word of the VERDICT column: a decision stands before the difference that it is about.
fn verdict(column: &ColumnDiffView, marks: &BTreeMap<String, Mark>) -> &'static str {
    if is_declined(column, marks) { "declined" } else { column.verdict.word() }
}

/// Tells if the column is declined and has no new mark.
fn is_declined(column: &ColumnDiffView, marks: &BTreeMap<String, Mark>) -> bool {
    column.accepted == Some(false) && !marks.contains_key(&column.column)
}

fn verdict_style(column: &ColumnDiffView, marks: &BTreeMap<String, Mark>, theme: Theme) -> Style {
    if is_declined(column, marks) {
        return theme.quiet();
    }
    match column.verdict {
        VerdictKind::Conflict => theme.bad(),
        VerdictKind::New | VerdictKind::Widen | VerdictKind::Relax => theme.wants(),
        VerdictKind::Same | VerdictKind::MissingInSource => theme.quiet(),
    }
}

fn list_line(column: &ColumnDiffView, widths: [usize; 5], screen: &Schema, theme: Theme) -> Line<'static> {
    let marks = &screen.marks;
    let mark = marks.get(&column.column);
    let (sign, style) = match (mark, column.accepted, can_decide(column)) {
        (Some(Mark::Accept), ..) => ("[+]", theme.good()),
        (Some(Mark::Decline), ..) => ("[-]", theme.bad()),
        (None, Some(false), _) => (" - ", theme.quiet()),
        (None, Some(true), _) => (" + ", theme.quiet()),
        (None, None, true) => ("[ ]", theme.wants()),
        (None, None, false) => ("   ", theme.quiet()),
    };
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let cell = |text: &str, place: usize| left(text, widths[place], theme) + " ";
    let plain = if can_decide(column) { Style::new() } else { theme.quiet() };
    Line::from(vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(cell(&column.column, 0), plain),
        Span::styled(cell(&or_dash(&column.mysql), 1), plain),
        Span::styled(cell(&or_dash(&column.bigquery), 2), plain),
        Span::styled(cell(verdict(column, marks), 3), verdict_style(column, marks, theme)),
        Span::styled(left(&or_dash(&column.becomes()), widths[4], theme), plain),
    ])
}

/// What the marked column's verdict means, and who has decided.
fn explain(screen: &Schema, shared: &Shared, theme: Theme, cells: usize) -> Vec<Line<'static>> {
    let Some(column) = screen.columns().get(screen.selected) else { return Vec::new() };
    let row = screen.mapping.as_ref().and_then(|name| shared.book.get(name));
    let becomes = column.becomes().unwrap_or_else(|| "the type shown".to_owned());
    let meaning = match column.verdict {
        VerdictKind::Same if column.accepted == Some(false) => {
            "It is left out although BigQuery has it. If accepted, it is moved from the next run on.".to_owned()
        }
        VerdictKind::Same => "Both sides agree.".to_owned(),
        VerdictKind::New if matches!(screen.compared, Compared::Read { creates_table: true, .. }) => {
            if screen.declined().contains(&column.column) {
                "The table is created without it, and its values stay in MySQL.".to_owned()
            } else {
                format!("The table is created with it as {becomes}.")
            }
        }
        VerdictKind::New => {
            let plain = "existing rows hold NULL in it until they change or are backfilled.";
            format!(
                "BigQuery has no such column. If accepted, it is added as {becomes}; {}",
                column.note.as_deref().unwrap_or(plain)
            )
        }
        VerdictKind::Widen => {
            format!("If accepted, BigQuery's type becomes {becomes}; stored values stay as they are.")
        }
        VerdictKind::Relax => {
            "It is REQUIRED in BigQuery, but MySQL may hold NULL or lacks the column. If accepted, it becomes NULLABLE."
                .to_owned()
        }
        VerdictKind::MissingInSource => "Only BigQuery has it. It is left alone; new rows hold NULL in it.".to_owned(),
        VerdictKind::Conflict => {
            let plain = "decline it to leave it out, or set another type with `columns:` in config.yaml";
            format!("Neither type holds the other's values: {}.", column.remedy.as_deref().unwrap_or(plain))
        }
    };
    let rule = theme.border().horizontal_top.repeat(cells);
    let mut lines = vec![Line::styled(rule, theme.quiet())];
    lines.extend(wrap(&format!("{}: {meaning}", column.column), cells).into_iter().map(Line::raw));
    let decision = row.and_then(|row| row.status.as_ref()?.decisions.get(&column.column));
    if let Some(decision) = decision {
        let word = if decision.accepted { "accepted" } else { "declined" };
        let text =
            format!("{word} as {} by {} on {}", decision.mysql, decision.by, decision.at.format("%Y-%m-%d %H:%M"));
        lines.extend(wrap(&text, cells).into_iter().map(|line| Line::styled(line, theme.quiet())));
    }
    if let Compared::Read { options, .. } = &screen.compared {
        lines.extend(options.iter().flat_map(|option| wrap(option, cells)).map(Line::raw));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, accepted: Option<bool>) -> ColumnDiffView {
        ColumnDiffView {
            column: name.to_owned(),
            mysql: Some("varchar(120) character set utf8mb4".to_owned()),
            bigquery: None,
            verdict: VerdictKind::New,
            becomes: Some("STRING".to_owned()),
            note: None,
            remedy: None,
            accepted,
            mask: None,
        }
    }

    #[test]
    fn a_masked_column_says_so() {
        let masked = ColumnDiffView { mask: Some("hmac".to_owned()), ..column("email", None) };
        let shown = masked.becomes().unwrap();
        assert_eq!(shown, "STRING, masked: hmac");
        assert_eq!(widths(&[masked], &BTreeMap::new(), 120)[4], shown.len());
        let settled = ColumnDiffView { mask: Some("null".to_owned()), becomes: None, ..column("name", None) };
        assert_eq!(settled.becomes().unwrap(), "masked: null");
    }

    #[test]
    fn a_decision_is_said_in_full_however_narrow_the_screen() {
        let columns = [column("a_long_name_for_a_column", None), column("secret", Some(false))];
        let none = BTreeMap::new();
        assert_eq!(widths(&columns, &none, 60)[3], "declined".len());
        assert_eq!(verdict(&columns[1], &none), "declined");
        // A new mark takes it back.
        let marks = BTreeMap::from([("secret".to_owned(), Mark::Accept)]);
        assert_eq!(verdict(&columns[1], &marks), "new");
    }
}
