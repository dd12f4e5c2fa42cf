//! Datasets and tables: reading them, and making or dropping them without SQL.

use std::collections::BTreeMap;

use gcp_bigquery_client::model::dataset::Dataset;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::client::Api;
use super::jobs::number;
use super::upkeep::Upkeep;
use crate::domain::column::{TargetColumn, TargetSchema};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::TableId;
use crate::domain::target_type::{DecimalShape, TargetType};

/// The part of `tables.get` that describes a table. (The client library's model lacks parameters and refuses RANGE.)
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    schema: Fields,
    num_rows: Option<String>,
    num_bytes: Option<String>,
    last_modified_time: Option<String>,
    streaming_buffer: Option<StreamingBuffer>,
    #[serde(flatten)]
    upkeep: Upkeep,
    #[serde(default)]
    table_constraints: Constraints,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    description: Option<String>,
    #[serde(default)]
    encryption_configuration: Encryption,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Encryption {
    kms_key_name: Option<String>,
}

impl Encryption {
    /// The encryption key of a new table. A table is encrypted with one version of a key; a new table gets the key's
    /// newest version.
    fn key(&self) -> Option<String> {
        let name = self.kms_key_name.as_deref()?;
        Some(name.split_once("/cryptoKeyVersions/").map_or(name, |(key, _)| key).to_owned())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Constraints {
    primary_key: PrimaryKey,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PrimaryKey {
    columns: Vec<String>,
}

/// Rows that were streamed in and are not counted yet.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StreamingBuffer {
    estimated_rows: Option<String>,
}

impl Answer {
    /// The number of rows; 0 means that there are none. A missing number is `None`, not 0: a kind of table without the
    /// number may hold rows.
    fn rows(&self) -> Option<u64> {
        let buffer = self.streaming_buffer.as_ref();
        let streamed = buffer.map_or(0, |buffer| number(buffer.estimated_rows.as_ref()).unwrap_or(1).max(1));
        Some(number(self.num_rows.as_ref())?.saturating_add(streamed))
    }
}

/// The fields of a table that are requested.
const TABLE_FIELDS: &str = "schema,numRows,numBytes,lastModifiedTime,streamingBuffer(estimatedRows),tableConstraints(primaryKey(columns)),\
     timePartitioning,rangePartitioning,requirePartitionFilter,expirationTime,labels,description,\
     encryptionConfiguration(kmsKeyName)";

#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    r#type: String,
    mode: Option<String>,
    precision: Option<String>,
    scale: Option<String>,
    max_length: Option<String>,
    #[serde(default)]
    collation: String,
    #[serde(default)]
    policy_tags: PolicyTags,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PolicyTags {
    names: Vec<String>,
}

impl Field {
    fn is_tagged(&self) -> bool {
        !self.policy_tags.names.is_empty()
    }
}

impl From<Field> for TargetColumn {
    fn from(field: Field) -> Self {
        let small = |text: Option<&String>| number(text).and_then(|n| u8::try_from(n).ok());
        let shape = small(field.precision.as_ref())
            .map(|precision| DecimalShape { precision, scale: small(field.scale.as_ref()).unwrap_or(0) });
        let mode = field.mode.as_deref().unwrap_or("NULLABLE");
        let target_type = match TargetType::from_name(&field.r#type) {
            _ if mode == "REPEATED" => TargetType::Other(format!("ARRAY<{}>", field.r#type)),
            TargetType::Numeric(_) => TargetType::Numeric(shape),
            TargetType::BigNumeric(_) => TargetType::BigNumeric(shape),
            TargetType::String(_) => TargetType::String(number(field.max_length.as_ref())),
            TargetType::Bytes(_) => TargetType::Bytes(number(field.max_length.as_ref())),
            other => other,
        };
        Self { ignores_case: !field.collation.is_empty(), ..Self::new(field.name, target_type, mode == "REQUIRED") }
    }
}

impl From<Answer> for TargetSchema {
    fn from(found: Answer) -> Self {
        let tagged = found.schema.fields.iter().filter(|field| field.is_tagged()).map(|field| field.name.clone());
        Self {
            rows: found.rows(),
            bytes: number(found.num_bytes.as_ref()),
            modified: number(found.last_modified_time.as_ref()),
            primary_key: found.table_constraints.primary_key.columns,
            partitioning: found.upkeep.partitioning(),
            expires_at: found.upkeep.expires_at(),
            tagged: tagged.collect(),
            kms_key: found.encryption_configuration.key(),
            labels: found.labels,
            description: found.description,
            columns: found.schema.fields.into_iter().map(TargetColumn::from).collect(),
        }
    }
}

/// The part of `datasets.get` that is needed.
#[derive(Debug, Deserialize)]
struct Place {
    location: Option<String>,
}

impl Api {
    /// Creates the dataset of `table` when it is missing; true when it did.
    pub async fn ensure_dataset(&self, table: &TableId) -> Result<bool, Fault> {
        if self.has_dataset(table).await? { Ok(false) } else { self.create_dataset(table).await }
    }

    /// Tells if the dataset of `table` exists, and fails if it is in another location.
    pub async fn has_dataset(&self, table: &TableId) -> Result<bool, Fault> {
        let (project, dataset) = (&table.project, &table.dataset);
        let url = self.url(false, project, &["datasets", dataset]);
        let looking = format!("looking for the dataset {project}.{dataset}");
        match self.json::<Place>(looking, |http| http.get(&url).query(&[("fields", "location")])).await {
            Ok(found) => self.check_location(table, found.location.as_deref()).map(|()| true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into_fault(format!("Looking for the dataset {project}.{dataset} failed"))),
        }
    }

    async fn create_dataset(&self, table: &TableId) -> Result<bool, Fault> {
        let wanted = Dataset::new(&table.project, &table.dataset).location(&self.location).label("tool", "bqsync");
        let url = self.url(false, &table.project, &["datasets"]);
        let creating = format!("creating the dataset {}.{}", table.project, table.dataset);
        match self.json::<IgnoredAny>(creating, |http| http.post(&url).json(&wanted)).await {
            Ok(_) => Ok(true),
            // Another process created it first, or our own first attempt did.
            Err(error) if error.is_duplicate() => Ok(false),
            Err(error) => {
                Err(error.into_fault(format!("Creating the dataset {}.{} failed", table.project, table.dataset)))
            }
        }
    }

    fn check_location(&self, table: &TableId, found: Option<&str>) -> Result<(), Fault> {
        // The emulator always says US.
        let same = found.is_none_or(|found| found.eq_ignore_ascii_case(&self.location));
        if same || self.is_emulator {
            return Ok(());
        }
        let found = found.unwrap_or_default();
        Err(Fault::new(
            FaultKind::Conflict,
            format!(
                "The dataset {}.{} stands in {found}, but `location` is {}",
                table.project, table.dataset, self.location
            ),
        )
        .with_hint(format!("set `location: {found}` in config.yaml, or choose another dataset")))
    }

    /// A table's columns and rows; `None` when it does not exist.
    pub async fn describe(&self, table: &TableId) -> Result<Option<TargetSchema>, Fault> {
        let url = self.url(false, &table.project, &["datasets", &table.dataset, "tables", &table.table]);
        let reading = format!("reading the columns of {table}");
        let fields = [("fields", TABLE_FIELDS)];
        match self.json::<Answer>(reading, |http| http.get(&url).query(&fields)).await {
            Ok(found) => Ok(Some(found.into())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_fault(format!("Reading the columns of {table} failed"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streamed_rows_are_counted() {
        let rows = |text: &str| serde_json::from_str::<Answer>(text).unwrap().rows();
        assert_eq!(rows(r#"{"numRows": "12"}"#), Some(12));
        assert_eq!(rows(r#"{"numRows": "0"}"#), Some(0));
        assert_eq!(rows(r#"{"numRows": "0", "streamingBuffer": {"estimatedRows": "3"}}"#), Some(3));
        assert_eq!(rows(r#"{"numRows": "0", "streamingBuffer": {"estimatedRows": "0"}}"#), Some(1));
    }

    #[test]
    fn a_table_without_a_row_count_is_not_taken_for_empty() {
        for text in ["{}", r#"{"streamingBuffer": {}}"#, r#"{"numRows": "many"}"#] {
            let schema = TargetSchema::from(serde_json::from_str::<Answer>(text).unwrap());
            assert!(schema.rows.is_none() && !schema.is_empty(), "{text}");
        }
    }

    #[test]
    fn collations_and_declared_keys_are_read() {
        let description = r#"{"numRows": "0", "lastModifiedTime": "1795809464930", "schema": {"fields": [
            {"name": "a", "type": "STRING", "collation": "und:ci"}, {"name": "b", "type": "STRING", "collation": ""}]},
            "tableConstraints": {"primaryKey": {"columns": ["a"]}}}"#;
        let schema = TargetSchema::from(serde_json::from_str::<Answer>(description).unwrap());
        assert_eq!((schema.modified, schema.primary_key), (Some(1_795_809_464_930), vec!["a".to_owned()]));
        assert_eq!(schema.columns.iter().map(|c| c.ignores_case).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn parameters_and_modes_are_kept() {
        let description = r#"{"numRows": "12", "schema": {"fields": [
            {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
            {"name": "amount", "type": "NUMERIC", "precision": "10", "scale": "2"},
            {"name": "code", "type": "STRING", "maxLength": "20"},
            {"name": "tags", "type": "STRING", "mode": "REPEATED"},
            {"name": "place", "type": "RECORD", "fields": [{"name": "x", "type": "FLOAT"}]},
            {"name": "span", "type": "RANGE", "rangeElementType": {"type": "DATE"}}]}}"#;
        let description: Answer = serde_json::from_str(description).unwrap();
        let columns: Vec<_> = description.schema.fields.into_iter().map(TargetColumn::from).collect();
        let types: Vec<_> = columns.iter().map(|c| c.target_type.to_string()).collect();
        assert_eq!(types, ["INT64", "NUMERIC(10,2)", "STRING(20)", "ARRAY<STRING>", "RECORD", "RANGE"]);
        assert!(columns[0].required && !columns[1].required);
    }
}
