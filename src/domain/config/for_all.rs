//! What a file says for all of its mappings (`defaults` and the top level), for entries that are not in it yet.

use std::fmt;

use super::access::NamedSource;
use super::content::Mapping;
use super::interpolate::Env;
use super::mapping::{self, Draft};
use super::problem::Problem;
use super::read::{Reading, Value};
use super::yaml::{self, Kind};
use crate::domain::ids::SourceName;
use crate::domain::mask::Mask;
use crate::domain::new_columns::Pattern;
use crate::domain::row_filter::RowFilter;

/// The settings for a mapping that says nothing itself. A mapping's own keys override them one by one.
#[derive(Clone)]
pub struct ForAll {
    draft: Draft,
}

/// The mask of a column in `defaults`.
#[derive(Debug, Clone, Copy)]
pub struct MaskOfAll<'a> {
    pub column: &'a str,
    pub mask: &'a Mask,
    /// The mask in the words in which a mapping may repeat it; `None` if it holds a key, which nobody writes twice.
    pub written: Option<&'a str>,
}

impl ForAll {
    pub(super) const fn new(draft: Draft) -> Self {
        Self { draft }
    }

    /// The settings of a file that says nothing. `source`: the server that its mappings name.
    #[must_use]
    pub fn nothing(source: Option<&SourceName>) -> Self {
        let mut draft = mapping::defaults();
        "project".clone_into(&mut draft.mapping.target.project);
        "dataset".clone_into(&mut draft.mapping.target.dataset);
        draft.sources = source.map(|source| NamedSource::called(&source.0)).into_iter().collect();
        Self { draft }
    }

    /// The mapping that `entry`, a list of one item, would become in this file.
    ///
    /// # Errors
    /// The first problem of the entry.
    pub fn mapping(&self, entry: &str, env: Env<'_>) -> Result<Mapping, Problem> {
        let mut r = Reading { file: String::new(), env, problems: Vec::new() };
        let mut flaws = Vec::new();
        let root = yaml::parse(entry, &mut flaws);
        for flaw in flaws {
            r.problem(flaw.line, flaw.message, flaw.hint);
        }
        let node = root.as_ref().and_then(|root| match &root.kind {
            Kind::Sequence(nodes) => nodes.first(),
            Kind::Scalar { .. } | Kind::Mapping(_) => None,
        });
        let read = node.and_then(|node| mapping::read(&mut r, node, 1, &self.draft).mappings.into_iter().next());
        match (r.problems.into_iter().next(), read) {
            (Some(problem), _) => Err(problem),
            (None, Some(mapping)) => Ok(mapping),
            (None, None) => {
                let message = "it cannot be written as one entry of `mappings`".to_owned();
                Err(Problem { file: String::new(), line: None, message, hint: "write it by hand".to_owned() })
            }
        }
    }

    /// The database of mappings that name none.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.draft.mapping.source.database.as_deref()
    }

    /// The server of mappings that name none.
    #[must_use]
    pub const fn server(&self) -> Option<&SourceName> {
        self.draft.mapping.source.server.as_ref()
    }

    #[must_use]
    pub const fn filter(&self) -> Option<&RowFilter> {
        self.draft.mapping.source.filter.as_ref()
    }

    #[must_use]
    pub fn masks(&self) -> Vec<MaskOfAll<'_>> {
        let each = self.draft.of_columns.all_masks().iter();
        each.map(|masked| MaskOfAll { column: &masked.column, mask: &masked.mask, written: masked.written.as_deref() })
            .collect()
    }

    /// The patterns of `new_columns`.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.draft.of_columns.patterns
    }

    #[must_use]
    pub fn excluded(&self) -> Vec<&str> {
        texts(&self.draft.exclude)
    }

    #[must_use]
    pub fn clustered(&self) -> Vec<&str> {
        texts(&self.draft.cluster_by)
    }

    /// Each column of `columns` with its type.
    #[must_use]
    pub fn types(&self) -> Vec<(&str, &str)> {
        pairs(&self.draft.columns)
    }

    /// Each column of `rename` with its name in BigQuery.
    #[must_use]
    pub fn renamed(&self) -> Vec<(&str, &str)> {
        pairs(self.draft.of_columns.all_names())
    }

    /// Tells if `defaults` leaves `most_deleted`, the share of rows that may be deleted at once, at its usual value.
    #[must_use]
    pub fn leaves_most_deleted_open(&self) -> bool {
        let usual = mapping::defaults().mapping.most_deleted;
        (self.draft.mapping.most_deleted - usual).abs() < f64::EPSILON
    }

    #[must_use]
    pub const fn has_keys(&self) -> bool {
        self.draft.keys.are_named()
    }

    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        self.draft.options.is_partitioned()
    }

    /// The column that tables are partitioned by.
    #[must_use]
    pub fn partition_column(&self) -> Option<&str> {
        self.draft.options.column().map(|column| column.text.as_str())
    }

    /// Tells if partitions expire.
    #[must_use]
    pub const fn has_partition_life(&self) -> bool {
        self.draft.options.has_life()
    }
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value.text.as_str()).collect()
}

fn pairs(values: &[(String, Value)]) -> Vec<(&str, &str)> {
    values.iter().map(|(column, value)| (column.as_str(), value.text.as_str())).collect()
}

/// Its settings show in the mappings.
impl fmt::Debug for ForAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForAll")
    }
}
