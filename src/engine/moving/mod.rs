//! Moves rows from a window to the watermark: fixes how far, waits at the fence, stages and publishes in steps.

pub(in crate::engine) mod backfill;
mod deletes;
mod fence;
pub(in crate::engine) mod horizon;
mod mend;
pub(in crate::engine) mod mirror;
mod parts;
mod publish;
pub(in crate::engine) mod reach;
mod repair;
mod replace;
mod rivals;
pub(in crate::engine) mod steps;
pub(in crate::engine) mod tail;
mod transfer;
mod turn;
