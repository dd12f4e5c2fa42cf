//! Names in a sentence: as many as there is room for, and how many more there are.

use crate::domain::ids::MappingName;
use crate::tui::text::width;

/// Names in at most `cells` cells: `orders, users and 12 more`. At least one name is shown.
#[must_use]
pub fn listed(names: &[MappingName], cells: usize) -> String {
    let mut said = String::new();
    for (place, name) in names.iter().enumerate() {
        let left = names.len() - place - 1;
        let tail = if left == 0 { 0 } else { width(&format!(" and {left} more")) };
        if place > 0 && width(&said) + 2 + width(&name.0) + tail > cells {
            return format!("{said} and {} more", left + 1);
        }
        if place > 0 {
            said.push_str(", ");
        }
        said.push_str(&name.0);
    }
    said
}

/// Names, as many as fit into a question on a screen of this size, beside its other lines.
#[must_use]
pub fn asked_about(names: &[MappingName], size: (u16, u16)) -> String {
    /// The lines for frame, answers and sentences.
    const OTHER_LINES: u16 = 13;
    let cells = size.0.clamp(40, 90) - 8;
    let lines = size.1.saturating_sub(OTHER_LINES).max(1);
    // Lines break between names, so a part of each line stays empty.
    listed(names, usize::from(cells) * usize::from(lines) * 4 / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_fit_are_counted() {
        let names: Vec<MappingName> = ["orders", "users", "carts"].map(|name| MappingName(name.into())).into();
        assert_eq!(listed(&names, 80), "orders, users, carts");
        assert_eq!(listed(&names, 19), "orders and 2 more");
        assert_eq!(listed(&names, 1), "orders and 2 more");
        assert_eq!(listed(&names[..1], 1), "orders");
        let many: Vec<MappingName> = (0..300).map(|n| MappingName(format!("mapping_{n}"))).collect();
        let said = asked_about(&many, (80, 24));
        assert!(said.ends_with(" more") && said.len() < 72 * 11, "{said}");
    }
}
