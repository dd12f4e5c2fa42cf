//! The types a BigQuery column can have, as the API and the configuration spell them.

use std::fmt;
use std::str::FromStr;

/// A BigQuery column type; parameters are kept because they bound what fits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetType {
    Int64,
    Float64,
    Bool,
    /// `None`: the type's full range (29 digits before the point, 9 after).
    Numeric(Option<DecimalShape>),
    /// `None`: the type's full range (38 digits before the point, 38 after).
    BigNumeric(Option<DecimalShape>),
    /// The most characters a value may have.
    String(Option<u64>),
    /// The most bytes a value may have.
    Bytes(Option<u64>),
    Date,
    DateTime,
    Time,
    Timestamp,
    Json,
    Geography,
    /// RECORD, RANGE, INTERVAL, a repeated column: we never write to these.
    Other(String),
}

/// Digits of a parameterised decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecimalShape {
    pub precision: u8,
    pub scale: u8,
}

impl TargetType {
    /// The type's name without parameters, as the REST schema takes it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Int64 => "INT64",
            Self::Float64 => "FLOAT64",
            Self::Bool => "BOOL",
            Self::Numeric(_) => "NUMERIC",
            Self::BigNumeric(_) => "BIGNUMERIC",
            Self::String(_) => "STRING",
            Self::Bytes(_) => "BYTES",
            Self::Date => "DATE",
            Self::DateTime => "DATETIME",
            Self::Time => "TIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
            Self::Geography => "GEOGRAPHY",
            Self::Other(name) => name,
        }
    }

    /// Reads a type name of the API or of SQL (`INTEGER`, `INT64`, `FLOAT`, ...), any case, without parameters.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "INT64" | "INTEGER" | "INT" | "BIGINT" | "SMALLINT" | "TINYINT" | "BYTEINT" => Self::Int64,
            "FLOAT64" | "FLOAT" => Self::Float64,
            "BOOL" | "BOOLEAN" => Self::Bool,
            "NUMERIC" | "DECIMAL" => Self::Numeric(None),
            "BIGNUMERIC" | "BIGDECIMAL" => Self::BigNumeric(None),
            "STRING" => Self::String(None),
            "BYTES" => Self::Bytes(None),
            "DATE" => Self::Date,
            "DATETIME" => Self::DateTime,
            "TIME" => Self::Time,
            "TIMESTAMP" => Self::Timestamp,
            "JSON" => Self::Json,
            "GEOGRAPHY" => Self::Geography,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Tells if the column may be part of a primary key.
    /// Source: BigQuery reference, "Primary and foreign keys" (FLOAT64, TIME, JSON and GEOGRAPHY are refused).
    #[must_use]
    pub const fn can_be_key(&self) -> bool {
        matches!(
            self,
            Self::Int64
                | Self::Bool
                | Self::Numeric(_)
                | Self::BigNumeric(_)
                | Self::String(_)
                | Self::Bytes(_)
                | Self::Date
                | Self::DateTime
                | Self::Timestamp
        )
    }

    /// Tells if the table may be clustered on the column.
    /// Source: BigQuery reference, "Clustered tables" (BYTES, FLOAT64, TIME and JSON are refused).
    #[must_use]
    pub const fn can_cluster(&self) -> bool {
        matches!(
            self,
            Self::Int64
                | Self::Bool
                | Self::Numeric(_)
                | Self::BigNumeric(_)
                | Self::String(_)
                | Self::Date
                | Self::DateTime
                | Self::Timestamp
                | Self::Geography
        )
    }
}

impl fmt::Display for TargetType {
    /// Writes the type as in DDL: `NUMERIC(10,2)`, `STRING(20)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Numeric(Some(shape)) | Self::BigNumeric(Some(shape)) => {
                write!(f, "({},{})", shape.precision, shape.scale)
            }
            Self::String(Some(length)) | Self::Bytes(Some(length)) => write!(f, "({length})"),
            _ => Ok(()),
        }
    }
}

impl FromStr for TargetType {
    type Err = String;

    /// Reads a type as written in config.yaml: a name without parameters.
    ///
    /// # Errors
    /// A sentence that lists the types, if it is none of them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::from_name(text.trim()) {
            Self::Other(name) => Err(format!(
                "`{name}` is not a BigQuery type; use INT64, FLOAT64, BOOL, NUMERIC, BIGNUMERIC, STRING, BYTES, DATE, \
                 DATETIME, TIME, TIMESTAMP, JSON or GEOGRAPHY, without parameters"
            )),
            known => Ok(known),
        }
    }
}
