//! Panics of libraries that become errors: whoever meets the error is told of it, so the panic itself is not printed.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;

tokio::task_local! {
    /// Set while a task is within [`caught`], where the panic's hook looks for it and writes the panic's place.
    static CAUGHT: Arc<OnceLock<String>>;
}

/// A panic that has become an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// File, line and column; `None` without the hook of [`hush_caught`].
    pub place: Option<String>,
}

/// The outcome of the work. What the work has borrowed must not be used again after a panic.
///
/// # Errors
/// The work panicked.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let place = Arc::<OnceLock<String>>::default();
    let outcome = AssertUnwindSafe(CAUGHT.scope(Arc::clone(&place), work)).catch_unwind().await;
    outcome.map_err(|_| Panicked { place: place.get().cloned() })
}

/// From now on a panic that becomes an error is not printed. To be called after any other hook is installed.
pub fn hush_caught() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let Ok(caught) = CAUGHT.try_with(Arc::clone) else { return print(panic) };
        // Its message is left out, because it may quote what was read.
        let place = panic.location().map(ToString::to_string);
        tracing::debug!(place, "a library panicked; its caller gets an error instead");
        if let Some(place) = place {
            // A second panic cannot come before the first has ended the work.
            let _ = caught.set(place);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_work_and_its_caller_learns_the_place() {
        hush_caught();
        let broken = async {
            let bytes: Vec<u8> = Vec::new();
            tokio::task::yield_now().await;
            bytes[0]
        };
        let place = caught(broken).await.unwrap_err().place.unwrap();
        assert!(place.contains("panics.rs:"), "{place}");
        assert_eq!(caught(std::future::ready(7)).await, Ok(7));
        assert!(CAUGHT.try_with(|_| ()).is_err(), "the mark is taken away");
    }
}
