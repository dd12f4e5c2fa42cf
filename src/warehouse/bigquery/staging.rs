//! Staging tables: made while the first rows are encoded, dropped when the rows are published or given up.

use std::time::{Duration, SystemTime};

use gcp_bigquery_client::model::encryption_configuration::EncryptionConfiguration;
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_schema::TableSchema;
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use super::client::Api;
use super::error::ApiError;
use super::labels::labels;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::domain::type_map::StagedType;
use crate::warehouse::StageOrder;

/// How long a staging table lives: longer than any run that may need it, and nobody has to clean up after a run that
/// died.
const STAGING_LIFE: Duration = Duration::from_hours(7 * 24);

impl Api {
    /// Creates the staging table, which expires by itself; a table that exists already under this name is ours.
    pub async fn create_staging(&self, order: &StageOrder) -> Result<(), Fault> {
        let (outcome, told) = oneshot::channel();
        let (api, ordered) = (self.clone(), order.clone());
        let task = tokio::spawn(async move {
            // Nobody waits for the outcome of an abandoned upload.
            outcome.send(api.make_staging(&ordered).await).ok();
        });
        self.making().begin(order.staging.clone(), task);
        let lost = || Fault::new(FaultKind::Bug, "The task that makes a staging table ended in the middle");
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    async fn make_staging(&self, order: &StageOrder) -> Result<(), Fault> {
        let id = &order.staging;
        let table = Table::new(&id.project, &id.dataset, &id.table, TableSchema::new(staging_fields(&order.plan)))
            .expiration_time(SystemTime::now() + STAGING_LIFE);
        let encryption_configuration = encrypted(&order.plan);
        let labels = Some(labels(self.billing()));
        let table = CaseSensitive::from(Table { labels, encryption_configuration, ..table });
        let url = self.url(false, &id.project, &["datasets", &id.dataset, "tables"]);
        let creating = format!("creating the staging table {id}");
        match self.json::<IgnoredAny>(creating, |http| http.post(&url).json(&table)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_duplicate() => Ok(()),
            Err(error) => Err(error.into_fault(format!("Creating the staging table {id} failed"))),
        }
    }

    /// Drops a staging table; succeeds if it is gone.
    pub async fn drop_staging(&self, table: &TableId) -> Result<(), ApiError> {
        self.making().ended(table).await;
        let url = self.url(false, &table.project, &["datasets", &table.dataset, "tables", &table.table]);
        match self.answer(format!("dropping {table}"), |http| http.delete(&url)).await {
            Err(error) if !error.is_not_found() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The encryption of a staging table: the key of the target table.
pub fn encrypted(plan: &TablePlan) -> Option<EncryptionConfiguration> {
    plan.kms_key.clone().map(|key| EncryptionConfiguration { kms_key_name: Some(key) })
}

/// A table that compares text byte by byte, whatever its dataset's default; otherwise a publish would treat `a` and `A`
/// as one. (The client library's model lacks the field.)
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CaseSensitive {
    #[serde(flatten)]
    table: Table,
    default_collation: &'static str,
}

impl From<Table> for CaseSensitive {
    fn from(table: Table) -> Self {
        Self { table, default_collation: "" }
    }
}

/// The fields of the staged file: all NULLABLE, in plan order, whatever the target makes of them.
pub fn staging_fields(plan: &TablePlan) -> Vec<TableFieldSchema> {
    plan.columns
        .iter()
        .map(|column| {
            let field = TableFieldSchema::new(&column.staged_name, field_type(column.staged));
            TableFieldSchema { mode: Some("NULLABLE".to_owned()), ..field }
        })
        .collect()
}

const fn field_type(staged: StagedType) -> FieldType {
    match staged {
        StagedType::Int64 => FieldType::Integer,
        StagedType::Float64 => FieldType::Float,
        StagedType::Bool => FieldType::Boolean,
        StagedType::Decimal { .. } => FieldType::Numeric,
        StagedType::Date => FieldType::Date,
        StagedType::Timestamp => FieldType::Timestamp,
        StagedType::DateTime => FieldType::Datetime,
        StagedType::Text => FieldType::String,
        StagedType::Bytes => FieldType::Bytes,
    }
}
