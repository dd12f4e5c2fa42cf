//! Variables of a server whose names are misspelt: nothing reads them, and a default takes their place without a word.

use super::access::{NamedSource, PLAIN};

/// What the names of a server's variables end with.
const ENDINGS: [&str; 14] = [
    "HOST",
    "PORT",
    "SOCKET",
    "USER",
    "PASSWORD",
    "PASSWORD_FILE",
    "PASSWORD_COMMAND",
    "DATABASE",
    "SSL_MODE",
    "SSL_CA",
    "SSL_CERT",
    "SSL_KEY",
    "ENABLE_CLEARTEXT_PLUGIN",
    "SSH",
];

/// A variable that nothing reads, and the one that is not set and has nearly the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt {
    pub written: String,
    pub meant: String,
}

/// The misspelt ones of the variables that are set, for the server without a name and those of `sources`.
#[must_use]
pub fn misspelt(sources: &[NamedSource], set: &[String]) -> Vec<Misspelt> {
    let prefixes: Vec<&str> = sources.iter().map(|source| source.prefix.as_str()).chain([PLAIN]).collect();
    let longest = |name: &&String| {
        prefixes.iter().copied().filter(|prefix| name.starts_with(prefix)).max_by_key(|prefix| prefix.len())
    };
    set.iter().filter_map(|name| meant(name, longest(&name)?, set)).collect()
}

/// The misspelt variable in the place of one that is not set.
#[must_use]
pub fn misspelling_of(missing: &str, set: &[String]) -> Option<Misspelt> {
    let prefix = ENDINGS.iter().filter_map(|ending| missing.strip_suffix(ending)).min_by_key(|prefix| prefix.len())?;
    let mut near = set.iter().filter(|name| name.starts_with(prefix)).filter_map(|name| meant(name, prefix, set));
    near.find(|near| near.meant == missing)
}

fn meant(name: &str, prefix: &str, set: &[String]) -> Option<Misspelt> {
    let ending = name.strip_prefix(prefix).filter(|ending| !ENDINGS.contains(ending))?;
    let likeness = |known: &str| strsim::jaro_winkler(ending, known);
    let near = ENDINGS.into_iter().filter(|known| {
        // Other programs read variables that begin like the plain ones, such as MYSQL_ROOT_PASSWORD.
        likeness(known) > 0.8 && (prefix != PLAIN || strsim::damerau_levenshtein(ending, known) <= 2)
    });
    let meant = near.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    let meant = format!("{prefix}{meant}");
    (!set.contains(&meant)).then(|| Misspelt { written: name.to_owned(), meant })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_variable_that_nothing_reads_is_named_with_the_one_that_was_meant() {
        let sources = ["eu", "eu-west"].map(NamedSource::called);
        for (written, meant) in [
            ("MYSQL_EU_PASSWROD", "MYSQL_EU_PASSWORD"),
            ("MYSQL_EU_HSOT", "MYSQL_EU_HOST"),
            ("MYSQL_EU_USERNAME", "MYSQL_EU_USER"),
            ("MYSQL_EU_WEST_PASS", "MYSQL_EU_WEST_PASSWORD"),
            ("MYSQL_PASWORD", "MYSQL_PASSWORD"),
            ("MYSQL_SSL_MOD", "MYSQL_SSL_MODE"),
        ] {
            let found = Misspelt { written: written.to_owned(), meant: meant.to_owned() };
            assert_eq!(misspelt(&sources, &names(&[written])), std::slice::from_ref(&found));
            assert!(misspelt(&sources, &names(&[written, meant])).is_empty(), "{meant} is set");
            assert_eq!(misspelling_of(meant, &names(&[written])), Some(found));
        }
    }

    #[test]
    fn variables_of_servers_and_of_other_programs_are_not_taken_for_misspelt_ones() {
        let sources = ["eu", "eu-west"].map(NamedSource::called);
        let known = ENDINGS.iter().map(|ending| format!("MYSQL_EU_WEST_{ending}")).collect::<Vec<_>>();
        assert!(misspelt(&sources, &known).is_empty());
        assert!(ENDINGS.iter().all(|ending| misspelling_of(&format!("MYSQL_{ending}"), &known).is_none()));
        // Read by MySQL's clients, MySQL's images, or Kubernetes' links.
        let others = [
            "MYSQL_HOME",
            "MYSQL_PWD",
            "MYSQL_TCP_PORT",
            "MYSQL_UNIX_PORT",
            "MYSQL_ROOT_PASSWORD",
            "MYSQL_ROOT_HOST",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "MYSQL_SERVICE_HOST",
            "MYSQL_SERVICE_PORT",
            "MYSQL_PORT_3306_TCP_ADDR",
            "MYSQL_HISTFILE",
            "MYSQL_VERSION",
        ];
        assert_eq!(misspelt(&[], &names(&others)), []);
    }
}
