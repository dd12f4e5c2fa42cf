//! Checks a proposed mapping with the rules of `check`.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::facts::TableFacts;
use crate::domain::check::mapping::{MappingFacts, findings};
use crate::domain::check::server::ServerFacts;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::finding::{Standing, Topic};
use crate::domain::ids::SourceName;
use crate::domain::plan::{PlanInput, plan};
use crate::domain::schema::Decisions;

/// The facts that proposals are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub server: &'a ServerFacts,
    pub timezone: Tz,
    /// The present time in UTC.
    pub now: NaiveDateTime,
    /// `MASK_KEY` is set, and long enough.
    pub has_mask_key: bool,
    /// The server's name, if there are several.
    pub source: Option<&'a SourceName>,
}

/// Plans as a run does and applies the rules of a check; returns the warnings.
///
/// # Errors
/// The first failure.
pub fn held(mapping: &Mapping, facts: &TableFacts, ground: Ground<'_>) -> Result<Vec<String>, String> {
    let decisions = Decisions::new();
    let input = PlanInput {
        mapping,
        timezone: ground.timezone,
        additions: SchemaAdditions::Allow,
        source: &facts.schema,
        target: None,
        decisions: &decisions,
    };
    let planned = plan(input);
    let (server, now) = (ground.server, ground.now);
    let cascades = &facts.cascades;
    let found = findings(&MappingFacts { input, planned: &planned, server, values: None, cascades, now });
    if let Some(fail) = found.iter().find(|finding| finding.standing == Standing::Fail) {
        return Err(fail.to_string());
    }
    // The entry's comments already say what a check says about the incremental column.
    let warned = found.iter().filter(|finding| finding.standing == Standing::Warn && finding.topic != Topic::Cursor);
    Ok(warned.map(ToString::to_string).collect())
}
