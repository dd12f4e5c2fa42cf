//! Byte sizes as people write them in options and in config.yaml.

/// Reads `1500`, `500MB`, `2 TB`, in powers of 1000.
///
/// # Errors
/// What to write instead.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_uppercase();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "B" => Some(1),
        "K" | "KB" => Some(1_000),
        "M" | "MB" => Some(1_000_000),
        "G" | "GB" => Some(1_000_000_000),
        "T" | "TB" => Some(1_000_000_000_000),
        _ => None,
    };
    let bytes = factor.zip(digits.parse::<u64>().ok()).and_then(|(factor, number)| number.checked_mul(factor));
    bytes.ok_or_else(|| "write a whole number of bytes, such as `500MB` or `2TB`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = |text| parse(text).ok();
        assert_eq!(
            [read("1500"), read("500MB"), read("2 tb")],
            [Some(1_500), Some(500_000_000), Some(2_000_000_000_000)]
        );
        assert_eq!([read("1.5GB"), read("MB"), read("5 apples"), read("99999999999TB")], [None; 4]);
    }
}
