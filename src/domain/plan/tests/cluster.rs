//! The columns by which a new table is clustered.

use super::*;

/// A new table of `id`, `updated_at` and `x`.
fn new_table(x: SourceType, cluster_by: &[&str]) -> Case {
    let mut case = case(Some(x), None);
    case.target = None;
    case.mapping.cluster_by = cluster_by.iter().map(|name| (*name).to_owned()).collect();
    case
}

#[test]
fn a_new_table_is_clustered_by_cluster_by_or_the_keys_or_the_incremental_column() {
    let text = SourceType::Text { chars: Some(10) };
    assert_eq!(new_table(text.clone(), &["x", "ID"]).planned().table.cluster, [2, 0]);
    let mut by_default = new_table(text, &[]);
    assert_eq!(by_default.planned().table.cluster, [0]);
    by_default.mapping.primary_keys.clear();
    assert_eq!(by_default.planned().table.cluster, [1]);
}

#[test]
fn a_column_that_cannot_cluster_is_refused_only_for_a_new_table() {
    let mut case = new_table(SourceType::Binary, &["x"]);
    let fault = case.plan().unwrap_err();
    assert!(fault.to_string().contains("`cluster_by` of mapping `users` names `x`, which will be BYTES"), "{fault}");
    case.target = Some(target(&[("x", TargetType::Bytes(None))]));
    assert_eq!(case.planned().table.cluster, [2]);
    case.mapping.cluster_by = vec!["nowhere".into()];
    assert!(
        case.plan().unwrap_err().to_string().contains("`cluster_by` of mapping `users` names the column `nowhere`")
    );
}
