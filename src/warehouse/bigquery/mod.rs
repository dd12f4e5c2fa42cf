//! BigQuery through its REST API.
