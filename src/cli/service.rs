//! Notifies systemd about a service (`Type=notify`): that it is ready, what it is doing, that it stops. Without
//! `NOTIFY_SOCKET` nobody listens; a failed notification does not stop the program.

use sd_notify::{NotifyState, notify};

pub(super) fn ready() {
    send(NotifyState::Ready);
}

pub(super) fn stopping() {
    send(NotifyState::Stopping);
}

/// Sets the text in `systemctl status`.
pub(super) fn status(text: &str) {
    send(NotifyState::Status(text));
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = notify(&[state]) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
