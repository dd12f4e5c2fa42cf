//! Estimates before work begins: how many rows there are, and what the work would cost.

use super::publish_sql::Rows;
use super::{BigQuery, target_range};
use crate::domain::column::TargetSchema;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::domain::shard_change::Strays;
use crate::domain::verify::{Comparison, Question};
use crate::domain::window::Window;
use crate::warehouse::{Counted, Estimates};

impl Estimates for BigQuery {
    async fn publish_bytes(
        &self,
        target: &TableId,
        plan: &TablePlan,
        kind: PublishKind,
        window: Option<Window>,
    ) -> Result<u64, Fault> {
        let api = self.api().await?;
        let sql = api.publish_sql(kind, target, plan, &Rows::none(plan, window), None);
        api.bytes_of(&sql, &format!("Asking what a publish to {target} would read failed")).await
    }

    async fn count(&self, target: &TableId, plan: &TablePlan, window: Window) -> Result<u64, Fault> {
        let what = format!("Counting rows of {target} failed");
        self.api().await?.number(&target_range::count(target, plan, window), &what).await
    }

    async fn count_beyond(&self, target: &TableId, plan: &TablePlan, mark: Cursor) -> Result<Counted, Fault> {
        let what = format!("Counting rows of {target} failed");
        self.api().await?.counted(&target_range::count_beyond(target, plan, &mark), &what).await
    }

    async fn count_strays(&self, target: &TableId, described: &TargetSchema, strays: &Strays) -> Result<u64, Fault> {
        let what = format!("Counting rows of {target} failed");
        let count = target_range::count_all(target, described.partitioning.as_ref(), Some(strays.condition()));
        self.api().await?.number(&count, &what).await
    }

    async fn question_bytes(&self, comparison: &Comparison, question: &Question) -> Result<u64, Fault> {
        self.api().await?.question_bytes(comparison, question).await
    }
}
