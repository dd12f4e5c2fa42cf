-- What has happened since: rows to move, a schema to review, and a value that BigQuery cannot hold.
use shop;
set time_zone = '+00:00';
set sql_mode = '';
set @now = utc_timestamp();

insert into customers (name, city, updated_at) select 'new customer', 'Lyon', @now - interval seq second from seq_1_to_204;

insert into orders (customer_id, total, status, note, updated_at)
select 1 + seq % 18000, seq % 900, 1 + seq % 3, 'ring the bell, then wait',
       @now - interval 6 hour + interval seq * 30 * 1000 microsecond
from seq_1_to_700000;

alter table products
  add column season varchar(20) null,
  add column supplier_id int unsigned null,
  modify column price decimal(40,12) not null,
  modify column weight_kg varchar(20) null,
  drop column legacy_code;

insert into invoices (order_id, amount, due_on, updated_at) values (120001, 12.50, '0000-00-00', @now - interval 40 second);
