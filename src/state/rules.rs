//! The rules under which rows were moved: they show what a later change of the rules leaves below the watermark.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::config::Mapping;
use crate::domain::mask::hex;
use crate::domain::new_columns::Treatment;

/// Stands in the place of a rule when rows came under more than one. No rule's own digest looks like it.
pub const SEVERAL: &str = "several";

/// The rules of a mapping that is moved by a watermark; empty where all rows and columns move unmasked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// A digest of `where`: the condition itself may be confidential.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A digest of the mask of each column, or of each pattern of columns. It differs for any other mask and reveals no
    /// key.
    #[serde(rename = "mask", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<String, String>,
    /// The BigQuery names of columns that are renamed.
    #[serde(rename = "rename", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Columns of the MySQL table that rows below the watermark were published without.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<String>,
}

impl Rules {
    /// The rules as the mapping says them now; which columns are left out depends on the table too.
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

    /// These rules once rows have come under others as well: from then on no single set of rules describes all rows.
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
