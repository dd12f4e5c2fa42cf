//! The wall clock that the engine goes by.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

/// Shows the time of day, and waits for one.
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> DateTime<Utc>;

    /// Returns once the clock shows `at` or later. Whoever waits may go away at any moment.
    fn reaches(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()>;
}

/// The computer's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

/// A clock can be set and a computer can sleep, neither of which a timer notices: it is looked at so often.
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
