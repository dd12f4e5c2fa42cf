//! The type table: which BigQuery type a MySQL column becomes, and how its wire bytes get there.
//!
//! `docs/types.md` describes this file; a test compares the two.

use super::source_type::SourceType;
use super::target_type::{DecimalShape, TargetType};

/// How the bytes of a cell (MySQL's binary protocol) become an Arrow value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Little-endian integer -> Int64. A BIGINT UNSIGNED beyond 2^63-1 is a flaw.
    Int { bits: u8, unsigned: bool },
    /// Little-endian integer -> Decimal128(20,0).
    IntAsDecimal { bits: u8, unsigned: bool },
    /// Little-endian integer -> Float64; only widths that a double holds exactly.
    IntAsFloat { bits: u8, unsigned: bool },
    /// 0 and 1 -> Boolean; any other value is a flaw.
    IntAsBool { bits: u8, unsigned: bool },
    /// Little-endian integer -> its decimal digits.
    IntAsText { bits: u8, unsigned: bool },
    /// Decimal digits -> Decimal128 of that shape.
    Decimal { precision: u8, scale: u8 },
    /// Decimal digits -> Int64; only without a scale.
    DecimalAsInt,
    /// Decimal digits -> the nearest Float64.
    DecimalAsFloat,
    /// Four bytes -> Float64, exact.
    Float,
    /// Eight bytes -> Float64.
    Double,
    /// Four or eight bytes -> the shortest digits that read back as the same value.
    FloatAsText { double: bool },
    /// Big-endian bits -> Int64; only up to 63 of them.
    BitAsInt,
    /// One bit -> Boolean.
    BitAsBool,
    /// Big-endian bits -> Decimal128(20,0).
    BitAsDecimal,
    /// Date -> Date32; zero and impossible dates are flaws.
    Date,
    /// Date -> `2026-11-23`, zero and impossible dates included.
    DateAsText,
    /// Date and time -> microseconds of that wall clock, no zone applied (an instant read in UTC stays one).
    Wall,
    /// Wall clock of `default_timezone` -> microseconds in UTC.
    LocalToUtc,
    /// Date and time -> `2026-11-23 08:00:00.123`, zero and impossible dates included.
    WallAsText { fsp: u8 },
    /// Span -> `-838:59:59.123`.
    Time { fsp: u8 },
    /// Like `Time`, but a value outside 00:00:00 to 23:59:59.999999 is a flaw.
    TimeOfDay { fsp: u8 },
    /// Bytes that must be UTF-8 -> Utf8.
    Text,
    /// Bytes as they are -> Binary.
    Bytes,
    /// SRID and WKB -> WKT, x before y.
    Wkt,
    /// SRID and WKB -> the WKB alone.
    Wkb,
    /// Little-endian float32s -> `[1,0.25]`.
    VectorAsText,
}

impl Encoding {
    /// Tells if the source type has values that the staged type cannot hold, which become NULL or a fault.
    #[must_use]
    pub const fn has_flaws(self) -> bool {
        match self {
            Self::Int { bits: 64, unsigned: true }
            | Self::IntAsBool { .. }
            | Self::Date
            | Self::Wall
            | Self::LocalToUtc
            | Self::TimeOfDay { .. } => true,
            Self::Int { .. }
            | Self::IntAsDecimal { .. }
            | Self::IntAsFloat { .. }
            | Self::IntAsText { .. }
            | Self::Decimal { .. }
            | Self::DecimalAsInt
            | Self::DecimalAsFloat
            | Self::Float
            | Self::Double
            | Self::FloatAsText { .. }
            | Self::BitAsInt
            | Self::BitAsBool
            | Self::BitAsDecimal
            | Self::DateAsText
            | Self::WallAsText { .. }
            | Self::Time { .. }
            | Self::Text
            | Self::Bytes
            | Self::Wkt
            | Self::Wkb
            | Self::VectorAsText => false,
        }
    }
}

/// What the Parquet column in the staging table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StagedType {
    Int64,
    Float64,
    Bool,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    /// Microseconds in UTC.
    Timestamp,
    /// Microseconds of a wall clock.
    DateTime,
    Text,
    Bytes,
}

