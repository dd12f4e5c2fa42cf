//! The names of the objects under the prefix.

use sha2::{Digest, Sha256};

use crate::domain::ids::{MappingName, RunId};
use crate::domain::naming;
use crate::host::host_name;
use crate::state::SumsPlace;
use crate::state::reports::file_stem;

/// A longer name is cut: object names have at most 1,024 bytes.
const LONGEST_PLAIN: usize = 100;

/// The names under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self { prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") } }
    }

    pub fn state(&self, mapping: &MappingName) -> String {
        format!("{}{}.json", self.states_folder(), stem(mapping))
    }

    pub fn states_folder(&self) -> String {
        format!("{}state/", self.prefix)
    }

    /// Where the checksums of a mirror are kept.
    pub fn sums(&self, mapping: &MappingName, place: SumsPlace) -> String {
        format!("{}sums/{}.{}.json", self.prefix, stem(mapping), place.word())
    }

    /// Where the tables are kept that the entries for many tables take.
    pub fn tables(&self) -> String {
        format!("{}tables.json", self.prefix)
    }

    pub fn lease(&self, mapping: &MappingName) -> String {
        format!("{}{}.json", self.leases_folder(), stem(mapping))
    }

    pub fn leases_folder(&self) -> String {
        format!("{}leases/", self.prefix)
    }

    pub fn run(&self, run: &RunId) -> String {
        format!("{}{}.json", self.runs_folder(), file_stem(&run.0))
    }

    /// Differs for each process and host, so that two checks at the same time do not collide.
    pub fn probe(&self) -> String {
        format!("{}check/{}-{}.json", self.prefix, naming::id_part(&host_name()), std::process::id())
    }

    pub fn runs_folder(&self) -> String {
        format!("{}runs/", self.prefix)
    }

    /// Where the original tool kept all watermarks.
    pub fn original(&self) -> String {
        format!("{}state.json", self.prefix)
    }
}

/// The mapping's own name where it is plain. Any other name is made plain and gets a digest after a dot, which no plain
/// name has, to tell it from similar names.
fn stem(mapping: &MappingName) -> String {
    let name = &mapping.0;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.len() <= LONGEST_PLAIN && name.chars().all(plain) {
        return name.clone();
    }
    let digest = Sha256::digest(name.as_bytes());
    let short: String = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{}.{short}", naming::id_part(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use object_store::path::Path;

    use super::*;

    #[test]
    fn every_mapping_has_its_own_object_with_a_valid_name() {
        let names = Names::new("/etl/prod/");
        assert_eq!(names.state(&MappingName("users-eu_2".into())), "etl/prod/state/users-eu_2.json");
        assert_eq!(Names::new("").lease(&MappingName("users".into())), "leases/users.json");
        let odd =
            ["a/b", "a.b", "a b", "a_b", "名前", "größe", "..", "a%2Fb", "a#b[0]*?", "\u{7f}\n", &"x".repeat(400)];
        let all: HashSet<_> = odd.iter().map(|name| names.state(&MappingName((*name).to_owned()))).collect();
        assert_eq!(all.len(), odd.len());
        for name in all {
            assert!(name.len() < 200 && Path::parse(&name).unwrap().as_ref() == name, "{name}");
        }
        assert_eq!(names.run(&RunId("../../x".into())), "etl/prod/runs/______x.json");
    }
}
