//! The wall clock that schedules go by.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Shows the time of day, and waits for one.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> DateTime<Utc>;

    /// Returns once the clock shows `at` or later. Whoever waits may go away at any moment.
    async fn reaches(&self, at: DateTime<Utc>);
}

/// The computer's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

/// A clock can be set and a computer can sleep, neither of which a timer notices: it is looked at so often.
const LOOK: Duration = Duration::from_secs(30);

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn reaches(&self, at: DateTime<Utc>) {
        while let Ok(left) = (at - self.now()).to_std() {
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}
