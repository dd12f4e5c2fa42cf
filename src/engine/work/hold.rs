//! Both ends of an operator's hold on a mapping under work.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The operator's end.
#[derive(Debug)]
pub(in crate::engine) struct Switch {
    pub cancel: CancellationToken,
    pub paused: watch::Sender<bool>,
}

/// The run's end.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Hold {
    pub cancel: CancellationToken,
    pub paused: watch::Receiver<bool>,
}

impl Switch {
    pub(in crate::engine) fn new() -> Self {
        Self { cancel: CancellationToken::new(), paused: watch::channel(false).0 }
    }

    pub(in crate::engine) fn hold(&self) -> Hold {
        Hold { cancel: self.cancel.clone(), paused: self.paused.subscribe() }
    }
}
