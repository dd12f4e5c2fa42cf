//! The limits of an account, which share one error number; only the text names the limit.
//!
//! A connection is free again within seconds. The other limits count by the hour, and no run waits for that.

use std::borrow::Cow;

use crate::domain::fault::FaultKind;

pub const NO_CONNECTION_OF_OURS: &str = "the account may hold no more connections: lower `readers` or `concurrency`, or raise its limit \
                                         (ALTER USER .. WITH MAX_USER_CONNECTIONS n, or the server's max_user_connections)";

/// The kind and the next step for an error 1226, whose text is `User 'etl' has exceeded the 'max_queries_per_hour' resource
/// (current value: 2)`.
pub fn judged(message: &str) -> (FaultKind, Option<Cow<'static, str>>) {
    if message.contains("max_user_connections") {
        return (FaultKind::Transient, Some(Cow::Borrowed(NO_CONNECTION_OF_OURS)));
    }
    let mut quoted = message.split('\'').skip(1).step_by(2);
    let user = quoted.next().unwrap_or("USER");
    let Some((what, option)) = quoted.next().and_then(limit) else {
        return (FaultKind::Auth, Some(Cow::Borrowed("the account has used up its resources of this hour")));
    };
    let hint = format!(
        "the server lets the user '{user}' {what} within an hour, and the rest of this hour has none left; lift that: \
         `ALTER USER '{user}'@'HOST' WITH {option} 0` (HOST: `SELECT host FROM mysql.user WHERE user = '{user}'`; before \
         MariaDB 10.2 and MySQL 5.7.6 `GRANT USAGE ON *.* TO '{user}'@'HOST' WITH {option} 0`), or run again when the \
         hour has passed"
    );
    (FaultKind::Auth, Some(Cow::Owned(hint)))
}

/// What a resource limits, and the option of its statement.
fn limit(resource: &str) -> Option<(&'static str, &'static str)> {
    match resource {
        "max_connections_per_hour" | "max_connections" => Some(("connect only so often", "MAX_CONNECTIONS_PER_HOUR")),
        "max_queries_per_hour" | "max_questions" => Some(("send only so many statements", "MAX_QUERIES_PER_HOUR")),
        "max_updates_per_hour" | "max_updates" => Some(("send only so many changes", "MAX_UPDATES_PER_HOUR")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_by_the_hour_is_a_failure_that_says_how_to_lift_it() {
        let said = |resource: &str| format!("User 'etl' has exceeded the '{resource}' resource (current value: 2)");
        assert_eq!(judged(&said("max_user_connections")).0, FaultKind::Transient);
        for resource in ["max_connections_per_hour", "max_queries_per_hour", "max_updates_per_hour"] {
            let (kind, hint) = judged(&said(resource));
            let lifts = format!("ALTER USER 'etl'@'HOST' WITH {} 0", resource.to_uppercase());
            assert!(kind == FaultKind::Auth && hint.as_ref().unwrap().contains(&lifts), "{resource}: {hint:?}");
            assert_eq!(kind.policy().mapping, None, "no run sleeps for it");
        }
        assert_eq!(judged("exceeded").0, FaultKind::Auth);
    }
}
