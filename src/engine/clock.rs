//! The wall clock that the engine uses.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

/// Tells the time of day, and waits for one.
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> DateTime<Utc>;

    /// Returns once the clock shows `at` or later. The caller may drop the future at any moment.
    fn reaches(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()>;
}

/// The computer's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

/// How often a wait looks at the clock: a clock can be set and a computer can sleep, and a timer notices neither.
const LOOK: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn reaches(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while let Ok(left) = (at - self.now()).to_std() {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(LOOK)).await;
            }
        })
    }
}
