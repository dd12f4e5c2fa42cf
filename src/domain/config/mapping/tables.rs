//! The keys by which an entry for many tables selects them.

use crate::domain::config::content::TableAdditions;
use crate::domain::config::glob::Glob;
use crate::domain::config::key::{At, put};
use crate::domain::config::read::{Place, Reading, Value};

/// The values of `tables`, `except`, `allow_table_additions`.
#[derive(Debug, Clone)]
pub(in crate::domain::config) struct Tables {
    pub globs: Vec<Glob>,
    pub text: String,
    pub except: Vec<Glob>,
    /// The place of `except`, if it is written.
    place: Option<Place>,
    pub additions: TableAdditions,
}

impl Default for Tables {
    fn default() -> Self {
        let additions = TableAdditions::Review;
        Self { globs: Vec::new(), text: String::new(), except: Vec::new(), place: None, additions }
    }
}

impl Tables {
    pub fn take_globs(&mut self, at: &mut At<'_, '_>) {
        let Some(values) = at.one_or_more() else { return };
        self.text = values.iter().map(|value| value.written.as_str()).collect::<Vec<_>>().join(", ");
        put(&mut self.globs, Some(globs(at.r, &values)));
        if values.is_empty() {
            let place = at.place();
            at.r.problem(place.line, format!("{} names no table", place.name), "write one such as `shop.*`");
        }
    }

    pub fn take_except(&mut self, at: &mut At<'_, '_>) {
        if let Some(values) = at.one_or_more() {
            self.except = globs(at.r, &values);
            self.place = Some(at.place());
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses these keys for a mapping of one table.
    pub fn refuse(&self, r: &mut Reading<'_>) {
        if let Some(place) = self.place.as_ref().filter(|place| !place.is_shared()) {
            r.problem(place.line, format!("{} is for an entry with `tables`", place.name), "take it out");
        }
    }
}

fn globs(r: &mut Reading<'_>, values: &[Value]) -> Vec<Glob> {
    let mut globs = Vec::new();
    for value in values {
        match Glob::parse(&value.text) {
            Ok(glob) => globs.push(glob),
            Err(hint) => r.refuse(value, hint),
        }
    }
    globs
}
