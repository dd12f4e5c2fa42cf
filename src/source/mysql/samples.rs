//! Plans for the unit tests of this adapter.

pub use crate::domain::plan::samples::plan;

use crate::domain::plan::{ColumnPlan, samples};
use crate::domain::source_type::SourceType;
use crate::domain::type_map::default_target;

/// A column that goes to the type it gets by default.
pub fn column(name: &str, source_type: SourceType) -> ColumnPlan {
    let target_type = default_target(&source_type).unwrap();
    samples::column(name, source_type, target_type)
}
