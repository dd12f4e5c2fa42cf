//! The protocol between the engine and its operators: commands and questions go in, events and answers come out.
//!
//! A command is work, and events report what runs did; a question is answered only to the one who asked it. Events are
//! facts in the past tense, few, and never lost; values that change many times a second are in [`Progress`].

mod command;
mod event;
pub(super) mod progress;
pub(super) mod query;
pub(super) mod status;

pub use self::command::{BackfillAsk, ColumnDecision, Command, RepairOrder, Selection, SyncOrder, WHOLE_TABLE};
pub use self::event::{Event, Phase};
pub use self::progress::{MappingProgress, Progress, Retry};
pub use self::query::{
    Answers, Check, Checked, Compare, Comparison, Decide, Decided, Failure, Inspect, ListTables, MOST_BYTES, Measure,
    Of, PreviewBackfill, Query, Question, ReadBeside, ReadHistory, ReadReport, Reply, Tables, Verified, Verify, Watch,
};
pub use self::status::{Asked, BackfillPreview, Lag, MappingStatus, PublishBytes, SlicePreview};
