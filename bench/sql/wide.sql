-- The wide mixed table: deterministic rows, made inside MariaDB by its sequence engine. The bench fills in @TABLE@ and
-- @ROWS@ (2,000,000).
SET SESSION time_zone = '+00:00', unique_checks = 0, foreign_key_checks = 0;
SET NAMES utf8mb4;
SET @prose = 'Customer asked for delivery before noon; leave at the side door. Für Büro Müller bitte klingeln — danke! Repeat order, same colour as last time. Gift wrap: "happy birthday, Zoë" 🎂 and no invoice in the box. Адрес уточнить по телефону. Fragile, keep upright, signature required. 商品は午前中に配達してください。 Called twice, no answer, rescheduled to Monday. Invoice to head office, goods to branch 14\\B. Line one\nline two\twith tab, and a comma, too. Discount approved (ref #A-20931). Café crème x 12, naïve façade, smörgåsbord. Return label included; refund only after inspection. 🚚💨 express.';
CREATE TABLE @TABLE@ (
  id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT NOT NULL,
  status      ENUM('new','paid','packed','shipped','delivered','returned','cancelled') NOT NULL,
  amount      DECIMAL(12,2) NOT NULL,
  discount    DOUBLE NULL,
  note        VARCHAR(200) NULL,
  is_paid     TINYINT(1) NOT NULL DEFAULT 0,
  created_at  DATETIME NOT NULL,
  updated_at  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  ship_date   DATE NULL,
  meta        JSON NULL,
  payload     VARBINARY(64) NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
INSERT INTO @TABLE@
SELECT seq,
  1 + CRC32(CONCAT('c', seq)) % 150000,
  1 + CRC32(CONCAT('s', seq)) % 7,
  (CRC32(CONCAT('a', seq)) % 50000000) / 100,
  IF(seq % 9 = 0, NULL, (CRC32(CONCAT('d', seq)) % 1000003) * 1e0 / 999983),
  CASE WHEN seq % 10 = 3 THEN NULL WHEN seq % 50 = 7 THEN ''
       ELSE SUBSTRING(@prose, 1 + CRC32(CONCAT('n', seq)) % 420, 10 + CRC32(CONCAT('m', seq)) % 150) END,
  CRC32(CONCAT('p', seq)) % 2,
  FROM_UNIXTIME(1672531200 + seq * 40 - CRC32(CONCAT('r', seq)) % 3600),
  -- One bulk update: 25,000 rows that share one moment.
  CASE WHEN seq BETWEEN 1000001 AND 1025000 THEN TIMESTAMP'2024-04-08 12:00:00.000000'
       ELSE FROM_UNIXTIME(1672531200 + seq * 40 + (CRC32(CONCAT('v', seq)) % 1000000) / 1000000) END,
  IF(seq % 4 = 0, NULL, DATE(FROM_UNIXTIME(1672531200 + seq * 40 + 86400 * (1 + seq % 9)))),
  IF(seq % 12 = 5, NULL, CONCAT('{"channel": "', ELT(1 + seq % 4, 'web', 'app', 'store', 'phone'), '", "items": ', 1 + seq % 17,
     ', "tags": ["', ELT(1 + seq % 5, 'vip', 'new', 'bulk', 'späti', '🎁'), '", "r', seq % 100, '"], "coupon": ',
     IF(seq % 3 = 0, CONCAT('"C', HEX(seq), '"'), 'null'), '}')),
  IF(seq % 8 = 1, NULL, SUBSTRING(UNHEX(SHA2(seq, 512)), 1, CRC32(CONCAT('b', seq)) % 65))
FROM seq_1_to_@ROWS@;
ALTER TABLE @TABLE@ ADD INDEX idx_updated (updated_at);
ANALYZE TABLE @TABLE@;
