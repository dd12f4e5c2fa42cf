//! Shares of a number of rows.

/// The number of rows that a share from 0 to 1 of `whole` rows allows.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1 of a number of rows, and tables of 2^53 rows are none"
)]
pub fn of(whole: u64, share: f64) -> u64 {
    (whole as f64 * share) as u64
}

/// The least share, in hundredths, that allows `part` of `whole` rows: the figure to write into the configuration.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share for people to read, and tables of 2^53 rows are none")]
pub fn that_allows(part: u64, whole: u64) -> f64 {
    if part >= whole {
        return 1.0;
    }
    let hundredths = (u128::from(part) * 100).div_ceil(u128::from(whole)) as f64;
    let least = hundredths / 100.0;
    // The product of two such figures may fall just short of a whole row.
    if of(whole, least) >= part { least } else { ((hundredths + 1.0) / 100.0).min(1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_share_that_would_have_been_enough_is_rounded_up() {
        for (part, whole, share) in [(11, 100, 0.11), (1, 3, 0.34), (1, 10_000, 0.01), (100, 100, 1.0), (7, 0, 1.0)] {
            assert!((that_allows(part, whole) - share).abs() < 1e-9, "{part} of {whole}: {}", that_allows(part, whole));
        }
        // 100 times 0.29 is 28.999999999999996.
        assert_eq!(that_allows(29, 100).to_string(), "0.3");
    }

    proptest! {
        #[test]
        fn the_named_share_lets_the_rows_go(whole in 1_u64..10_000_000, percent in 0_u64..=100) {
            let part = whole * percent / 100;
            let named = that_allows(part, whole).to_string();
            prop_assert!(of(whole, named.parse().unwrap()) >= part, "{part} of {whole}: {named}");
        }
    }
}
