//! Staging tables that a dead run left behind, recognised by name and label, so that nobody else's table is touched.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::Api;
use super::error::ApiError;
use crate::domain::ids::TableId;
use crate::domain::naming::STAGING_PREFIX;

/// One page of `tables.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    tables: Vec<Listed>,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    table_reference: Reference,
    #[serde(default)]
    labels: HashMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    table_id: String,
}

impl Listed {
    fn is_ours(&self) -> bool {
        self.table_reference.table_id.starts_with(STAGING_PREFIX)
            && self.labels.get("tool").is_some_and(|tool| tool == "bqsync")
    }
}

impl Api {
    /// Every staging table of ours in the dataset of `beside`; none if the dataset does not exist.
    pub async fn staging_tables(&self, beside: &TableId) -> Result<Vec<TableId>, ApiError> {
        let url = self.url(false, &beside.project, &["datasets", &beside.dataset, "tables"]);
        let fields = "nextPageToken,tables(tableReference(tableId),labels)";
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("maxResults", "1000".to_owned()), ("fields", fields.to_owned())];
            query.extend(token.take().map(|token| ("pageToken", token)));
            let looking = format!("looking for staging tables in {}.{}", beside.project, beside.dataset);
            let page: Page = match self.json(looking, |http| http.get(&url).query(&query)).await {
                Err(error) if error.is_not_found() => return Ok(found),
                answer => answer?,
            };
            let ours = page.tables.into_iter().filter(Listed::is_ours);
            found.extend(ours.map(|listed| beside.sibling(listed.table_reference.table_id)));
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_table_with_our_name_and_label_is_ours() {
        let page = r#"{"tables": [
            {"tableReference": {"tableId": "bqsync_staging_orders_1"}, "labels": {"tool": "bqsync"}},
            {"tableReference": {"tableId": "bqsync_staging_kept_by_somebody"}, "labels": {"tool": "other"}},
            {"tableReference": {"tableId": "bqsync_staging_without_labels"}},
            {"tableReference": {"tableId": "orders"}, "labels": {"tool": "bqsync"}}]}"#;
        let page: Page = serde_json::from_str(page).unwrap();
        let ours: Vec<_> = page.tables.iter().filter(|t| t.is_ours()).map(|t| &t.table_reference.table_id).collect();
        assert_eq!(ours, ["bqsync_staging_orders_1"]);
    }
}
