//! The shape of the rows between source and warehouse: one Arrow schema for each plan, which both adapters use.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::plan::TablePlan;
use super::type_map::StagedType;

/// The Arrow type of a staged column.
#[must_use]
pub fn arrow_type(staged: StagedType) -> DataType {
    match staged {
        StagedType::Int64 => DataType::Int64,
        StagedType::Float64 => DataType::Float64,
        StagedType::Bool => DataType::Boolean,
        StagedType::Decimal { precision, scale } => DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0)),
        StagedType::Date => DataType::Date32,
        StagedType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        StagedType::DateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
        StagedType::Text => DataType::Utf8,
        StagedType::Bytes => DataType::Binary,
    }
}

/// The schema of every batch of a plan: staged names, all nullable, in plan order.
#[must_use]
pub fn arrow_schema(plan: &TablePlan) -> SchemaRef {
    let fields: Vec<Field> =
        plan.columns.iter().map(|c| Field::new(&c.staged_name, arrow_type(c.staged), true)).collect();
    Arc::new(Schema::new(fields))
}
