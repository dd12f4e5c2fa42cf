//! Limits on the cost of statements in BigQuery, and the table layout that lowers it.

use crate::domain::byte_size;

/// The least that BigQuery bills for a statement that reads a table.
/// Source: BigQuery, "Pricing" (minimum of 10 MB for each table).
const LEAST_BILLED: u64 = 10 << 20;

/// Source: BigQuery guide, "Clustered tables".
pub(super) const MOST_CLUSTER_COLUMNS: usize = 4;

/// Reads `maximum_bytes_billed`, for all mappings or for one.
pub(super) fn maximum(text: &str) -> Result<u64, String> {
    match byte_size::parse(text)? {
        bytes if bytes >= LEAST_BILLED => Ok(bytes),
        _ => Err(format!("BigQuery bills at least {LEAST_BILLED} bytes for each table that it reads: allow more")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{only, with};

    #[test]
    fn maximum_bytes_billed_can_be_set_for_all_mappings_and_for_one() {
        let of = |top, mapping| with(top, mapping).expect("no problem").mappings[0].maximum_bytes_billed;
        let (all, own) = ("maximum_bytes_billed: 10GB", "    maximum_bytes_billed: 2 TB");
        assert_eq!(of("", ""), None);
        assert_eq!(of(all, ""), Some(10_000_000_000));
        assert_eq!(of(all, own), Some(2_000_000_000_000));
        assert_eq!(of("maximum_bytes_billed: 10485760", ""), Some(10_485_760));
        assert_eq!(only(with("maximum_bytes_billed: 10MB", ""), "at least 10485760 bytes"), Some(3));
        let lots = with("", "    maximum_bytes_billed: lots");
        assert_eq!(only(lots, "`maximum_bytes_billed` of mapping `users` cannot be `lots`"), Some(8));
    }

    #[test]
    fn cluster_columns_must_be_few_and_distinct_and_moved() {
        let config = with("", "    cluster_by: [country, id]").expect("no problem");
        assert_eq!(config.mappings[0].cluster_by, ["country", "id"]);
        only(with("", "    cluster_by: [a, A]"), "`cluster_by` of mapping `users` names `A` twice");
        only(with("", "    cluster_by: [a, b, c, d, e]"), "5 columns; BigQuery takes 4");
        only(with("", "    cluster_by: [a]\n    exclude: [a]"), "names `a`, which `cluster_by` needs");
    }
}
