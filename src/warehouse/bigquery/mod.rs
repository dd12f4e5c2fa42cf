//! BigQuery as the warehouse: load jobs into staging tables, one atomic job to publish.

mod chunks;
mod client;
mod ddl;
mod delete_sql;
mod digest;
mod emulator;
mod error;
mod estimates;
#[cfg(test)]
mod fixture;
mod inline;
mod invalid;
mod jobs;
mod labels;
mod leftovers;
mod literal;
mod load;
mod making;
mod one_by_one;
mod own_rows;
mod parquet;
mod publish_sql;
mod query;
mod ranges;
mod refusals;
mod seen;
mod staged_object;
mod staging;
mod staging_upload;
mod tables;
mod target_range;
mod upkeep;
mod upload;
mod values;
mod verify;

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use self::client::Api;
use self::one_by_one::OneByOne;
pub use self::parquet::{Encoded, ParquetEncoder};
use self::publish_sql::Rows;
use self::staged_object::StagedObjects;
pub use self::upload::BigQueryUpload;
use crate::bucket::Bucket;
use crate::domain::check::access::Identity;
use crate::domain::column::TargetSchema;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{JobId, JobPlace, TableId};
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::domain::retry::RetryNotes;
use crate::domain::schema::SchemaDiff;
use crate::domain::table_shard::TableShard;
use crate::domain::verify::{Comparable, Comparison, Cut, Key, Keyed, PartSum, Parts, RowDigest, SeenRow};
use crate::google::{Login, Variables};
use crate::retry::{Waits, repeated};
use crate::statements::Statements;
use crate::warehouse::{
    Billing, DeleteOrder, Deletes, Diagnose, JobFate, PublishCounts, PublishOrder, Sent, StageOrder, Taken, Vanished,
    VanishedCounts, Warehouse,
};

/// One project's BigQuery, in one location. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct BigQuery {
    settings: Arc<Settings>,
    /// Made at the first call: a command that needs no BigQuery needs no credentials, and one that does reports them as
    /// its own fault.
    api: Arc<OnceCell<Api>>,
    /// Datasets that were seen or made: each is asked for once in a process, however many mappings share it.
    datasets: Arc<Mutex<HashSet<(String, String)>>>,
    /// The bucket `temp_bucket`; `None`: files are uploaded straight to BigQuery.
    objects: Option<Arc<StagedObjects>>,
    /// The turns in which shards change the table that they share.
    turns: OneByOne,
    notes: RetryNotes,
    billing: Arc<Billing>,
    /// Where sent statements are remembered; `None`: nowhere.
    statements: Option<Arc<Statements>>,
}

#[derive(Debug)]
struct Settings {
    access: BigQuerySettings,
    login: Login,
    project: String,
    location: String,
    /// The project of `billing_project`.
    quota_project: Option<String>,
}

impl BigQuery {
    /// Makes the warehouse without using the network yet.
    #[must_use]
    pub fn new(access: BigQuerySettings, project: &str, location: &str) -> Self {
        let login = Login::new(access.credentials.clone(), Variables::of_the_process());
        Self::logged_in(access, login, project, location)
    }

    /// The same, with a login that is shared.
    #[must_use]
    pub fn logged_in(access: BigQuerySettings, login: Login, project: &str, location: &str) -> Self {
        let (project, location) = (project.to_owned(), location.to_owned());
        let settings = Settings { access, login, project, location, quota_project: None };
        Self {
            settings: Arc::new(settings),
            api: Arc::default(),
            datasets: Arc::default(),
            objects: None,
            turns: OneByOne::default(),
            notes: RetryNotes::default(),
            billing: Arc::default(),
            statements: None,
        }
    }

    /// The same; its jobs run in another project than the tables', which pays for them and for which requests are
    /// counted.
    #[must_use]
    pub fn paid_by(self, project: Option<&str>) -> Self {
        let Settings { access, login, project: own, location, .. } = &*self.settings;
        let settings = Settings {
            access: access.clone(),
            login: login.clone(),
            project: project.unwrap_or(own).to_owned(),
            location: location.clone(),
            quota_project: project.map(str::to_owned),
        };
        Self { settings: Arc::new(settings), ..self }
    }

    /// The same; statements that are sent from now on are remembered in `statements`.
    #[must_use]
    pub fn remembering(self, statements: Option<Arc<Statements>>) -> Self {
        Self { statements, ..self }
    }

    /// The same; staged files go through a bucket of Cloud Storage.
    #[must_use]
    pub fn through(self, bucket: Bucket) -> Self {
        Self { objects: Some(Arc::new(StagedObjects::new(bucket))), ..self }
    }

    async fn api(&self) -> Result<Api, Fault> {
        let Settings { access, login, project, location, quota_project } = &*self.settings;
        let connect = || async {
            repeated(&self.notes, "finding the credentials", || Api::connect(access, login, project, location)).await
        };
        let api = self.api.get_or_try_init(connect).await?.watched(&self.notes).billed(&self.billing);
        Ok(api.counted_for(quota_project.as_deref()).remembered(self.statements.as_ref()))
    }

