//! Who is notified of runs besides the caller: Prometheus through a file, and a web address when something fails.
//!
//! Both come after the run: their failures are warnings, and affect neither the rows nor the outcome.

pub mod metrics;
pub mod webhook;

use self::metrics::MetricsFile;
use self::webhook::Webhook;

/// The outlets that the configuration names.
#[derive(Debug, Default)]
pub struct Outlets {
    pub metrics: Option<MetricsFile>,
    pub webhook: Option<Webhook>,
}
