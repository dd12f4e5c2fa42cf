-- One of many small tables. The bench fills in @TABLE@ and @ROWS@ (1,000).
SET SESSION time_zone = '+00:00';
CREATE TABLE @TABLE@ (
  id          INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name        VARCHAR(60) NOT NULL,
  amount      DECIMAL(10,2) NOT NULL,
  kind        ENUM('a','b','c') NULL,
  created_at  DATETIME NOT NULL,
  updated_at  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  INDEX idx_updated (updated_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
INSERT INTO @TABLE@
SELECT seq, CONCAT('name ', SHA1(seq)), (CRC32(seq) % 1000000) / 100, 1 + seq % 3,
  FROM_UNIXTIME(1672531200 + seq * 3600), FROM_UNIXTIME(1672531200 + seq * 3600 + (CRC32(seq) % 1000000) / 1000000)
FROM seq_1_to_@ROWS@;
