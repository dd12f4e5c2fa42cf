//! How the rows of a window are read.

use super::*;

#[test]
fn rows_are_read_in_pages_only_if_an_index_and_the_keys_allow_it() {
    let settled = || case(Some(TEXT), Some(TargetType::String(None)));
    assert_eq!(settled().planned().table.paging, Paging::Keyset);
    let mut no_index = settled();
    no_index.source.indexes.pop();
    let planned = no_index.planned();
    assert_eq!(planned.table.paging, Paging::Stream);
    assert!(
        planned.warnings[0].to_string().contains("CREATE INDEX `idx_updated_at` ON `users` (`updated_at`)"),
        "{:?}",
        planned.warnings
    );
    let mut view = settled();
    (view.source.is_view, view.source.indexes) = (true, Vec::new());
    let planned = view.planned();
    assert_eq!((planned.table.paging, planned.warnings.len()), (Paging::Stream, 0));
    let mut not_unique = settled();
    not_unique.source.unique_keys.clear();
    let mut nullable = settled();
    nullable.mapping.primary_keys = vec!["x".into()];
    nullable.source.unique_keys.push(vec!["x".into()]);
    let mut by_position = case(Some(SourceType::Enum), Some(TargetType::String(None)));
    by_position.mapping.primary_keys = vec!["x".into()];
    by_position.source.unique_keys.push(vec!["x".into()]);
    by_position.source.columns[2].nullable = false;
    let mut no_keys = settled();
    no_keys.mapping.primary_keys.clear();
    for streamed in [not_unique, nullable, by_position, no_keys] {
        assert_eq!(streamed.planned().table.paging, Paging::Stream);
    }
}