    /// Runs one statement. A job that failed for BigQuery's own reasons has ended, so the statement may run again under
    /// a new id.
    async fn apply_one(&self, statement: &str) -> Result<(), Fault> {
        let what = format!("Changing the schema failed ({})", first_line(statement));
        let api = self.api().await?;
        if api.is_emulator && emulator::breaks_off(statement) {
            return Ok(());
        }
        let mut waits = Waits::new(&self.notes, "changing the schema");
        loop {
            let ended = api.run(&fresh_id("ddl"), api.query(statement.to_owned()), &what).await?;
            match ended.fault(&what) {
                None => return Ok(()),
                Some(fault) => waits.after(fault).await?,
            }
        }
    }
}

impl Warehouse for BigQuery {
    type Upload = BigQueryUpload;

    async fn ensure_dataset(&self, table: &TableId) -> Result<bool, Fault> {
        let dataset = (table.project.clone(), table.dataset.clone());
        // The lock is held while asking, so that mappings that begin together ask once.
        let mut known = self.datasets.lock().await;
        if known.contains(&dataset) {
            return Ok(false);
        }
        let created = self.api().await?.ensure_dataset(table).await?;
        known.insert(dataset);
        Ok(created)
    }

    async fn describe(&self, table: &TableId) -> Result<Option<TargetSchema>, Fault> {
        self.api().await?.describe(table).await
    }

    async fn rows_held(
        &self,
        table: &TableId,
        described: &TargetSchema,
        shard: Option<&TableShard>,
    ) -> Result<Option<u64>, Fault> {
        let api = self.api().await?;
        let is_known = described.rows == Some(0) || (shard.is_none() && described.rows.is_some());
        if (is_known && !api.is_emulator) || (described.rows.is_none() && shard.is_none()) {
            return Ok(described.rows);
        }
        let what = format!("Counting the rows of {table} failed");
        let only = shard.map(|shard| shard.condition(""));
        api.number(&target_range::count_all(table, described.partitioning.as_ref(), only), &what).await.map(Some)
    }

    fn ddl(&self, table: &TableId, plan: &TablePlan, diff: &SchemaDiff) -> Vec<String> {
        ddl::statements(table, plan, diff)
    }

    async fn apply(&self, statements: &[String]) -> Result<(), Fault> {
        for statement in statements {
            self.apply_one(statement).await?;
        }
        Ok(())
    }

    async fn stage(&self, order: StageOrder) -> Result<BigQueryUpload, Fault> {
        // The staging table and the session are made while the first rows are encoded.
        Ok(BigQueryUpload::begin(self.api().await?, order, self.objects.clone()))
    }

    async fn publish(&self, order: &PublishOrder) -> Result<Sent, Fault> {
        let PublishOrder { target, plan, staged, mapping, mark, .. } = order;
        let api = self.api().await?;
        let mut configuration = match order.kind {
            PublishKind::Copy => api.copy(&staged.table, target, plan),
            PublishKind::Replace => api.replace(publish_sql::replacement(plan, &Rows::of(staged, plan)), target, plan),
            kind => {
                let rows = Rows::of(staged, plan);
                let sql = api.publish_sql(kind, target, plan, &rows, order.within.as_ref());
                api.query_with(sql, staged.inline.as_ref().map(|rows| inline::parameter(plan, rows)))
            }
        };
        configuration.labels.get_or_insert_default().insert(jobs::MARK.to_owned(), mark.clone());
        let what = format!("Publishing {mapping} to {target} failed");
        let _turn = self.turns.turn(target, plan).await;
        let (job, was_there) = api.run_or_find(&order.job, configuration, &what).await?;
        if was_there && job.is_anothers(mark) {
            let counts = job.counts();
            let changed = job.fault("").is_none() && counts.inserted + counts.updated + counts.deleted > 0;
            return Ok(Sent::Taken(Taken { changed, ended: job.ended() }));
        }
        let counts = job.succeeded(&what)?.counts();
        // A query that writes a whole table reports no count of rows.
        let inserted = if order.kind == PublishKind::Replace { staged.rows } else { counts.inserted };
        Ok(Sent::Done(PublishCounts { inserted, ..counts }))
    }

    async fn fate(&self, job: &JobId, place: &JobPlace, mark: Option<&str>) -> Result<JobFate, Fault> {
        let what = format!("The publish job {job} failed");
        match self.api().await?.wait_at(place, job).await {
            Ok(state) if mark.is_some_and(|mark| state.is_anothers(mark)) => Ok(JobFate::Unknown),
            Ok(state) => Ok(state.fault(what).map_or_else(|| JobFate::Done(state.counts()), JobFate::Failed)),
            Err(error) if error.is_not_found() => Ok(JobFate::Unknown),
            Err(error) => Err(error.of_a_job_sent().into_fault(format!("Asking after the job {job} failed"))),
        }
    }

