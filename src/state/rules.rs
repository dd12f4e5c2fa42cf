//! By which rules rows were moved: what a later change of them leaves below the watermark is told by this.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::config::Mapping;
use crate::domain::mask::hex;
use crate::domain::new_columns::Treatment;

/// In a rule's place: rows came by more than one. No rule's own word is like it.
pub const SEVERAL: &str = "several";

/// Of a mapping that is moved by a watermark; where all rows and all columns move as they are, it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// A word for `where`: the condition itself may say what is nobody's business.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A word for the mask of each column, or of each pattern of columns, which tells it from any other and gives no key
    /// away.
    #[serde(rename = "mask", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<String, String>,
    /// Names that columns have in BigQuery, where these are others.
    #[serde(rename = "rename", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Columns of MySQL's table that rows below the watermark came without.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<String>,
}

impl Rules {
    /// As the mapping has them now; which columns are left out is not the mapping's alone to say.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        let filter = mapping.source.filter.as_ref().map(|filter| fingerprint(filter.text()));
        let patterns = mapping.new_columns.iter().filter_map(|pattern| match &pattern.treatment {
            Treatment::Mask(mask) => Some((&pattern.name, mask)),
            Treatment::Exclude | Treatment::Keep => None,
        });
        let masks = mapping.mask.iter().chain(patterns);
        let masks = masks.map(|(column, mask)| (column.clone(), mask.fingerprint())).collect();
        Self { filter, masks, names: mapping.rename.clone(), left_out: BTreeSet::new() }
    }

    /// The same once rows have come by others as well: whatever the mapping says later, it is not what all of them came by.
    #[must_use]
    pub fn mixed_with(&self, now: &Self) -> Self {
        let word = || SEVERAL.to_owned();
        let mixed = |then: &BTreeMap<String, String>, now: &BTreeMap<String, String>| {
            let columns: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
            let of = |column: &String| {
                if then.get(column) == now.get(column) { then.get(column).cloned() } else { Some(word()) }
            };
            columns.into_iter().filter_map(|column| Some((column.clone(), of(column)?))).collect()
        };
        Self {
            filter: if self.filter == now.filter { self.filter.clone() } else { Some(word()) },
            masks: mixed(&self.masks, &now.masks),
            names: mixed(&self.names, &now.names),
            left_out: self.left_out.union(&now.left_out).cloned().collect(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filter.is_none() && self.masks.is_empty() && self.names.is_empty() && self.left_out.is_empty()
    }
}

/// Twelve digits: enough to tell one rule from another.
fn fingerprint(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..6])
}
