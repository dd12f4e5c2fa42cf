//! An upload as the engine sees it: rows go in, rows ready for their publish come out. While there are few rows, they
//! are held in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::client::Api;
use super::inline::Held;
use super::staged_object::StagedObjects;
use super::staging_upload::StagingUpload;
use crate::domain::fault::Fault;
use crate::warehouse::{StageOrder, Staged, Upload};

/// Rows under way to their publish.
#[derive(Debug)]
pub struct BigQueryUpload {
    api: Api,
    order: StageOrder,
    objects: Option<Arc<StagedObjects>>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Held(Held),
    /// More rows than may travel with their publish.
    Staging(StagingUpload),
}

impl BigQueryUpload {
    /// Begins an upload. `objects`: the bucket that staged files go through, if one is configured.
    pub fn begin(api: Api, order: StageOrder, objects: Option<Arc<StagedObjects>>) -> Self {
        let way = if order.inline_rows == 0 {
            Way::Staging(StagingUpload::begin(api.clone(), order.clone(), objects.clone()))
        } else {
            Way::Held(Held::default())
        };
        Self { api, order, objects, way }
    }
}

impl Upload for BigQueryUpload {
    async fn write(&mut self, rows: RecordBatch) -> Result<(), Fault> {
        match &mut self.way {
            Way::Staging(upload) => upload.write(rows).await,
            Way::Held(held) if held.takes(&rows, &self.order) => {
                held.add(rows);
                Ok(())
            }
            Way::Held(held) => {
                let held = std::mem::take(held).into_batches();
                let mut upload = StagingUpload::begin(self.api.clone(), self.order.clone(), self.objects.clone());
                for rows in held.into_iter().chain([rows]) {
                    upload.write(rows).await?;
                }
                self.way = Way::Staging(upload);
                Ok(())
            }
        }
    }

    fn bytes_sent(&self) -> u64 {
        match &self.way {
            Way::Held(_) => 0,
            Way::Staging(upload) => upload.bytes_sent(),
        }
    }

    async fn finish(self) -> Result<Staged, Fault> {
        match self.way {
            Way::Held(held) => Ok(held.staged(self.order)),
            Way::Staging(upload) => upload.finish().await,
        }
    }
}
