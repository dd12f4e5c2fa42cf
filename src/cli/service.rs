//! What systemd is told of a service (`Type=notify`): that it is ready, what it is doing, that it stops. Nobody listens
//! where `NOTIFY_SOCKET` is not set, and one who does not take it is no reason not to run.

use sd_notify::{NotifyState, notify};

pub(super) fn ready() {
    send(NotifyState::Ready);
}

pub(super) fn stopping() {
    send(NotifyState::Stopping);
}

/// What `systemctl status` shows.
pub(super) fn status(text: &str) {
    send(NotifyState::Status(text));
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = notify(&[state]) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
