//! The words between the engine and whoever operates it: commands in, events out.
//!
//! Events are facts in the past tense, few, and never lost; what changes many times a second is [`Progress`].

mod command;
mod event;
pub(super) mod progress;
pub(super) mod status;

pub use self::command::{BackfillAsk, ColumnDecision, Command, Selection, SyncOrder, VerifyOrder};
pub use self::event::{Event, Phase};
pub use self::progress::{MappingProgress, Progress, Retry};
pub use self::status::{BackfillPreview, Lag, MappingStatus, PublishBytes, SlicePreview};
