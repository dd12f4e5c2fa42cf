//! By which rules rows were moved: what a later change of them leaves below the watermark is told by this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::config::Mapping;

/// Of a mapping that is moved by a watermark; without `where` and `mask` it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// A word for `where`: the condition itself may say what is nobody's business.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A word for each column's mask, which tells it from any other and gives no key away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mask: BTreeMap<String, String>,
}

impl Rules {
    /// As the mapping has them now.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        let filter = mapping.source.filter.as_ref().map(|filter| fingerprint(filter.text()));
        Self { filter, mask: BTreeMap::new() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filter.is_none() && self.mask.is_empty()
    }
}

/// Twelve digits: enough to tell one rule from another.
fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
