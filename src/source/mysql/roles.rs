//! Roles that an account has but that are not active: their rights count only after SET ROLE, or as default roles.

use super::session::{Flavour, Session};
use super::sql::Query;
use crate::domain::check::server::Account;

/// The statement that activates an account's roles at login; `None` if it has no roles, or one is active.
pub async fn activation(session: &mut Session) -> Option<String> {
    let asked = session.texts(Query::plain("SELECT CURRENT_ROLE(), CURRENT_USER(), VERSION()")).await.ok()?;
    let [active, account, version] = asked.first()?.as_slice() else { return None };
    if active.as_deref().is_some_and(|active| active != "NONE") {
        return None;
    }
    let account = Account::parse(account.as_deref()?);
    let grants = session.texts(Query::plain("SHOW GRANTS")).await.ok()?;
    let roles: Vec<_> = grants.iter().filter_map(|row| granted_role(row.first()?.as_deref()?)).collect();
    let first = roles.first()?;
    Some(match Flavour::of(version.as_deref()?) {
        Flavour::MySql => format!("SET DEFAULT ROLE ALL TO {account}"),
        // In MariaDB an account has one default role.
        Flavour::MariaDb => format!("SET DEFAULT ROLE {first} FOR {account}"),
    })
}

/// The hint with that statement.
pub fn asleep(activation: &str) -> String {
    format!("the account has roles, but none is active when it logs in: `{activation}`")
}

/// The role that a grant gives: `GRANT role TO account` grants a role, `GRANT right ON table TO account` a right.
fn granted_role(grant: &str) -> Option<&str> {
    let (role, _) = grant.strip_prefix("GRANT ")?.split_once(" TO ")?;
    (!role.contains(" ON ")).then(|| role.split(',').next().unwrap_or(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granted_role_is_distinguished_from_a_right() {
        assert_eq!(granted_role("GRANT `reader`@`%`,`other`@`%` TO `etl`@`%`"), Some("`reader`@`%`"));
        assert_eq!(granted_role("GRANT `reader` TO `etl`@`%`"), Some("`reader`"));
        assert_eq!(granted_role("GRANT USAGE ON *.* TO `etl`@`%`"), None);
        assert_eq!(granted_role("SET DEFAULT ROLE `reader` FOR `etl`@`%`"), None);
    }
}
