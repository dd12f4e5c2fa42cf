//! A clock that shows the time that a test has set.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::engine::Clock;

/// A clock that is set by hand; the source's server and the warehouse use it, too.
#[derive(Debug)]
pub struct FakeClock(watch::Sender<DateTime<Utc>>);

impl FakeClock {
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(watch::channel(now).0)
    }

    pub fn pass(&self, by: TimeDelta) {
        self.0.send_modify(|now| *now += by);
    }

    /// In milliseconds since 1970.
    pub fn millis(&self) -> u64 {
        u64::try_from(self.now().timestamp_millis()).unwrap()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    fn reaches(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.0.subscribe().wait_for(|now| *now >= at).await.unwrap();
        })
    }
}