impl StagedType {
    /// The type of the staging table's column.
    #[must_use]
    pub const fn target_type(self) -> TargetType {
        match self {
            Self::Int64 => TargetType::Int64,
            Self::Float64 => TargetType::Float64,
            Self::Bool => TargetType::Bool,
            Self::Decimal { .. } => TargetType::Numeric(None),
            Self::Date => TargetType::Date,
            Self::Timestamp => TargetType::Timestamp,
            Self::DateTime => TargetType::DateTime,
            Self::Text => TargetType::String(None),
            Self::Bytes => TargetType::Bytes(None),
        }
    }
}

/// How the staged value is converted to the target's type at publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// The staged type is the target's.
    None,
    /// `CAST(x AS target)`: a value that does not fit fails the publish; it is never altered.
    To,
    /// `PARSE_JSON`; numbers with more digits than a double are rounded, because BigQuery's JSON cannot hold them.
    ParseJson,
    /// `ST_GEOGFROMTEXT`.
    ParseGeography,
}

/// One way of converting a source type to a target type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carriage {
    pub encoding: Encoding,
    pub staged: StagedType,
    pub cast: Cast,
    /// Every value of the source type arrives unchanged. A way that is not lossless is used only where the mapping asks
    /// for it.
    pub lossless: bool,
}

/// The BigQuery type that a source type becomes when the mapping says nothing; `None` for a type we cannot read.
#[must_use]
pub fn default_target(source: &SourceType) -> Option<TargetType> {
    Some(match source {
        SourceType::Int { bits: 64, unsigned: true } => TargetType::Numeric(None),
        SourceType::Int { .. } | SourceType::Year => TargetType::Int64,
        SourceType::Decimal { precision, scale } => default_decimal(*precision, *scale),
        SourceType::Float | SourceType::Double => TargetType::Float64,
        SourceType::Bit { width: 1 } => TargetType::Bool,
        SourceType::Bit { width: 64 } => TargetType::Numeric(None),
        SourceType::Bit { .. } => TargetType::Int64,
        SourceType::Date => TargetType::Date,
        SourceType::DateTime { .. } | SourceType::Timestamp { .. } => TargetType::Timestamp,
        SourceType::Binary => TargetType::Bytes(None),
        SourceType::Time { .. }
        | SourceType::Text { .. }
        | SourceType::Enum
        | SourceType::Set
        | SourceType::Json
        | SourceType::Geometry
        | SourceType::Vector
        | SourceType::Uuid
        | SourceType::Inet => TargetType::String(None),
        SourceType::Unknown(_) => return None,
    })
}

/// NUMERIC holds 29 digits before the point and 9 after, BIGNUMERIC 38 and 38; a decimal that exceeds both stays text.
const fn default_decimal(precision: u8, scale: u8) -> TargetType {
    if fits_numeric(precision, scale) {
        TargetType::Numeric(None)
    } else if precision.saturating_sub(scale) <= 38 {
        TargetType::BigNumeric(None)
    } else {
        TargetType::String(None)
    }
}

const fn fits_numeric(precision: u8, scale: u8) -> bool {
    scale <= 9 && precision.saturating_sub(scale) <= 29
}

/// Tells if a decimal of `precision` and `scale` fits a target of that shape.
fn fits_shape(precision: u8, scale: u8, shape: Option<DecimalShape>) -> bool {
    shape.is_none_or(|s| scale <= s.scale && precision.saturating_sub(scale) <= s.precision.saturating_sub(s.scale))
}

