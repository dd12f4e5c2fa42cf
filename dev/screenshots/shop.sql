-- The shop of the screenshots as it was at the last syncs. Times are counted back from now, so that lags look the same
-- whenever the pictures are taken.
create database shop character set utf8mb4;
use shop;
set time_zone = '+00:00';
set @now = utc_timestamp();

create table customers (
  id         int unsigned not null auto_increment primary key,
  name       varchar(80) not null,
  city       varchar(60) null,
  updated_at timestamp(6) not null,
  key (updated_at)
);
insert into customers (name, city, updated_at)
select concat('customer ', seq), elt(1 + seq % 4, 'Zürich', 'Kraków', '東京', 'Lyon'), @now - interval 18204 - seq minute
from seq_1_to_18000;

create table orders (
  id          bigint unsigned not null auto_increment primary key,
  customer_id int unsigned not null,
  total       decimal(12,2) not null,
  status      enum('new', 'paid', 'shipped') not null,
  note        varchar(200) null,
  updated_at  timestamp(6) not null,
  key (updated_at)
);
insert into orders (customer_id, total, status, note, updated_at)
select 1 + seq % 18000, seq % 900, 1 + seq % 3, 'ring the bell, then wait', @now - interval 60 day + interval seq * 43 second
from seq_1_to_120000;

create table page_views (
  id          bigint not null auto_increment primary key,
  customer_id int unsigned not null,
  path        varchar(200) not null,
  took_ms     float null,
  seen_at     timestamp(6) not null
);
insert into page_views (customer_id, path, took_ms, seen_at)
select 1 + seq % 18000, concat('/p/', seq % 5000), seq % 900, @now - interval 1 hour from seq_1_to_900000;

create table products (
  id            int unsigned not null auto_increment primary key,
  sku           char(10) not null,
  title         varchar(120) not null,
  price         decimal(10,2) not null,
  rating        int null,
  weight_kg     double null,
  legacy_code   char(4) null,
  updated_at    timestamp(6) not null,
  key (updated_at)
);
insert into products (sku, title, price, rating, weight_kg, updated_at)
select concat('SKU-', lpad(seq, 6, '0')), concat('Teapot no. ', seq), seq % 400, seq % 5, seq % 20,
       @now - interval 5 day + interval seq minute
from seq_1_to_5000;

create table invoices (
  id         int unsigned not null auto_increment primary key,
  order_id   bigint unsigned not null,
  amount     decimal(12,2) not null,
  due_on     date not null,
  updated_at timestamp(6) not null,
  key (updated_at)
);
insert into invoices (order_id, amount, due_on, updated_at)
select seq, seq % 900, date(@now) + interval 14 day, @now - interval 3 day + interval seq * 3 second from seq_1_to_60000;

create table carts (
  id          int unsigned not null auto_increment primary key,
  customer_id int unsigned not null,
  updated_at  timestamp(6) not null,
  key (updated_at)
);
insert into carts (customer_id, updated_at) select seq, @now - interval seq second from seq_1_to_2000;

-- Without a mapping yet.
create table order_lines (
  id         bigint unsigned not null auto_increment primary key,
  order_id   bigint unsigned not null,
  quantity   int not null,
  updated_at timestamp(6) not null,
  key (updated_at)
);
insert into order_lines (order_id, quantity, updated_at) select seq, 1 + seq % 5, @now - interval seq second from seq_1_to_9000;
create table countries (code char(2) primary key, name varchar(60) not null);
insert into countries values ('CH', 'Switzerland'), ('FR', 'France'), ('PL', 'Poland');
create view paid_orders as select id, total from orders where status = 'paid';
