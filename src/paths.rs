//! Paths in messages.

use std::path::Path;

/// A path from a variable, for a message. A path that leads nowhere may be the secret itself in place of its file's
/// path, so it is shown only if its folder exists or if it looks like a path and nothing else.
#[must_use]
pub fn shown(path: &Path) -> String {
    let folder = path.parent().filter(|folder| path.is_absolute() && *folder != Path::new("/"));
    let has_ending = path.extension().is_some_and(|ending| ending.len() <= 5);
    if path.is_file() || folder.is_some_and(|folder| folder.is_dir() || has_ending) {
        path.display().to_string()
    } else {
        "a file that is not there (its name is not shown, because it may be the secret itself)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_may_be_a_secret_is_not_shown() {
        for secret in
            ["S3kr1t with space!#", "/S3kr1t", "MIIB/kj+a/x", "eyJ0eXBlIjoic2VydmljZV9h", "no/such/folder/ca.pem"]
        {
            assert!(!shown(Path::new(secret)).contains(secret), "{secret}");
        }
        let file = std::env::temp_dir().join("missing.pem");
        assert_eq!(shown(&file), file.display().to_string());
        assert_eq!(shown(Path::new("Cargo.toml")), "Cargo.toml");
        assert_eq!(shown(Path::new("/nowhere/key.json")), "/nowhere/key.json");
    }
}