/// How `source` is converted to `target`; `None` if there is no way.
#[must_use]
pub fn carriage(source: &SourceType, target: &TargetType) -> Option<Carriage> {
    match source {
        SourceType::Int { bits, unsigned } => int_carriage(*bits, *unsigned, target),
        SourceType::Year => int_carriage(16, true, target),
        SourceType::Decimal { precision, scale } => decimal_carriage(*precision, *scale, target),
        SourceType::Float | SourceType::Double => float_carriage(*source == SourceType::Double, target),
        SourceType::Bit { width } => bit_carriage(*width, target),
        SourceType::Date => date_carriage(target),
        SourceType::DateTime { fsp } => datetime_carriage(*fsp, Encoding::LocalToUtc, target),
        SourceType::Timestamp { fsp } => datetime_carriage(*fsp, Encoding::Wall, target),
        SourceType::Time { fsp } => match target {
            TargetType::String(None) => exact(Encoding::Time { fsp: *fsp }, StagedType::Text),
            TargetType::Time => lossy(Encoding::TimeOfDay { fsp: *fsp }, StagedType::Text, Cast::To),
            _ => None,
        },
        SourceType::Text { chars } => text_carriage(*chars, target),
        SourceType::Enum | SourceType::Set | SourceType::Uuid | SourceType::Inet => text_carriage(None, target),
        SourceType::Json => match target {
            TargetType::String(None) => exact(Encoding::Text, StagedType::Text),
            TargetType::Json => adopted(Encoding::Text, StagedType::Text, Cast::ParseJson),
            _ => None,
        },
        SourceType::Binary => match target {
            TargetType::Bytes(None) => exact(Encoding::Bytes, StagedType::Bytes),
            TargetType::String(None) => lossy(Encoding::Text, StagedType::Text, Cast::None),
            _ => None,
        },
        SourceType::Geometry => match target {
            TargetType::String(None) => exact(Encoding::Wkt, StagedType::Text),
            TargetType::Bytes(None) => exact(Encoding::Wkb, StagedType::Bytes),
            TargetType::Geography => lossy(Encoding::Wkt, StagedType::Text, Cast::ParseGeography),
            _ => None,
        },
        SourceType::Vector => match target {
            TargetType::String(None) => exact(Encoding::VectorAsText, StagedType::Text),
            TargetType::Json => adopted(Encoding::VectorAsText, StagedType::Text, Cast::ParseJson),
            TargetType::Bytes(None) => exact(Encoding::Bytes, StagedType::Bytes),
            _ => None,
        },
        SourceType::Unknown(_) => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table reads the same")]
const fn exact(encoding: Encoding, staged: StagedType) -> Option<Carriage> {
    Some(Carriage { encoding, staged, cast: Cast::None, lossless: true })
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table reads the same")]
const fn adopted(encoding: Encoding, staged: StagedType, cast: Cast) -> Option<Carriage> {
    Some(Carriage { encoding, staged, cast, lossless: true })
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table reads the same")]
const fn lossy(encoding: Encoding, staged: StagedType, cast: Cast) -> Option<Carriage> {
    Some(Carriage { encoding, staged, cast, lossless: false })
}

/// Digits staged for an integer that goes to a decimal: 20 hold every 64-bit value.
const INT_AS_DECIMAL: StagedType = StagedType::Decimal { precision: 20, scale: 0 };

fn int_carriage(bits: u8, unsigned: bool, target: &TargetType) -> Option<Carriage> {
    let digits = match (bits, unsigned) {
        (8, _) => 3,
        (16, _) => 5,
        (24, _) => 8,
        (32, _) => 10,
        (_, false) => 19,
        (_, true) => 20,
    };
    match target {
        TargetType::Int64 if bits == 64 && unsigned => {
            lossy(Encoding::Int { bits, unsigned }, StagedType::Int64, Cast::None)
        }
        TargetType::Int64 => exact(Encoding::Int { bits, unsigned }, StagedType::Int64),
        TargetType::Numeric(shape) if fits_shape(digits, 0, *shape) => {
            exact(Encoding::IntAsDecimal { bits, unsigned }, INT_AS_DECIMAL)
        }
        TargetType::BigNumeric(shape) if fits_shape(digits, 0, *shape) => {
            adopted(Encoding::IntAsText { bits, unsigned }, StagedType::Text, Cast::To)
        }
        TargetType::Float64 if bits <= 32 => exact(Encoding::IntAsFloat { bits, unsigned }, StagedType::Float64),
        TargetType::Bool if bits == 8 => lossy(Encoding::IntAsBool { bits, unsigned }, StagedType::Bool, Cast::None),
        TargetType::String(None) => exact(Encoding::IntAsText { bits, unsigned }, StagedType::Text),
        _ => None,
    }
}

fn decimal_carriage(precision: u8, scale: u8, target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::Numeric(shape) if fits_numeric(precision, scale) && fits_shape(precision, scale, *shape) => {
            exact(Encoding::Decimal { precision, scale }, StagedType::Decimal { precision, scale })
        }
        TargetType::BigNumeric(shape)
            if precision.saturating_sub(scale) <= 38 && fits_shape(precision, scale, *shape) =>
        {
            adopted(Encoding::Text, StagedType::Text, Cast::To)
        }
        TargetType::Int64 if scale == 0 && precision <= 18 => exact(Encoding::DecimalAsInt, StagedType::Int64),
        TargetType::Float64 => lossy(Encoding::DecimalAsFloat, StagedType::Float64, Cast::None),
        TargetType::String(None) => exact(Encoding::Text, StagedType::Text),
        _ => None,
    }
}

const fn float_carriage(double: bool, target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::Float64 => exact(if double { Encoding::Double } else { Encoding::Float }, StagedType::Float64),
        TargetType::String(None) => exact(Encoding::FloatAsText { double }, StagedType::Text),
        _ => None,
    }
}

const fn bit_carriage(width: u8, target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::Bool if width == 1 => exact(Encoding::BitAsBool, StagedType::Bool),
        TargetType::Int64 if width < 64 => exact(Encoding::BitAsInt, StagedType::Int64),
        TargetType::Numeric(None) => exact(Encoding::BitAsDecimal, INT_AS_DECIMAL),
        TargetType::Bytes(None) => exact(Encoding::Bytes, StagedType::Bytes),
        _ => None,
    }
}

const fn date_carriage(target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::Date => exact(Encoding::Date, StagedType::Date),
        TargetType::String(None) => exact(Encoding::DateAsText, StagedType::Text),
        TargetType::DateTime => exact(Encoding::Wall, StagedType::DateTime),
        TargetType::Timestamp => lossy(Encoding::LocalToUtc, StagedType::Timestamp, Cast::None),
        _ => None,
    }
}

