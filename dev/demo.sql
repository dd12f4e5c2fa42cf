-- The shop of the demo: about 400,000 rows, made inside MariaDB in seconds.
-- All times lie in the past, whatever the clock of the machine says today.
drop database if exists shop;
create database shop character set utf8mb4;
use shop;
set time_zone = '+00:00';

create table users (
  id          int unsigned not null auto_increment primary key,
  email       varchar(120) not null,
  name        varchar(80) not null,
  city        varchar(60) null,
  tier        enum('free', 'plus', 'business') not null default 'free',
  newsletter  tinyint(1) not null default 0,
  balance     decimal(12,2) not null default 0,
  birthday    date null,
  preferences json null,
  visits      int unsigned not null default 0,
  created_at  datetime not null,
  updated_at  timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  unique key (email),
  key (updated_at)
);

create table products (
  id          int unsigned not null auto_increment primary key,
  sku         char(10) not null,
  title       varchar(120) not null,
  description text null,
  price       decimal(10,2) not null,
  weight_kg   double null,
  stock       int not null,
  active      tinyint(1) not null default 1,
  attributes  json null,
  updated_at  timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  unique key (sku),
  key (updated_at)
);

create table orders (
  id          bigint unsigned not null auto_increment primary key,
  user_id     int unsigned not null,
  product_id  int unsigned not null,
  quantity    smallint unsigned not null,
  total       decimal(12,2) not null,
  status      enum('new', 'paid', 'shipped', 'delivered', 'returned') not null default 'new',
  note        varchar(200) null,
  placed_at   datetime(3) not null,
  updated_at  timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  key (user_id),
  key (updated_at)
);

-- Only ever appended to: `id` is what its mapping follows.
create table events (
  id          bigint not null auto_increment primary key,
  user_id     int unsigned not null,
  kind        enum('view', 'search', 'cart', 'checkout') not null,
  path        varchar(200) not null,
  took_ms     float null,
  payload     json null,
  created_at  timestamp(6) not null default current_timestamp(6)
);

-- rand() is seeded, so that every demo shows the same shop.
select rand(7) into @seed;

insert into users (email, name, city, tier, newsletter, balance, birthday, preferences, visits, created_at, updated_at)
select concat('user', seq, '@example.com'),
       concat(elt(1 + seq % 8, 'Zoë', 'José', 'Anna', 'Łukasz', 'Mehmet', '美咲', 'Олена', 'Noah'), ' ',
              elt(1 + seq % 7, 'Müller', 'García', 'Smith', 'Nowak', 'Yılmaz', '田中', 'Коваль')),
       elt(1 + seq % 9, 'Zürich', 'São Paulo', 'Kraków', 'İzmir', '東京', 'Київ', 'Lyon', 'Boston', null),
       1 + seq % 3, seq % 2, round(rand() * 5000 - 500, 2),
       if(seq % 11 = 0, null, date '1950-01-01' + interval seq % 20000 day),
       if(seq % 5 = 0, null, json_object('theme', elt(1 + seq % 2, 'light', 'dark'), 'emoji', '🛒', 'page_size', 10 + seq % 40)),
       seq % 300, timestamp '2023-01-01 00:00:00' + interval seq * 11 minute,
       timestamp '2024-01-01 00:00:00' + interval seq * 60000123 microsecond
from seq_1_to_50000;

insert into products (sku, title, description, price, weight_kg, stock, active, attributes, updated_at)
select concat('SKU-', lpad(seq, 6, '0')),
       concat(elt(1 + seq % 6, 'Café', 'Crème', 'Teapot', 'Kůň', '茶碗', 'Lamp'), ' no. ', seq),
       if(seq % 4 = 0, null, repeat(concat('Handmade – “', seq, '” €. '), 1 + seq % 12)),
       round(1 + rand() * 400, 2), if(seq % 10 = 0, null, rand() * 20), seq % 500, seq % 13 > 0,
       json_object('colours', json_array('red', 'grün', '青'), 'size', json_object('w', seq % 90, 'h', seq % 70)),
       timestamp '2024-01-01 00:00:00' + interval seq * 500000777 microsecond
from seq_1_to_5000;

insert into orders (user_id, product_id, quantity, total, status, note, placed_at, updated_at)
select 1 + floor(rand() * 50000), 1 + floor(rand() * 5000), 1 + seq % 5, round(2 + rand() * 900, 2), 1 + seq % 5,
       case seq % 20 when 0 then 'Bitte vor 17 Uhr – danke!' when 1 then 'ring the bell 🔔\nthen wait' end,
       timestamp '2023-09-01 00:00:00' + interval seq * 180123 * 1000 microsecond,
       timestamp '2024-01-01 00:00:00' + interval seq * 120000321 microsecond
from seq_1_to_200000;

insert into events (user_id, kind, path, took_ms, payload, created_at)
select 1 + floor(rand() * 50000), 1 + seq % 4, concat('/', elt(1 + seq % 4, 'p', 'search', 'cart', 'checkout'), '/', seq % 5000),
       if(seq % 50 = 0, null, rand() * 900), if(seq % 3 = 0, null, json_object('ref', seq % 1000, 'q', 'çay & ☕')),
       timestamp '2024-01-01 00:00:00' + interval seq * 150000777 microsecond
from seq_1_to_150000;
