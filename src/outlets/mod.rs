//! Who is told of the runs besides whoever started them: Prometheus through a file, and a web address when something
//! fails.
//!
//! Both come after the run: what goes wrong with them is a warning, and touches neither the rows nor the outcome.

pub mod metrics;
pub mod webhook;

use self::metrics::MetricsFile;
use self::webhook::Webhook;

/// Those that the configuration names.
#[derive(Debug, Default)]
pub struct Outlets {
    pub metrics: Option<MetricsFile>,
    pub webhook: Option<Webhook>,
}
