//! Numbers of things in messages: thousands are separated, and the noun has the number's form.

/// `18204` -> `18,204`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `18,204 rows`. `noun`: the singular of a noun whose plural ends in `s`.
#[must_use]
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    numbered(number.try_into().unwrap_or(u64::MAX), noun, &format!("{noun}s"))
}

/// A number with the words for one and for many: `1 row is left out`, `1,504 rows are left out`.
#[must_use]
pub fn numbered(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_has_the_form_of_its_number() {
        let rows = [0, 1, 2, 18_204].map(|rows: u64| counted(rows, "row"));
        assert_eq!(rows, ["0 rows", "1 row", "2 rows", "18,204 rows"]);
        assert_eq!(counted(1_usize, "more key"), "1 more key");
    }
}
