-- The text-heavy table: 2,000 bytes of prose and digits a row. The bench fills in @TABLE@ and @ROWS@ (500,000).
SET SESSION time_zone = '+00:00', unique_checks = 0, foreign_key_checks = 0;
SET NAMES utf8mb4;
SET @prose = REPEAT('Delivery before noon; leave at the side door. Für Büro Müller bitte klingeln — danke! Repeat order, same colour as last time. Адрес уточнить по телефону. Called twice, no answer, rescheduled to Monday. Line one\nline two\twith tab, and a comma, too. ', 8);
CREATE TABLE @TABLE@ (
  id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  body        TEXT NOT NULL,
  updated_at  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
-- A quarter is digits that do not compress, as ids and addresses in real text do not.
INSERT INTO @TABLE@
SELECT seq,
  CONCAT(SHA2(seq, 512), SHA2(-seq, 512), SUBSTRING(@prose, 1 + CRC32(seq) % 200, 700),
         SHA2(CONCAT('b', seq), 512), SHA2(CONCAT('c', seq), 512), SUBSTRING(@prose, 1 + CRC32(-seq) % 300, 600)),
  FROM_UNIXTIME(1672531200 + seq * 160 + (CRC32(CONCAT('u', seq)) % 1000000) / 1000000)
FROM seq_1_to_@ROWS@;
ALTER TABLE @TABLE@ ADD INDEX idx_updated (updated_at);
ANALYZE TABLE @TABLE@;
