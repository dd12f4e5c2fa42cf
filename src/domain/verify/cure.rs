//! How each kind of difference is repaired.

use super::DifferenceKind;
use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::publish::PublishKind;

/// The repair of a key whose rows differ between the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Read its rows in MySQL and publish them in this way.
    Publish(PublishKind),
    /// Remove or mark its rows in BigQuery, as the mapping says.
    Delete,
    /// Leave it as it is.
    Leave,
}

/// The settings that decide the repair of a mapping's differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cures {
    pub mode: Mode,
    /// The mapping says what to do with rows that MySQL no longer has.
    pub deletes: bool,
    /// Rows of doubled keys can be removed and inserted again, because the mapping fills every column of the table.
    pub undoubles: bool,
}

impl Cures {
    #[must_use]
    pub fn of(mapping: &Mapping, undoubles: bool) -> Self {
        Self { mode: mapping.mode, deletes: mapping.deletes != Deletes::Ignore, undoubles }
    }

    #[must_use]
    pub const fn cure(&self, kind: DifferenceKind) -> Cure {
        use DifferenceKind::{Differs, Doubled, OnlyInBigquery, OnlyInMysql};
        match (kind, self.mode) {
            (OnlyInMysql | Differs, Mode::Upsert | Mode::Mirror) => Cure::Publish(PublishKind::MergeAsRead),
            // Earlier versions are history, and stay.
            (OnlyInMysql | Differs, Mode::Append) => Cure::Publish(PublishKind::InsertMissing),
            (Doubled, Mode::Upsert | Mode::Mirror) if self.undoubles => Cure::Publish(PublishKind::MergeOnce),
            (Doubled, _) => Cure::Leave,
            (OnlyInBigquery, _) if self.deletes => Cure::Delete,
            // A table that is replaced as a whole is not mended by keys.
            (OnlyInMysql | Differs, Mode::Replace) | (OnlyInBigquery, _) => Cure::Leave,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DifferenceKind::{Differs, Doubled, OnlyInBigquery, OnlyInMysql};

    fn cures(mode: Mode, deletes: bool, undoubles: bool) -> [Cure; 4] {
        [OnlyInMysql, OnlyInBigquery, Differs, Doubled].map(|kind| Cures { mode, deletes, undoubles }.cure(kind))
    }

    #[test]
    fn a_row_is_deleted_only_where_the_mapping_says_so_and_history_stays() {
        use Cure::{Delete, Leave, Publish};
        let merged = Publish(PublishKind::MergeAsRead);
        let once = Publish(PublishKind::MergeOnce);
        assert_eq!(cures(Mode::Upsert, true, true), [merged, Delete, merged, once]);
        assert_eq!(cures(Mode::Upsert, false, false), [merged, Leave, merged, Leave]);
        let missing = Publish(PublishKind::InsertMissing);
        assert_eq!(cures(Mode::Append, false, true), [missing, Leave, missing, Leave]);
        assert_eq!(cures(Mode::Append, true, true), [missing, Delete, missing, Leave]);
    }
}
