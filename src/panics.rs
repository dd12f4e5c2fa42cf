//! Panics of libraries that become errors: whoever meets the error is told of it, so the panic itself is not printed.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

tokio::task_local! {
    /// Set while a task is within [`caught`], where the panic's hook looks for it.
    static CAUGHT: ();
}

/// The outcome of the work; `None` if it panicked. What the work has borrowed must not be used again then.
pub async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(CAUGHT.scope((), work)).catch_unwind().await.ok()
}

/// From now on a panic that becomes an error is not printed. To be called after any other hook is installed.
pub fn hush_caught() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if CAUGHT.try_with(|()| ()).is_err() {
            return print(panic);
        }
        // Its message is left out, because it may quote what was read.
        let place = panic.location().map(ToString::to_string);
        tracing::debug!(place, "a library panicked; its caller gets an error instead");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_work_and_not_its_caller() {
        let broken = async {
            let bytes: Vec<u8> = Vec::new();
            tokio::task::yield_now().await;
            bytes[0]
        };
        assert_eq!(caught(broken).await, None);
        assert_eq!(caught(std::future::ready(7)).await, Some(7));
        assert!(CAUGHT.try_with(|()| ()).is_err(), "the mark is taken away");
    }
}
