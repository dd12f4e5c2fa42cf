//! Jobs: sent under an id of ours, adopted when BigQuery knows the id already, waited for to their end.

use std::collections::HashMap;
use std::time::Duration;

use gcp_bigquery_client::model::job::Job;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_query::JobConfigurationQuery;
use gcp_bigquery_client::model::job_configuration_table_copy::JobConfigurationTableCopy;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::table_reference::TableReference;
use serde::Deserialize;

use super::client::Api;
use super::error::{ApiError, JobError, job_fault};
use super::labels::labels;
use super::staging::encrypted;
use crate::domain::cost::Cost;
use crate::domain::fault::Fault;
use crate::domain::ids::{JobId, JobPlace, TableId};
use crate::domain::plan::TablePlan;
use crate::failpoint::reached;
use crate::warehouse::PublishCounts;

/// The first wait between two polls. Small jobs end in well under a second; long ones lose little when polled every two
/// seconds.
const FIRST_POLL: Duration = Duration::from_millis(50);
const SLOWEST_POLL: Duration = Duration::from_secs(2);

/// All that is read of a job; a finished query's plan alone may have megabytes.
const JOB_FIELDS: &str = "status,configuration(labels),statistics(creationTime,endTime,query(dmlStats,totalBytesBilled,\
                          estimatedBytesProcessed),load(outputRows),copy(copiedRows))";

/// The label that tells one publish from another under the same id.
pub const MARK: &str = "publish";

