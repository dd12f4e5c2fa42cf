//! Rows of several mappings compared: a line for each, and Enter on one shows what was found.

use ratatui::text::{Line, Span};

use super::comparison::Comparison;
use crate::domain::ids::MappingName;
use crate::domain::verify::{Looking, Outcome, Verification};
use crate::engine::{Failure, Of, Verified};
use crate::format::{self, numbered};
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::naming::asked_about;
use crate::tui::text::{fit, left, width};
use crate::tui::theme::Theme;

#[derive(Debug)]
pub struct Several {
    pub ones: Vec<One>,
    pub place: usize,
}

#[derive(Debug)]
pub struct One {
    pub name: MappingName,
    pub comparison: Comparison,
}

impl Several {
    /// The list while the engine is asked how much each comparison would read.
    pub fn pricing(names: Vec<MappingName>) -> Self {
        let ones = names.into_iter().map(|name| One { name, comparison: Comparison::Pricing }).collect();
        Self { ones, place: 0 }
    }

    #[must_use]
    pub fn marked(&self) -> Option<&One> {
        self.ones.get(self.place)
    }

    pub fn names(&self) -> Vec<MappingName> {
        self.ones.iter().map(|one| one.name.clone()).collect()
    }

    fn one(&mut self, name: &MappingName) -> Option<&mut One> {
        self.ones.iter_mut().find(|one| one.name == *name)
    }

    /// Takes an answer about a mapping that waits for one.
    pub fn answered(&mut self, said: &Verified) {
        match said {
            Verified::Looking { mapping, looking } => {
                if let Some(One { comparison: Comparison::Asked(known), .. }) = self.one(mapping) {
                    *known = Some(*looking);
                }
            }
            Verified::Ended(of) => {
                let Of { mapping, answer } = &**of;
                if let Some(one) = self.one(mapping).filter(|one| one.comparison.waits()) {
                    one.comparison = Comparison::of(answer.clone());
                }
            }
        }
    }

    /// The named mappings are being compared.
    pub fn asked(&mut self, names: &[MappingName]) {
        let asked = self.ones.iter_mut().filter(|one| names.contains(&one.name));
        asked.for_each(|one| one.comparison = Comparison::Asked(None));
    }

    /// The engine that was asked is gone.
    pub fn lost(&mut self) {
        let waiting = self.ones.iter_mut().filter(|one| one.comparison.waits());
        waiting.for_each(|one| one.comparison = Comparison::None);
    }

    /// The question about all mappings whose price is known; `None` if there are none.
    #[must_use]
    pub fn question(&self, size: (u16, u16)) -> Option<Dialog> {
        let priced = self.ones.iter().filter_map(|one| match &one.comparison {
            Comparison::Priced(told) => Some((one.name.clone(), told.bytes)),
            _ => None,
        });
        let (names, bytes): (Vec<_>, Vec<_>) = priced.unzip();
        if names.is_empty() {
            return None;
        }
        let lines = vec![
            asked_about(&names, size),
            format!(
                "This reads up to {} in BigQuery, and each whole table in MySQL once. If rows differ, it reads BigQuery's tables once or twice more.",
                format::bytes(bytes.iter().sum())
            ),
        ];
        let title = format!("Compare the rows of {}?", numbered(names.len() as u64, "mapping", "mappings"));
        let label = format!("compare these {}", names.len());
        let choices = vec![choice('n', "compare nothing", Intent::Nothing), choice('y', label, Intent::Compare(names))];
        Some(Dialog::new(title, lines, choices))
    }

    pub fn lines(&self, cells: usize, theme: Theme) -> Vec<Line<'static>> {
        let widest = self.ones.iter().map(|one| width(&one.name.0)).max().unwrap_or(0).min(cells / 2);
        let line = |(place, one): (usize, &One)| {
            let (word, style, detail) = told(&one.comparison, theme);
            let detail = fit(&format!("  {detail}"), cells.saturating_sub(widest + 2 + width(word)), theme);
            let line = Line::from(vec![
                Span::raw(left(&one.name.0, widest, theme) + "  "),
                Span::styled(word, style),
                Span::raw(detail),
            ]);
            if place == self.place { line.patch_style(Theme::marked()) } else { line }
        };
        self.ones.iter().enumerate().map(line).collect()
    }
}

fn told(comparison: &Comparison, theme: Theme) -> (&'static str, ratatui::style::Style, String) {
    match comparison {
        Comparison::None => ("-", theme.quiet(), "v compares it again".to_owned()),
        Comparison::Pricing => ("...", theme.quiet(), "asking how much BigQuery would read".to_owned()),
        Comparison::Priced(told) => {
            ("READY", theme.quiet(), format!("up to {} in BigQuery; Enter asks", format::bytes(told.bytes)))
        }
        Comparison::Asked(looking) => ("COMPARING", theme.moving(), looking.unwrap_or(Looking::BigQuery).words()),
        Comparison::Failed(Failure { error, .. }) => ("FAILED", theme.bad(), error.clone()),
        Comparison::Compared(found) => (found.outcome.word(), style(found.outcome, theme), summed(found)),
    }
}

fn style(outcome: Outcome, theme: Theme) -> ratatui::style::Style {
    match outcome {
        Outcome::Equal => theme.good(),
        Outcome::Different => theme.bad(),
        Outcome::Inconclusive | Outcome::NothingSynced | Outcome::Estimated => theme.wants(),
    }
}

fn summed(found: &Verification) -> String {
    match found.found() {
        0 => numbered(found.rows_in_mysql, "row", "rows"),
        differ => format!("{}; Enter shows them", numbered(differ, "key differs", "keys differ")),
    }
}
