//! Columns whose names read like secrets or personal data.
//!
//! A name is only a guess. The proposal says what it takes for personal data, and an operator who knows better removes
//! the line.

use crate::domain::column::SourceColumn;
use crate::domain::source_type::SourceType;

/// What a column's name suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A secret, which no analysis needs.
    Secret,
    /// Personal data, which identifies somebody.
    Personal,
}

/// Words that count anywhere in a name, with separators removed.
const SECRET_WITHIN: [&str; 11] = [
    "password",
    "passwort",
    "sessionid",
    "passwd",
    "passphrase",
    "apikey",
    "privatekey",
    "secretkey",
    "accesstoken",
    "refreshtoken",
    "credential",
];
const PERSONAL_WITHIN: [&str; 23] = [
    "username",
    "telefon",
    "nachname",
    "vorname",
    "cardno",
    "accountnumber",
    "taxid",
    "loginname",
    "email",
    "phone",
    "passport",
    "iban",
    "firstname",
    "lastname",
    "surname",
    "fullname",
    "birthdate",
    "birthday",
    "dateofbirth",
    "creditcard",
    "cardnumber",
    "socialsecurity",
    "ipaddress",
];

/// Words that count only as a whole word of the name.
const SECRET_WORDS: [&str; 11] =
    ["pwd", "pass", "secret", "token", "salt", "otp", "totp", "pin", "cvv", "cvc", "credentials"];
const PERSONAL_WORDS: [&str; 15] = [
    "address",
    "addresse",
    "mail",
    "mobile",
    "tel",
    "telephone",
    "fax",
    "ssn",
    "tin",
    "bic",
    "dob",
    "street",
    "birth",
    "ip",
    "vat",
];

/// What a column's name suggests; `None` for columns that hold no text, such as a count of emails or the time of one.
pub fn reads(column: &SourceColumn) -> Option<Reads> {
    let words = words(&column.name);
    let whole = words.concat();
    let is = |within: &[&str], single: &[&str]| {
        // `address2` is another address.
        let plural = |word: &String, known: &str| {
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
            word == known || word.strip_suffix('s') == Some(known)
        };
        within.iter().any(|known| whole.contains(known))
            || words.iter().any(|word| single.iter().any(|known| plural(word, known)))
    };
    let is_text = matches!(column.source_type, SourceType::Text { .. } | SourceType::Binary);
    if is_text && is(&SECRET_WITHIN, &SECRET_WORDS) {
        return Some(Reads::Secret);
    }
    let may_tell = is_text || matches!(column.source_type, SourceType::Inet);
    let born = column.source_type == SourceType::Date
        && is(&["birthdate", "birthday", "dateofbirth"], &["dob", "birth", "born"]);
    let is_amount = matches!(column.source_type, SourceType::Decimal { .. } | SourceType::Float | SourceType::Double);
    let paid = (is_amount || is_text) && is(&["salary"], &["wage", "gehalt"]);
    (born || paid || (may_tell && is(&PERSONAL_WITHIN, &PERSONAL_WORDS))).then_some(Reads::Personal)
}

/// `homePhone_no` -> `home`, `phone`, `no`.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let is_new = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if is_new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, source_type: SourceType) -> Option<Reads> {
        reads(&SourceColumn::new(name, source_type, true))
    }

    #[test]
    fn names_of_text_columns_suggest_secrets_and_personal_data() {
        let text = || SourceType::Text { chars: Some(80) };
        for name in ["password", "user_password_hash", "pwd", "API_KEY", "resetToken", "cvv", "tokens", "pin"] {
            assert_eq!(of(name, text()), Some(Reads::Secret), "{name}");
        }
        for name in [
            "email",
            "customeremail",
            "homePhone",
            "iban",
            "SSN",
            "tel_2",
            "firstName",
            "last_name",
            "mobile",
            "user_name",
            "address2",
            "card_no",
        ] {
            assert_eq!(of(name, text()), Some(Reads::Personal), "{name}");
        }
        for name in ["hotel", "spinner", "description", "tokenizer", "compass", "status", "opinion", "shipped_from"] {
            assert_eq!(of(name, text()), None, "{name}");
        }
    }

    #[test]
    fn a_count_or_time_of_personal_data_is_not_personal_data() {
        assert_eq!(of("email_count", SourceType::Int { bits: 32, unsigned: false }), None);
        assert_eq!(of("email_sent_at", SourceType::DateTime { fsp: 0 }), None);
        assert_eq!(of("birth_date", SourceType::Date), Some(Reads::Personal));
        assert_eq!(of("ship_date", SourceType::Date), None);
        assert_eq!(of("born", SourceType::Date), Some(Reads::Personal));
        assert_eq!(of("salary", SourceType::Double), Some(Reads::Personal));
        assert_eq!(of("ip", SourceType::Inet), Some(Reads::Personal));
    }
}
