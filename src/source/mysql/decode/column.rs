//! One column's Arrow builder, and how cells are appended to it.

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};

use super::masking::Masking;
use super::unfit::Unfit;
use super::zone::LocalZone;
use super::{number, temporal, text};
use crate::domain::plan::TablePlan;
use crate::domain::report::Flaw;
use crate::domain::source_type::SourceType;
use crate::domain::staging::arrow_type;
use crate::domain::type_map::{Encoding, StagedType};

/// BigQuery's TIMESTAMP spans 0001-01-01 to 9999-12-31 in UTC; a zone can push a wall clock out of it.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_300_799_999_999;

/// Collects the cells of one column.
#[derive(Debug)]
pub struct Column {
    encoding: Encoding,
    staged: StagedType,
    empty_is_null: bool,
    /// MySQL's own JSON, which is never empty.
    is_never_empty: bool,
    /// The column tells rows apart or orders them.
    places_rows: bool,
    zone: LocalZone,
    mask: Option<Masking>,
    out: Out,
}

#[derive(Debug)]
enum Out {
    Int64(Int64Builder),
    Float64(Float64Builder),
    Bool(BooleanBuilder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl Column {
    /// # Panics
    /// If the plan has no column at `index`.
    pub fn new(plan: &TablePlan, index: usize) -> Self {
        let column = &plan.columns[index];
        // Only this encoding needs the zone.
        let zone = if column.encoding == Encoding::LocalToUtc { plan.timezone } else { chrono_tz::UTC };
        Self {
            encoding: column.encoding,
            staged: column.staged,
            empty_is_null: plan.empty_becomes_null(index),
            // MariaDB's JSON is text, with a character set.
            is_never_empty: column.source.source_type == SourceType::Json && column.source.charset.is_none(),
            places_rows: plan.places_rows(index),
            zone: LocalZone::new(zone),
            mask: column.mask.clone().map(Masking::new),
            out: Out::new(column.staged, 0, 0),
        }
    }

    /// Appends a cell; gives the number of its bytes.
    ///
    /// # Errors
    /// What is wrong with the cell. After a flaw nothing has been appended.
    pub fn push(&mut self, raw: Option<&[u8]>) -> Result<usize, Unfit> {
        if self.is_never_empty && raw.is_some_and(<[u8]>::is_empty) {
            return Err(Unfit::CutOff);
        }
        let Some(raw) = raw.filter(|raw| !(self.empty_is_null && raw.is_empty())) else {
            self.push_null();
            return Ok(1);
        };
        if let Some(mask) = &mut self.mask {
            if let Some(masked) = mask.of(self.encoding, raw)? {
                return push_masked(&mut self.out, &masked);
            }
            self.push_null();
            return Ok(1);
        }
        match &mut self.out {
            Out::Int64(out) => out.append_value(number::int64(self.encoding, raw)?),
            Out::Float64(out) => out.append_value(number::float64(self.encoding, raw)?),
            Out::Bool(out) => out.append_value(number::boolean(self.encoding, raw)?),
            Out::Decimal(out) => {
                out.append_value(number::decimal(self.encoding, raw)?);
                return Ok(16);
            }
            Out::Date(out) => out.append_value(temporal::days(temporal::moment(raw).ok_or(Unfit::Wire)?)?),
            Out::Micros(out) => out.append_value(micros(self.encoding, self.places_rows, &mut self.zone, raw)?),
            Out::Text(out) => return text::append(self.encoding, raw, out),
            Out::Bytes(out) => return text::append_bytes(self.encoding, raw, out),
        }
        Ok(8)
    }

    pub fn push_null(&mut self) {
        match &mut self.out {
            Out::Int64(out) => out.append_null(),
            Out::Float64(out) => out.append_null(),
            Out::Bool(out) => out.append_null(),
            Out::Decimal(out) => out.append_null(),
            Out::Date(out) => out.append_null(),
            Out::Micros(out) => out.append_null(),
            Out::Text(out) => out.append_null(),
            Out::Bytes(out) => out.append_null(),
        }
    }

    /// Gives the cells collected so far and begins again, with the same capacity.
    pub fn finish(&mut self) -> ArrayRef {
        let (rows, bytes) = match &self.out {
            Out::Text(out) => (out.len(), out.values_slice().len()),
            Out::Bytes(out) => (out.len(), out.values_slice().len()),
            other => (other.builder().len(), 0),
        };
        // The next batch ends at about as many bytes: without some more, every second one would be moved into twice its room.
        let room = bytes + bytes / 16;
        let mut full = std::mem::replace(&mut self.out, Out::new(self.staged, rows, room));
        full.builder_mut().finish()
    }

    /// Throws away the cells collected so far.
    pub fn clear(&mut self) {
        self.out = Out::new(self.staged, 0, 0);
    }
}

/// Appends a masked value; a plan gives a masked column no type other than text.
fn push_masked(out: &mut Out, masked: &str) -> Result<usize, Unfit> {
    let Out::Text(out) = out else { return Err(Unfit::Plan) };
    out.append_value(masked);
    Ok(masked.len())
}

impl Out {
    fn new(staged: StagedType, rows: usize, bytes: usize) -> Self {
        let data_type = arrow_type(staged);
        match staged {
            StagedType::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            StagedType::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            StagedType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            StagedType::Decimal { .. } => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(data_type))
            }
            StagedType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            StagedType::Timestamp | StagedType::DateTime => {
                Self::Micros(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(data_type))
            }
            StagedType::Text => Self::Text(StringBuilder::with_capacity(rows, bytes)),
            StagedType::Bytes => Self::Bytes(BinaryBuilder::with_capacity(rows, bytes)),
        }
    }

    fn builder(&self) -> &dyn ArrayBuilder {
        match self {
            Self::Int64(out) => out,
            Self::Float64(out) => out,
            Self::Bool(out) => out,
            Self::Decimal(out) => out,
            Self::Date(out) => out,
            Self::Micros(out) => out,
            Self::Text(out) => out,
            Self::Bytes(out) => out,
        }
    }

    fn builder_mut(&mut self) -> &mut dyn ArrayBuilder {
        match self {
            Self::Int64(out) => out,
            Self::Float64(out) => out,
            Self::Bool(out) => out,
            Self::Decimal(out) => out,
            Self::Date(out) => out,
            Self::Micros(out) => out,
            Self::Text(out) => out,
            Self::Bytes(out) => out,
        }
    }
}

fn micros(encoding: Encoding, places_rows: bool, zone: &mut LocalZone, raw: &[u8]) -> Result<i64, Unfit> {
    let moment = temporal::moment(raw).ok_or(Unfit::Wire)?;
    let (days, of_day) = (temporal::days(moment)?, temporal::micros_of_day(moment));
    match encoding {
        Encoding::Wall => Ok(i64::from(days) * temporal::MICROS_OF_DAY + of_day),
        Encoding::LocalToUtc => {
            let instant =
                if places_rows { zone.only_utc_of(days, of_day).ok_or(Unfit::Gap)? } else { zone.utc_of(days, of_day) };
            (EARLIEST..=LATEST).contains(&instant).then_some(instant).ok_or(Unfit::Flaw(Flaw::OutOfRange))
        }
        _ => Err(Unfit::Plan),
    }
}
