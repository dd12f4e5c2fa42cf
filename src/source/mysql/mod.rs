//! MySQL and MariaDB through sqlx.

mod bounds;
mod catalog;
mod clock;
mod connect;
mod decode;
mod fault;
mod indexes;
mod position;
mod read;
#[cfg(test)]
mod samples;
mod sql;
mod wire;

use std::sync::Arc;

use super::{Bounds, BoundsAsk, Extract, Extraction, Source};
use crate::domain::column::SourceSchema;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;

/// A MySQL or MariaDB server. Holds no connection: each call opens its own.
#[derive(Debug, Clone)]
pub struct MysqlSource {
    settings: Arc<MysqlSettings>,
}

impl MysqlSource {
    #[must_use]
    pub fn new(settings: MysqlSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }
}

impl Source for MysqlSource {
    async fn describe(&self, table: &SourceTable) -> Result<SourceSchema, Fault> {
        catalog::describe(&self.settings, table).await
    }

    async fn bounds(&self, ask: &BoundsAsk) -> Result<Bounds, Fault> {
        bounds::bounds(&self.settings, ask).await
    }

    fn read(&self, extraction: Extraction) -> Extract {
        read::start(Arc::clone(&self.settings), extraction)
    }
}