    async fn forestall(&self, job: &JobId, place: &JobPlace, mark: Option<&str>) -> Result<JobFate, Fault> {
        if self.api().await?.take(place, job).await? {
            return Ok(JobFate::Unknown);
        }
        self.fate(job, place, mark).await
    }

    async fn leftovers(&self, beside: &TableId) -> Result<Vec<TableId>, Fault> {
        let found = self.api().await?.staging_tables(beside).await;
        let mut found = found.map_err(|error| {
            error.into_fault(format!("Looking for staging tables in {}.{} failed", beside.project, beside.dataset))
        })?;
        if let Some(objects) = &self.objects {
            let more = objects.leftovers(beside).await?;
            found.extend(more.into_iter().filter(|staging| !found.contains(staging)).collect::<Vec<_>>());
        }
        Ok(found)
    }

    fn watched(&self, notes: RetryNotes) -> Self {
        Self { notes, ..self.clone() }
    }

    fn billed(&self, billing: Billing) -> Self {
        Self { billing: Arc::new(billing), ..self.clone() }
    }

    async fn drop_staging(&self, table: &TableId) -> Result<(), Fault> {
        let api = self.api().await?;
        let drop_table = async {
            let dropped = api.drop_staging(table).await;
            dropped.map_err(|error| error.into_fault(format!("Dropping the staging table {table} failed")))
        };
        let remove_object = async {
            match &self.objects {
                Some(objects) => objects.remove(table).await,
                None => Ok(()),
            }
        };
        // Both at once: a caller that has little time left must not lose one because the other is slow.
        let (dropped, removed) = tokio::join!(drop_table, remove_object);
        dropped.and(removed)
    }
}

impl Diagnose for BigQuery {
    async fn identify(&self) -> Result<Identity, Fault> {
        self.api().await?;
        match &self.settings.access.emulator {
            Some(emulator) => {
                let origin = format!("the emulator at {emulator}, which asks for no credentials");
                Ok(Identity { account: None, origin })
            }
            None => self.settings.login.identity().await,
        }
    }

    async fn try_job(&self) -> Result<(), Fault> {
        let what = "Running a job failed";
        let api = self.api().await?;
        let ended = api.run(&fresh_id("check"), api.query("SELECT 1".to_owned()), what).await?;
        ended.succeeded(what).map(|_| ())
    }

    async fn try_bucket(&self, staging: &TableId) -> Result<Option<String>, Fault> {
        match &self.objects {
            Some(objects) => objects.try_bucket(staging, &self.notes).await.map(Some),
            None => Ok(None),
        }
    }

    async fn has_dataset(&self, table: &TableId) -> Result<bool, Fault> {
        self.api().await?.has_dataset(table).await
    }
}

impl Deletes for BigQuery {
    async fn count_vanished(&self, vanished: &Vanished) -> Result<VanishedCounts, Fault> {
        let what = format!("Counting rows of {} that MySQL no longer has failed", vanished.target);
        let (rows, cost) = self.api().await?.rows_and_cost(&delete_sql::count(vanished), &what).await?;
        let number = |position: usize| rows.first()?.get(position)?.as_deref()?.parse().ok();
        let counts = number(0).zip(number(1)).map(|(held, vanished)| VanishedCounts { held, vanished, cost });
        counts.ok_or_else(|| Fault::new(FaultKind::Bug, format!("{what}: the answer is no number")))
    }

    async fn delete(&self, order: &DeleteOrder) -> Result<PublishCounts, Fault> {
        let what = format!("Deleting rows of {} failed", order.vanished.target);
        let api = self.api().await?;
        let configuration = api.query(delete_sql::delete(order));
        let _turn = self.turns.turn(&order.vanished.target, &order.vanished.plan).await;
        Ok(api.run(&order.job, configuration, &what).await?.succeeded(&what)?.counts())
    }
}

impl Keyed for BigQuery {
    async fn rows_of(&self, comparison: &Comparison, keys: &[Key]) -> Result<Vec<SeenRow>, Fault> {
        self.api().await?.rows_of(comparison, keys).await
    }
}

impl Comparable for BigQuery {
    async fn key_span(&self, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
        self.api().await?.key_span(comparison).await
    }

    async fn part_sums(&self, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
        self.api().await?.part_sums(comparison, cut).await
    }

    async fn row_digests(&self, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
        self.api().await?.row_digests(comparison, parts).await
    }
}

/// A job id that nobody has used, for statements that may run twice.
fn fresh_id(purpose: &str) -> JobId {
    // The hasher is keyed with random bits of the operating system at each call.
    let random = || RandomState::new().build_hasher().finish();
    JobId(format!("bqsync_{purpose}_{:016x}{:016x}", random(), random()))
}

fn first_line(statement: &str) -> &str {
    statement.lines().next().unwrap_or_default().trim_end_matches(" (")
}
