//! Asks MySQL about many mappings at once, in a few statements, before each mapping is looked at.
//!
//! What these statements cannot tell, for whatever reason, is asked again for each mapping, which then reports the
//! error.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::check::mapping::has_own_key;
use crate::domain::column::SourceSchema;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::fault::Fault;
use crate::domain::ids::MappingName;
use crate::domain::plan::{CursorPlan, TablePlan};
use crate::domain::schema::Decisions;
use crate::domain::window::Low;
use crate::engine::ports::{Described, Platform, Ports};
use crate::engine::work::prepared::{cursor_of, newest};
use crate::source::{BoundsAsk, Newest, Source};

/// The newest values of the mappings' incremental columns.
pub(in crate::engine::answers) type Columns = HashMap<MappingName, Newest>;

/// The same ports, whose source has described all the mappings' tables, and the newest values of their columns.
pub(in crate::engine::answers) async fn look<P: Platform>(
    ports: &Ports<P>,
    mappings: &[Mapping],
) -> (Ports<P>, Columns) {
    // For a single mapping this would save nothing.
    if mappings.len() < 2 {
        return (ports.clone(), Columns::new());
    }
    let tables: Vec<_> = mappings.iter().map(|mapping| mapping.source.clone()).collect();
    let ports = Ports { source: Arc::new(ports.source.having_described(&tables).await), ..ports.clone() };
    let columns = columns(&ports, mappings).await;
    (ports, columns)
}

/// The newest values of the mappings whose tables are described and whose incremental column has an index.
async fn columns<P: Platform>(ports: &Ports<P>, mappings: &[Mapping]) -> Columns {
    let (mut names, mut asks) = (Vec::new(), Vec::new());
    for mapping in mappings.iter().filter(|mapping| mapping.mode.has_windows()) {
        let Some(source) = ports.source.at_hand(&mapping.source) else { continue };
        // The mapping's own look reports what is wrong with it.
        let Ok(Column { ask, is_indexed: true }) = column(ports, mapping, source) else { continue };
        names.push(mapping.name.clone());
        asks.push(ask);
    }
    let found = if asks.is_empty() { Vec::new() } else { ports.source.newest(&asks).await };
    names.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?))).collect()
}

/// A mapping's incremental column, and the question about it.
pub(in crate::engine::answers) struct Column {
    pub ask: BoundsAsk,
    pub is_indexed: bool,
}

/// # Errors
/// The plan's errors.
pub(in crate::engine::answers) fn column<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    source: &SourceSchema,
) -> Result<Column, Fault> {
    let described = Described { source: source.clone(), target: None };
    let table = described.plan(ports, mapping, SchemaAdditions::Allow, &Decisions::new())?.table;
    let cursor = cursor_of(&table)?;
    Ok(Column { ask: ask(mapping, source, &table, cursor), is_indexed: cursor.indexed })
}

/// A question for all that can be told about the column's values.
pub(in crate::engine::answers) fn ask(
    mapping: &Mapping,
    source: &SourceSchema,
    table: &TablePlan,
    cursor: CursorPlan,
) -> BoundsAsk {
    let column = &table.columns[cursor.position].source;
    BoundsAsk {
        nullable: column.nullable,
        is_unique: has_own_key(source, &column.name),
        ..newest(&mapping.source, table, cursor, Low::Beginning)
    }
}
