//! Rules for columns that the mapping does not name: they go by the column's name, so that they cover a column that is
//! added tomorrow.
//!
//! A pattern applies to every column, new or old: otherwise a value would arrive unmasked once nobody remembers when
//! its column came.

use super::mask::Mask;

/// What a pattern does with the columns that match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// The column stays in MySQL.
    Exclude,
    Mask(Mask),
    /// The column arrives unchanged, whatever later patterns say.
    Keep,
}

/// A name in which `*` stands for any characters and `?` for one, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub name: String,
    pub treatment: Treatment,
}

impl Pattern {
    #[must_use]
    pub fn matches(&self, column: &str) -> bool {
        is_like(&self.name, column)
    }
}

/// Tells if a name matches a pattern in which `*` stands for any characters and `?` for one, in any case.
#[must_use]
pub fn is_like(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    matches(&lower(pattern), &lower(name))
}

/// The treatment of the first pattern that matches.
#[must_use]
pub fn treatment<'a>(patterns: &'a [Pattern], column: &str) -> Option<&'a Treatment> {
    patterns.iter().find(|pattern| pattern.matches(column)).map(|pattern| &pattern.treatment)
}

/// Backtracks only to the last `*`, so that no pattern takes long.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(c), _) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            (_, Some((at, from))) => {
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_decides() {
        let pattern = |name: &str, treatment| Pattern { name: name.to_owned(), treatment };
        let patterns = [
            pattern("email_opt_in", Treatment::Keep),
            pattern("*Email*", Treatment::Mask(Mask::Sha256)),
            pattern("*password*", Treatment::Exclude),
            pattern("p?n", Treatment::Exclude),
        ];
        let of = |column| treatment(&patterns, column);
        assert_eq!(of("email_opt_in"), Some(&Treatment::Keep));
        for column in ["email", "contact_EMAIL", "emailemai", "é_email_2"] {
            assert_eq!(of(column), Some(&Treatment::Mask(Mask::Sha256)), "{column}");
        }
        assert_eq!((of("user_password"), of("PIN"), of("pan")), (of("password"), of("pin"), of("pen")));
        for column in ["emai", "passwor", "pn", "piin", ""] {
            assert_eq!(of(column), None, "{column}");
        }
    }
}
