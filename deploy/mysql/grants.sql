-- The account that bqsync reads with. Replace the database and the password; for a server that is reached over a UNIX
-- socket or without TLS leave REQUIRE SSL out.
CREATE USER 'bqsync'@'%' IDENTIFIED BY 'change-me' REQUIRE SSL;
GRANT SELECT ON shop.* TO 'bqsync'@'%';
-- To see open transactions and wait for them. Without it a run holds back the rows of the last 10 seconds instead.
GRANT PROCESS ON *.* TO 'bqsync'@'%';
-- To see which tables they write, so that a long transaction on one table holds back no other. (MariaDB records it only with
-- performance_schema=ON and performance-schema-instrument='wait/lock/metadata/sql/mdl=ON'.)
GRANT SELECT ON performance_schema.* TO 'bqsync'@'%';
