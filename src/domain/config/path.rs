//! Values that name a file but may hold the file's content by mistake: a key in place of its path must not become a
//! "file name" that every message shows.

use std::path::PathBuf;

/// Source: Linux, `limits.h`: PATH_MAX with its final zero, NAME_MAX.
const LONGEST: usize = 4095;
const LONGEST_NAME: usize = 255;

/// How the encoded text of a key begins: a block of PEM; in base64, `{"`, or `{` with a line break or a space.
const BEGINNINGS: [&str; 5] = ["-----BEGIN", "eyJ", "ewo", "ew0K", "eyA"];

/// No real path begins like this and is this long.
const ENCODED: usize = 100;

/// What to do about a value that is not a path.
pub(super) const HINT: &str =
    "write the path of the file instead of its content: save the content in a file that only this account can read";

/// The path; `None` for a value that cannot be a path, or is clearly something else.
pub fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let too_long = text.len() > LONGEST || text.split('/').any(|name| name.len() > LONGEST_NAME);
    let is_encoded = text.len() >= ENCODED && BEGINNINGS.iter().any(|begins| text.starts_with(begins));
    let is_pem = text.starts_with(BEGINNINGS[0]);
    let is_content = text.starts_with('{') || is_pem || is_encoded || text.contains(char::is_control);
    (!text.is_empty() && !too_long && !is_content).then(|| PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_of_a_key_file_is_not_taken_for_a_path() {
        let long = "a".repeat(256);
        let base64 = format!("ewogICJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIs{}", "Q2FuYXJ5/".repeat(20));
        let deep = "ab/".repeat(1400);
        let contents = [
            "{\"type\": \"service_account\"}",
            "  {\n\"private_key\": \"x\"}",
            "-----BEGIN PRIVATE KEY-----",
            "key.json\nMYSQL_USER=x",
            "a\0b",
            &long,
            &base64,
            &deep,
            "",
            "  ",
        ];
        for content in contents {
            assert_eq!(path(content), None, "{content}");
        }
        for name in ["key.json", "/etc/ssl/ca.pem", "~/my keys/größe{1}.json", "eyJ.json", "C:\\keys\\key.json"] {
            assert_eq!(path(name), Some(PathBuf::from(name)));
        }
    }
}
