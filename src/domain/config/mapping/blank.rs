//! A mapping before anything is read, and names as MySQL's clients quote them.

use std::collections::BTreeMap;

use crate::domain::config::content::{Deletes, InvalidValues, Mapping, Mode, Operator};
use crate::domain::ids::{MappingName, SourceTable, TableId};
use crate::domain::table_options::TableOptions;

pub fn blank_mapping() -> Mapping {
    Mapping {
        name: MappingName(String::new()),
        line: 0,
        pattern: None,
        is_new_table: false,
        source: SourceTable::whole(None, String::new()),
        target: TableId { project: String::new(), dataset: String::new(), table: String::new() },
        shard: None,
        location: String::new(),
        primary_keys: Vec::new(),
        incremental_column: None,
        mode: Mode::Append,
        operator: Operator::Greater,
        backfill_start: None,
        lookback: None,
        columns: BTreeMap::new(),
        exclude: Vec::new(),
        mask: BTreeMap::new(),
        new_columns: Vec::new(),
        rename: BTreeMap::new(),
        loaded_at: None,
        partition_by: None,
        options: TableOptions::default(),
        cluster_by: Vec::new(),
        maximum_bytes_billed: None,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        schedule: None,
        deletes: Deletes::Ignore,
        most_deleted: 0.0,
        most_shrunk: 0.0,
    }
}

pub fn unquoted(name: &str) -> String {
    name.trim_matches('`').to_owned()
}
