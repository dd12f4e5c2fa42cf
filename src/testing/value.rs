//! Values of both sides in a form that can be compared.

use std::fmt;

use crate::domain::cursor::{Cursor, Moment};

/// A value; NULL sorts first, as in MySQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    At(Moment),
}

/// Values in the order of the table's columns.
pub type Row = Vec<Value>;

impl Value {
    /// The value as one of the incremental column; `None` for NULL and text.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Int(value) => Some(Cursor::Int(i128::from(*value))),
            Self::At(moment) => Some(Cursor::Moment(*moment)),
            Self::Null | Self::Text(_) => None,
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Int(_) | Self::At(_) => 8,
            Self::Text(text) => text.len(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::At(moment) => moment.fmt(f),
        }
    }
}

/// A moment from text such as `2026-11-23 08:00:00`.
pub fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}