/// `to_utc` says how the wall clock becomes an instant: DATETIME through the configured zone, TIMESTAMP unchanged.
const fn datetime_carriage(fsp: u8, to_utc: Encoding, target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::Timestamp => exact(to_utc, StagedType::Timestamp),
        TargetType::DateTime => exact(Encoding::Wall, StagedType::DateTime),
        TargetType::String(None) => exact(Encoding::WallAsText { fsp }, StagedType::Text),
        _ => None,
    }
}

fn text_carriage(chars: Option<u64>, target: &TargetType) -> Option<Carriage> {
    match target {
        TargetType::String(None) => exact(Encoding::Text, StagedType::Text),
        TargetType::String(Some(length)) if chars.is_some_and(|c| c <= *length) => {
            exact(Encoding::Text, StagedType::Text)
        }
        TargetType::Bytes(None) => exact(Encoding::Bytes, StagedType::Bytes),
        TargetType::Json => lossy(Encoding::Text, StagedType::Text, Cast::ParseJson),
        TargetType::Geography => lossy(Encoding::Text, StagedType::Text, Cast::ParseGeography),
        TargetType::Int64
        | TargetType::Float64
        | TargetType::Bool
        | TargetType::Numeric(None)
        | TargetType::BigNumeric(None)
        | TargetType::Date
        | TargetType::DateTime
        | TargetType::Time
        | TargetType::Timestamp => lossy(Encoding::Text, StagedType::Text, Cast::To),
        _ => None,
    }
}

/// Tells if `ALTER COLUMN ... SET DATA TYPE` can turn `from` into `to`.
/// Source: BigQuery reference, "ALTER COLUMN SET DATA TYPE" (coercions that keep every value).
#[must_use]
pub fn widens(from: &TargetType, to: &TargetType) -> bool {
    use TargetType::{BigNumeric, Bytes, Float64, Int64, Numeric, String};
    matches!(
        (from, to),
        (Int64, Numeric(None) | BigNumeric(None) | Float64)
            | (Numeric(_), BigNumeric(None) | Float64)
            | (Numeric(Some(_)), Numeric(None))
            | (BigNumeric(Some(_)), BigNumeric(None))
            | (String(Some(_)), String(None))
            | (Bytes(Some(_)), Bytes(None))
    )
}

#[cfg(test)]
mod tests;
