//! The labels by which billing exports and `INFORMATION_SCHEMA.JOBS` can be searched.

use std::collections::HashMap;

use crate::warehouse::Billing;

/// The labels of every job and of the staging tables.
#[must_use]
pub fn labels(billing: &Billing) -> HashMap<String, String> {
    let mapping = billing.mapping.as_ref().map(|mapping| ("mapping", value(&mapping.0)));
    let run = billing.run.as_ref().map(|run| ("run", value(&run.0)));
    let all = [("tool", "bqsync".to_owned())].into_iter().chain(mapping).chain(run);
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A label's value: lower case letters, digits, `_` and `-`, at most 63. Source: BigQuery guide, "Labels".
fn value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    text.to_lowercase().chars().take(63).map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{MappingName, RunId};

    #[test]
    fn a_job_names_its_tool_its_mapping_and_its_run_as_far_as_it_has_them() {
        let billing = Billing {
            mapping: Some(MappingName("Orders.EU größe".into())),
            run: Some(RunId("20261123T080000Z-00ff00".into())),
            most_bytes: None,
            location: None,
        };
        let expected = [("tool", "bqsync"), ("mapping", "orders_eu_gr__e"), ("run", "20261123t080000z-00ff00")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(labels(&billing), HashMap::from(expected));
        assert_eq!(labels(&Billing::default()).len(), 1);
        assert_eq!(value(&"x".repeat(80)).len(), 63);
    }

    proptest! {
        #[test]
        fn a_labels_value_is_always_legal(text in "\\PC{0,80}") {
            let value = value(&text);
            prop_assert!(value.chars().count() <= 63);
            prop_assert!(value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-'));
        }
    }
}
