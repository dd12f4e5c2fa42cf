//! The servers that answer at one address: connections through a balancer reach different servers, and what one of them
//! says about open transactions is not true of the others.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An expression that tells a server from others at the same address.
pub const IDENTITY: &str = "CONCAT_WS(' ', @@global.hostname, @@global.port, @@global.server_id)";

/// After this time a former server is forgotten, for instance after a failover.
const REMEMBERED: Duration = Duration::from_mins(10);

/// When each server was last reached, by address; one list for the process, as connections are.
static REACHED: LazyLock<Mutex<HashMap<(String, String), Instant>>> = LazyLock::new(Mutex::default);

/// Records that a connection to `place` has reached `server`.
pub fn note(place: String, server: &str) {
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    reached.insert((place, server.to_owned()), Instant::now());
    reached.retain(|_, at| at.elapsed() < REMEMBERED);
}

pub fn several(place: &str) -> bool {
    let reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    reached.iter().filter(|((at, _), when)| at == place && when.elapsed() < REMEMBERED).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_behind_one_address_are_noticed_and_two_addresses_are_not_confused() {
        note("balancer:3306".into(), "a 3306 1");
        note("balancer:3306".into(), "a 3306 1");
        note("other:3306".into(), "b 3306 2");
        assert!(!several("balancer:3306") && !several("other:3306"));
        note("balancer:3306".into(), "b 3306 2");
        assert!(several("balancer:3306") && !several("other:3306"));
    }
}
