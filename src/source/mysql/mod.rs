//! MySQL and MariaDB through sqlx.
