//! State in one local file.
