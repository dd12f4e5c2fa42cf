//! The configuration as the rest of the program sees it: read, interpolated and checked.

mod access;
mod content;
mod contexts;
mod cost;
mod deletes;
mod document;
mod documentation;
mod for_all;
mod glob;
mod interpolate;
mod key;
mod mapping;
mod mask;
mod misspelt;
mod notify;
mod own_commands;
mod path;
mod problem;
mod read;
mod schedule;
mod servers;
mod settings;
mod sources;
mod table_options;
mod tables;
mod targets;
mod top;
mod validate;
mod whole;
mod yaml;

pub use access::{
    BigQuerySettings, ClientCertificate, MysqlSettings, NamedSource, PasswordSource, SslMode, StorageSettings,
};
pub use content::{
    DELETED_COLUMN, Deletes, InvalidValues, Mapping, Mode, Notify, NotifyOn, Operator, OwnCommand, Pace,
    SchemaAdditions, StateLocation, TableAdditions,
};
pub use contexts::{Colour, Context, contexts};
pub use document::{has_no_mappings, parse};
pub use documentation::{context_table, mapping_table, top_level_table};
pub use for_all::{ForAll, MaskOfAll};
pub use glob::{Glob, IsListed};
pub use interpolate::Env;
pub use misspelt::{Misspelt, misspelling_of, misspelt};
pub use path::path;
pub use problem::Problem;
pub use servers::{mysql_servers, source_settings, wanted_source};
pub use settings::{bigquery_settings, file_setting, mysql_settings, storage_settings};
pub use tables::{NotMoved, TablePattern, Taking, name_of};
pub use targets::refused_together;
pub use validate::{cursor_value, ends_before_it_begins};
pub use whole::Config;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
