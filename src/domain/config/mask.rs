//! Masks in the configuration: a word, or a group of one key.

use super::key::At;
use super::read::{Found, Place, Reading, nearest};
use super::yaml::{Kind, Node};
use crate::domain::counted::counted;
use crate::domain::mask::{MOST_KEPT, Mask, SHORTEST_KEY};
use crate::domain::new_columns::{Pattern, Treatment};
use crate::domain::secret::Secret;

const FORMS: &str = "write `sha256`, `null`, `{hmac: \"${MASK_KEY}\"}` or `{last: 4}`";

const MASKS: [(&str, Mask); 2] = [("sha256", Mask::Sha256), ("null", Mask::Null)];

/// A column's mask, and the place where it is given.
#[derive(Debug, Clone)]
pub(super) struct Masked {
    pub column: String,
    pub mask: Mask,
    /// The mask in words that may be repeated; `None` for a key that is not given by a variable alone.
    pub written: Option<String>,
    pub place: Place,
}

/// Reads `mask`.
pub(super) fn masks(at: &mut At<'_, '_>) -> Option<Vec<Masked>> {
    let entries = at.entries("{column: sha256}")?;
    let masks = entries.into_iter().filter_map(|(column, place, node)| {
        let mask = match node.kind {
            Kind::Mapping(_) => group(at.r, node, &place),
            Kind::Scalar { .. } | Kind::Sequence(_) => word(at.r, node, &place, FORMS, &MASKS),
        };
        let mask = mask?;
        Some(Masked { column, written: written(&mask, node), mask, place })
    });
    Some(masks.collect())
}

/// Reads `new_columns`.
pub(super) fn patterns(at: &mut At<'_, '_>) -> Option<Vec<Pattern>> {
    const MORE: &str =
        "write `exclude`, `mask` (as `sha256`), `keep`, `sha256`, `null`, `{hmac: \"${MASK_KEY}\"}` or `{last: 4}`";
    let words = [
        ("exclude", Treatment::Exclude),
        ("keep", Treatment::Keep),
        ("mask", Treatment::Mask(Mask::Sha256)),
        ("sha256", Treatment::Mask(Mask::Sha256)),
        ("null", Treatment::Mask(Mask::Null)),
    ];
    let entries = at.entries("{\"*email*\": mask}")?;
    let patterns = entries.into_iter().filter_map(|(name, place, node)| {
        let treatment = match node.kind {
            Kind::Mapping(_) => group(at.r, node, &place).map(Treatment::Mask),
            Kind::Scalar { .. } | Kind::Sequence(_) => word(at.r, node, &place, MORE, &words),
        };
        Some(Pattern { name, treatment: treatment? })
    });
    Some(patterns.collect())
}

fn written(mask: &Mask, node: &Node) -> Option<String> {
    match mask {
        Mask::Sha256 => Some("sha256".to_owned()),
        Mask::Null => Some("null".to_owned()),
        Mask::Last(most) => Some(format!("{{last: {most}}}")),
        Mask::Hmac(_) => {
            let Kind::Mapping(entries) = &node.kind else { return None };
            let Kind::Scalar { text, .. } = &entries.first()?.node.kind else { return None };
            let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            is_name.then(|| format!("{{hmac: \"${{{name}}}\"}}"))
        }
    }
}

fn word<T: Clone>(r: &mut Reading<'_>, node: &Node, place: &Place, forms: &str, words: &[(&str, T)]) -> Option<T> {
    let text = match &node.kind {
        // Here `null` is a word.
        Kind::Scalar { text, .. } if node.is_null() && !text.is_empty() => "null".to_owned(),
        Kind::Scalar { text, .. } => match r.complete(node, text, &place.name, place.clone()) {
            Found::Value(value) => value.text,
            Found::Wrong => return None,
            Found::Unset { line, written } => {
                r.unset(&place.name, line, &written);
                return None;
            }
            Found::Nothing => String::new(),
        },
        Kind::Sequence(_) | Kind::Mapping(_) => String::new(),
    };
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)).map(|(_, meaning)| meaning.clone());
    if found.is_none() {
        // The value is not shown: it may be a key in the wrong place.
        r.problem(node.line, format!("{} is not a mask", place.name), forms);
    }
    found
}

/// Reads `{hmac: KEY}` or `{last: 4}`.
fn group(r: &mut Reading<'_>, node: &Node, place: &Place) -> Option<Mask> {
    let Kind::Mapping(entries) = &node.kind else { return None };
    let [entry] = entries.as_slice() else {
        r.problem(node.line, format!("{} holds {} keys, and a mask is one", place.name, entries.len()), FORMS);
        return None;
    };
    match entry.key.as_str() {
        "hmac" => {
            let key = r.item(&entry.node, &format!("the key of {}", place.name), place.clone())?.text;
            if key.len() < SHORTEST_KEY {
                let message = format!(
                    "the key of {} has only {}, so it can be guessed",
                    place.name,
                    counted(key.len(), "character")
                );
                let hint = "take 32 random bytes, as `openssl rand -hex 32` prints them, and keep them in `.env`";
                r.problem(entry.line, message, hint);
                return None;
            }
            Some(Mask::Hmac(Secret::new(key)))
        }
        "last" => {
            let value = r.item(&entry.node, &place.name, place.clone())?;
            let most = value.text.parse().ok().filter(|most| (1..=MOST_KEPT).contains(most));
            if most.is_none() {
                r.refuse(&value, format!("write a whole number of characters from 1 to {MOST_KEPT}"));
            }
            most.map(Mask::Last)
        }
        other => {
            let message = format!("{} holds `{}`, which is not a mask", place.name, super::read::shown(other));
            r.problem(entry.line, message, nearest(other, &["hmac", "last"]));
            None
        }
    }
}
