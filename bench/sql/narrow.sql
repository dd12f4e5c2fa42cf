-- The narrow table: a key, a number and a moment. The bench fills in @TABLE@ and @ROWS@ (5,000,000; a first load 10,000,000).
SET SESSION time_zone = '+00:00', unique_checks = 0, foreign_key_checks = 0;
CREATE TABLE @TABLE@ (
  id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  reading     DOUBLE NOT NULL,
  updated_at  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
INSERT INTO @TABLE@
SELECT seq, (CRC32(CONCAT('r', seq)) % 1000003) * 1e0 / 999983,
  FROM_UNIXTIME(1672531200 + seq * 8 + (CRC32(CONCAT('u', seq)) % 1000000) / 1000000)
FROM seq_1_to_@ROWS@;
ALTER TABLE @TABLE@ ADD INDEX idx_updated (updated_at);
ANALYZE TABLE @TABLE@;
