//! The one table of keys: it decides what keys do, what the footer offers, and what help and documentation list.

pub mod commands;
mod kinds;
mod table;

use self::table::{KEYS, SCREENS};

pub use self::kinds::{Action, Binding, Key, Scope};

/// The bindings that exist in a scope.
pub fn bindings(scope: Scope, read_only: bool) -> impl Iterator<Item = &'static Binding> {
    KEYS.iter().filter(move |binding| binding.scopes.contains(&scope) && !(read_only && binding.writes))
}

/// What a key means in a scope.
#[must_use]
pub fn action(scope: Scope, key: Key, read_only: bool) -> Option<Action> {
    bindings(scope, read_only).find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

/// The message for a key that has no meaning in a scope: where it has one.
#[must_use]
pub fn nothing(scope: Scope, key: Key, read_only: bool) -> String {
    let name = key.name();
    if read_only && action(scope, key, false).is_some() {
        return format!("{name} writes, and this console was opened with --read-only");
    }
    if scope == Scope::Dialog {
        return format!("{name} is not one of the answers");
    }
    let elsewhere = KEYS.iter().filter(|binding| binding.keys.contains(&key) && !(read_only && binding.writes));
    let places: Vec<&str> = SCREENS
        .iter()
        .filter(|place| elsewhere.clone().any(|binding| binding.scopes.contains(place)))
        .map(|place| place.title())
        .collect();
    if places.is_empty() || scope == Scope::Help {
        return format!("{name} does nothing here; ? lists the keys");
    }
    format!("{name} does nothing here; it works on {}", places.join(", "))
}

/// The names of a binding's keys: `j, Down`.
#[must_use]
pub fn names(binding: &Binding) -> String {
    binding.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