/// A job as `jobs.get` describes it. (The client library's model lacks the counts of DML and of copies.)
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobState {
    status: Status,
    configuration: Option<Configuration>,
    statistics: Statistics,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    labels: HashMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    state: String,
    error_result: Option<JobError>,
    errors: Vec<JobError>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Statistics {
    creation_time: Option<String>,
    end_time: Option<String>,
    query: QueryStatistics,
    load: LoadStatistics,
    copy: CopyStatistics,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct QueryStatistics {
    dml_stats: DmlStatistics,
    total_bytes_billed: Option<String>,
    estimated_bytes_processed: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct DmlStatistics {
    #[serde(rename = "insertedRowCount")]
    inserted: Option<String>,
    #[serde(rename = "updatedRowCount")]
    updated: Option<String>,
    #[serde(rename = "deletedRowCount")]
    deleted: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LoadStatistics {
    output_rows: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CopyStatistics {
    copied_rows: Option<String>,
}

/// Reads a 64-bit number, which BigQuery's JSON carries as text.
pub fn number(text: Option<&String>) -> Option<u64> {
    text.and_then(|t| t.parse().ok())
}

impl JobState {
    pub fn is_done(&self) -> bool {
        self.status.state == "DONE"
    }

    /// The job itself if it ended well; one that ended with an error changed nothing.
    ///
    /// # Errors
    /// The job's whole error, classified.
    pub fn succeeded(self, what: impl std::fmt::Display) -> Result<Self, Fault> {
        match self.fault(what) {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }

    /// The job's error, if it ended with one.
    pub fn fault(&self, what: impl std::fmt::Display) -> Option<Fault> {
        self.status.error_result.as_ref().map(|result| job_fault(what, result, &self.status.errors))
    }

    /// Rows that a load job brought in.
    pub fn loaded_rows(&self) -> Option<u64> {
        number(self.statistics.load.output_rows.as_ref())
    }

    pub fn counts(&self) -> PublishCounts {
        let query = &self.statistics.query;
        let inserted = number(query.dml_stats.inserted.as_ref());
        let copied = number(self.statistics.copy.copied_rows.as_ref());
        PublishCounts {
            inserted: inserted.or(copied).unwrap_or(0),
            updated: number(query.dml_stats.updated.as_ref()).unwrap_or(0),
            deleted: number(query.dml_stats.deleted.as_ref()).unwrap_or(0),
            cost: self.cost(),
            began: number(self.statistics.creation_time.as_ref()),
            ended: self.ended(),
        }
    }

    /// When the job ended, in milliseconds since 1970.
    pub fn ended(&self) -> Option<u64> {
        number(self.statistics.end_time.as_ref())
    }

    /// Tells if a publish with another mark sent the job.
    pub fn is_anothers(&self, mark: &str) -> bool {
        self.configuration.as_ref().is_some_and(|sent| sent.labels.get(MARK).is_none_or(|has| has != mark))
    }

    /// What the statement cost. Copies and loads are free.
    pub fn cost(&self) -> Cost {
        let query = &self.statistics.query;
        let free = self.statistics.copy.copied_rows.as_ref().map(|_| 0);
        Cost {
            billed: number(query.total_bytes_billed.as_ref()).or(free),
            estimated: number(query.estimated_bytes_processed.as_ref()).or(free),
        }
    }
}

fn reference(table: &TableId) -> TableReference {
    TableReference::new(&table.project, &table.dataset, &table.table)
}

impl Api {
    /// A job that runs a statement.
    pub fn query(&self, sql: String) -> JobConfiguration {
        self.query_with(sql, None)
    }

    /// The same, with a parameter that the statement names.
    pub fn query_with(&self, sql: String, parameter: Option<QueryParameter>) -> JobConfiguration {
        let query = JobConfigurationQuery {
            query: sql,
            parameter_mode: parameter.is_some().then(|| "NAMED".to_owned()),
            query_parameters: parameter.map(|parameter| vec![parameter]),
            use_legacy_sql: Some(false),
            maximum_bytes_billed: self.billing().most_bytes.map(|bytes| bytes.to_string()),
            ..Default::default()
        };
        JobConfiguration { query: Some(query), labels: Some(labels(self.billing())), ..Default::default() }
    }

    /// Replaces the rows of `to`, which must exist, by those of a statement. The table's schema, keys, access rules for
    /// rows and columns, and descriptions stay. (`WRITE_TRUNCATE`, and a copy with it, would make the table anew.)
    /// Source: BigQuery reference, `JobConfigurationQuery.writeDisposition`.
    pub fn replace(&self, sql: String, to: &TableId, plan: &TablePlan) -> JobConfiguration {
        let mut configuration = self.query(sql);
        if let Some(query) = &mut configuration.query {
            query.destination_table = Some(reference(to));
            query.create_disposition = Some("CREATE_NEVER".to_owned());
            query.write_disposition = Some("WRITE_TRUNCATE_DATA".to_owned());
            query.destination_encryption_configuration = encrypted(plan);
        }
        configuration
    }

    /// Adds all rows of `from` to `to`, which must exist.
    pub fn copy(&self, from: &TableId, to: &TableId, plan: &TablePlan) -> JobConfiguration {
        let copy = JobConfigurationTableCopy {
            source_table: Some(reference(from)),
            destination_table: Some(reference(to)),
            create_disposition: Some("CREATE_NEVER".to_owned()),
            write_disposition: Some("WRITE_APPEND".to_owned()),
            destination_encryption_configuration: encrypted(plan),
            ..Default::default()
        };
        JobConfiguration { copy: Some(copy), labels: Some(labels(self.billing())), ..Default::default() }
    }

    /// Sends a job and waits for its end, good or bad. An id that BigQuery knows is adopted, not run again.
    pub async fn run(&self, id: &JobId, configuration: JobConfiguration, what: &str) -> Result<JobState, Fault> {
        Ok(self.run_or_find(id, configuration, what).await?.0)
    }

    /// The same; also tells if BigQuery knew the id already.
    pub async fn run_or_find(
        &self,
        id: &JobId,
        configuration: JobConfiguration,
        what: &str,
    ) -> Result<(JobState, bool), Fault> {
        let is_statement = configuration.query.is_some();
        self.remember(Some(&id.0), what, configuration.query.as_ref().map(|query| query.query.as_str()));
        // Boxed: the job's description is a large value, and this call stands at the end of the engine's longest chain.
        let sent =
            Box::pin(self.insert(&self.place(), id, configuration)).await.map_err(|error| error.into_fault(what))?;
        reached("job_sent");
        let was_there = sent.is_none();
        if let Some(done) = sent.filter(JobState::is_done) {
            return Ok((done, was_there));
        }
        if is_statement {
            self.statement_ended(id).await;
        }
        // The job exists, whatever an answer says of it now.
        let ended = self.wait(id).await.map_err(|error| error.of_a_job_sent().into_fault(what))?;
        Ok((ended, was_there))
    }

    /// Sends the job. A lost answer leaves open whether the job exists; sending it again under the same id finds out.
    /// Gives `None` if the job existed already.
    async fn insert(
        &self,
        place: &JobPlace,
        id: &JobId,
        configuration: JobConfiguration,
    ) -> Result<Option<JobState>, ApiError> {
        let job = Box::new(Job {
            configuration: Some(configuration),
            job_reference: Some(JobReference {
                job_id: Some(id.0.clone()),
                location: Some(place.location.clone()),
                project_id: Some(place.project.clone()),
            }),
            ..Default::default()
        });
        let url = self.url(false, &place.project, &["jobs"]);
        let fields = [("fields", JOB_FIELDS)];
        let sent = self.json(format!("sending job {id}"), |http| http.post(&url).query(&fields).json(&*job)).await;
        match sent {
            Ok(state) => Ok(Some(state)),
            // Sent before, by an attempt whose answer was lost or by a process that is gone.
            Err(error) if error.is_duplicate() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a job's id with a statement that does nothing; false if the id is taken already.
    pub async fn take(&self, place: &JobPlace, id: &JobId) -> Result<bool, Fault> {
        let taken = Box::pin(self.insert(place, id, self.query("SELECT 1".to_owned()))).await;
        taken
            .map(|job| job.is_some())
            .map_err(|error| error.into_fault(format!("Taking the id of the job {id} failed")))
    }

    /// Polls a job of this process until it is done.
    pub async fn wait(&self, id: &JobId) -> Result<JobState, ApiError> {
        self.wait_at(&self.place(), id).await
    }

    /// Reads the state of a job of this process once.
    pub async fn look(&self, id: &JobId) -> Result<JobState, ApiError> {
        self.look_at(&self.place(), id).await
    }

    fn place(&self) -> JobPlace {
        JobPlace { project: self.project.clone(), location: self.location.clone() }
    }

    /// Polls a job until it is done.
    pub async fn wait_at(&self, place: &JobPlace, id: &JobId) -> Result<JobState, ApiError> {
        let mut pause = FIRST_POLL;
        loop {
            let state = self.look_at(place, id).await?;
            if state.is_done() {
                return Ok(state);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_POLL);
        }
    }

    async fn look_at(&self, place: &JobPlace, id: &JobId) -> Result<JobState, ApiError> {
        let url = self.url(false, &place.project, &["jobs", &id.0]);
        let query = [("location", place.location.as_str()), ("fields", JOB_FIELDS)];
        self.json(format!("asking after job {id}"), |http| http.get(&url).query(&query)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::bigquery::fixture::orders;

    #[test]
    fn a_replace_keeps_the_table_and_takes_its_rows_place() {
        let api = Api::at("http://localhost:1", None, "p", "EU").unwrap();
        let table = TableId { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let sent = serde_json::to_value(api.replace("SELECT 1 AS `a`".to_owned(), &table, &orders())).unwrap();
        assert_eq!(
            sent["query"],
            serde_json::json!({
                "query": "SELECT 1 AS `a`",
                "useLegacySql": false,
                "destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "t"},
                "createDisposition": "CREATE_NEVER",
                "writeDisposition": "WRITE_TRUNCATE_DATA",
            })
        );
        assert_eq!((&sent["copy"], &sent["load"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }

    #[test]
    fn jobs_that_write_an_encrypted_table_name_its_key() {
        let api = Api::at("http://localhost:1", None, "p", "EU").unwrap();
        let table = TableId { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let key = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
        let plan = TablePlan { kms_key: Some(key.into()), ..orders() };
        let copy = serde_json::to_value(api.copy(&table, &table, &plan)).unwrap();
        let replace = serde_json::to_value(api.replace("SELECT 1".to_owned(), &table, &plan)).unwrap();
        let with = serde_json::json!({ "kmsKeyName": key });
        assert_eq!(copy["copy"]["destinationEncryptionConfiguration"], with);
        assert_eq!(replace["query"]["destinationEncryptionConfiguration"], with);
    }

    #[test]
    fn counts_are_read_from_whichever_statistics_the_job_has() {
        let merge = r#"{"status": {"state": "DONE"}, "statistics": {"creationTime": "1795809804000", "endTime": "1795809804200", "query": {"totalBytesBilled": "10485760",
            "estimatedBytesProcessed": "7340032",
            "dmlStats": {"insertedRowCount": "3", "updatedRowCount": "4", "deletedRowCount": "0"}}}}"#;
        let merge: JobState = serde_json::from_str(merge).unwrap();
        assert_eq!(
            merge.counts(),
            PublishCounts {
                inserted: 3,
                updated: 4,
                deleted: 0,
                cost: Cost { billed: Some(10_485_760), estimated: Some(7_340_032) },
                began: Some(1_795_809_804_000),
                ended: Some(1_795_809_804_200),
            }
        );
        let copy: JobState = serde_json::from_str(r#"{"statistics": {"copy": {"copiedRows": "9"}}}"#).unwrap();
        let free = Cost { billed: Some(0), estimated: Some(0) };
        assert_eq!((copy.counts().inserted, copy.counts().cost), (9, free));
        let unsaid: JobState = serde_json::from_str(r#"{"statistics": {"query": {}}}"#).unwrap();
        assert_eq!(unsaid.cost(), Cost::default());
    }

    #[test]
    fn a_job_with_another_or_no_mark_belongs_to_another_publish() {
        let job = |text: &str| serde_json::from_str::<JobState>(text).unwrap();
        let ours = job(r#"{"configuration": {"labels": {"tool": "bqsync", "publish": "0a"}}}"#);
        assert!(!ours.is_anothers("0a") && ours.is_anothers("0b"));
        assert!(job(r#"{"configuration": {}}"#).is_anothers("0a"));
        assert!(!job("{}").is_anothers("0a"), "an answer that does not say");
    }

    #[test]
    fn a_finished_job_may_have_failed() {
        let failed = r#"{"status": {"state": "DONE", "errorResult": {"reason": "invalid", "message": "no"},
            "errors": [{"reason": "invalid", "message": "no"}, {"reason": "invalid", "message": "row 3"}]}}"#;
        let failed: JobState = serde_json::from_str(failed).unwrap();
        assert!(failed.is_done());
        assert_eq!(failed.fault("Loading failed").unwrap().to_string(), "Loading failed: no; row 3 (invalid)");
    }
}
