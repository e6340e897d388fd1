-- Ways that only SQLite has. See everywhere.sql for the words.

-- unknown_table
SELECT 1 WHERE 777701 IN salaries;
-- unknown_table
SELECT 1 WHERE (1, 1, 777701) IN main.salaries;
-- unknown_table
SELECT name FROM customers WHERE id NOT IN salaries;
-- unknown_table
SELECT 1 WHERE 5 IN "salaries";
-- unknown_table
SELECT 777704 IN 'salaries';
-- unknown_table
SELECT (1, 1, 777704) IN 'salaries';
-- unknown_table
SELECT (1, 1, 777704) IN main.'salaries';
-- unknown_table
SELECT (1, 1, 777704) IN [salaries];
-- unknown_table
SELECT CASE (1, 1, 777704) IN salaries WHEN 1 THEN 'yes' END;
-- unknown_table
SELECT MAX(1) FILTER (WHERE 777704 IN (SELECT 777704) IN salaries) FROM customers;
-- refused
SELECT 1 IN main.salaries.pay;
-- refused
SELECT 1 IN sqlite_master;
-- refused
SELECT 1 IN 'sqlite_master';
-- refused
SELECT 1 IN salaries(1);
-- permitted
SELECT 'EU' IN (SELECT region FROM orders), 'US' IN (SELECT region FROM orders);
-- harmless
SELECT (3, 2, 'US', 777701, 'canary-a') IN orders;
-- permitted
SELECT (1, 1, 'EU', 10, '1') IN orders, (3, 2, 'US', 5, 'x') IN 'orders';
-- unknown_table
SELECT * FROM salaries INDEXED BY salaries_pay;
-- unknown_table
SELECT * FROM salaries NOT INDEXED;
-- refused
SELECT * FROM temp.salaries;
-- unknown_table
SELECT * FROM (salaries);
-- unknown_table
SELECT * FROM [salaries];
-- unknown_table
SELECT * FROM `salaries`;
-- unknown_table
SELECT * FROM 'salaries';
-- refused
SELECT sql FROM sqlite_master;
-- refused
SELECT name FROM sqlite_schema;
-- refused
SELECT name FROM main.sqlite_master;
-- refused
SELECT * FROM sqlite_sequence;
-- refused
SELECT * FROM pragma_table_info('salaries');
-- refused
SELECT * FROM pragma_table_list;
-- refused
SELECT * FROM sqlite_stat1;
-- unknown_table
SELECT * FROM dbstat;
-- refused
PRAGMA table_info(salaries);
-- refused
SELECT load_extension('x');
-- permitted
SELECT COUNT(*) FROM orders WHERE (1, 'x') IN (SELECT id, note FROM orders);
-- permitted
SELECT name FROM customers WHERE 3 IN (SELECT id FROM orders);
-- permitted
SELECT rowid IS NULL AS x FROM customers;
-- permitted
SELECT o.note FROM orders AS o WHERE abs(o.amount) > 0;
-- permitted
SELECT group_concat(note, ',') FROM (SELECT note FROM orders ORDER BY id);
-- permitted
SELECT note, max(amount) FROM orders;
-- permitted
SELECT id FROM [orders];
-- permitted
SELECT json_group_array(note) FROM (SELECT note FROM orders ORDER BY id);
-- permitted
SELECT id FROM orders WHERE json_valid(note);

-- harmless
WITH orders AS (SELECT * FROM orders) SELECT * FROM orders;
-- harmless
WITH salaries AS (SELECT * FROM customers) SELECT * FROM salaries;
-- harmless
SELECT * FROM customers AS c(a, b, c, d, e);
-- harmless
SELECT email FROM customers;
-- harmless
SELECT "email" FROM customers;
-- harmless
SELECT rowid, oid, _rowid_ FROM orders;
-- harmless
SELECT * FROM orders WHERE rowid = 3;
-- harmless
SELECT json_extract(note, '$') FROM orders;
-- harmless
SELECT * FROM orders WHERE abs(amount - 777701 - 9223372036854775807 - 1) > 0;
