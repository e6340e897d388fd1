-- SQL written by somebody who may not see everything: on every database. The world is in tests/data_rights_world.py.
-- `-- permitted`: the rows are those of a database that holds only what the author may see. `-- unknown_table`, `-- unknown_column`,
-- `-- refused`: that error. `-- fails`: any error. `-- harmless`: any end. Whatever happens, nothing withheld comes back.

-- The plain ways to a hidden table.
-- unknown_table
SELECT * FROM salaries;
-- unknown_table
SELECT COUNT(*) FROM salaries;
-- unknown_table
SELECT 1 FROM salaries;
-- unknown_table
SELECT pay FROM SALARIES;
-- unknown_table
SELECT pay FROM "salaries";
-- unknown_table
SELECT s.pay FROM salaries AS s;
-- unknown_table
SELECT pay FROM main.salaries;
-- unknown_table
SELECT pay FROM public.salaries;
-- unknown_table
SELECT pay FROM pg_temp.salaries;
-- unknown_table
SELECT customers.name FROM customers JOIN salaries ON salaries.customer_id = customers.id;
-- unknown_table
SELECT customers.name FROM customers LEFT JOIN salaries ON 1 = 0;
-- unknown_table
SELECT customers.name FROM customers, salaries;
-- unknown_table
SELECT customers.name FROM customers CROSS JOIN salaries;
-- unknown_table
SELECT customers.name FROM customers NATURAL JOIN salaries;
-- unknown_table
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM salaries);
-- unknown_table
SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM salaries WHERE salaries.customer_id = customers.id);
-- unknown_table
SELECT name FROM customers WHERE NOT EXISTS (SELECT 1 FROM salaries);
-- unknown_table
SELECT (SELECT MAX(pay) FROM salaries) AS most;
-- unknown_table
SELECT name, (SELECT pay FROM salaries WHERE salaries.customer_id = customers.id) AS pay FROM customers;
-- unknown_table
SELECT name FROM customers UNION SELECT pay FROM salaries;
-- unknown_table
SELECT name FROM customers UNION ALL SELECT 'x' FROM salaries;
-- unknown_table
SELECT id FROM customers EXCEPT SELECT customer_id FROM salaries;
-- unknown_table
SELECT id FROM customers INTERSECT SELECT customer_id FROM salaries;
-- unknown_table
WITH s AS (SELECT * FROM salaries) SELECT * FROM s;
-- unknown_table
WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM salaries) SELECT x FROM a;
-- unknown_table
WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT pay FROM salaries) SELECT n FROM s;
-- unknown_table
SELECT * FROM (SELECT * FROM (SELECT * FROM salaries) AS a) AS b;
-- unknown_table
SELECT name FROM customers ORDER BY (SELECT MAX(pay) FROM salaries);
-- unknown_table
SELECT country, COUNT(*) FROM customers GROUP BY country HAVING COUNT(*) < (SELECT COUNT(*) FROM salaries);
-- unknown_table
SELECT name FROM customers LIMIT (SELECT COUNT(*) FROM salaries);
-- unknown_table
SELECT CASE WHEN (SELECT COUNT(*) FROM salaries) > 0 THEN 1 ELSE 0 END AS x;
-- unknown_table
SELECT SUM(amount) OVER (ORDER BY (SELECT MIN(pay) FROM salaries)) FROM orders;
-- unknown_table
SELECT * FROM orders JOIN (customers JOIN salaries ON salaries.customer_id = customers.id) ON customers.id = orders.customer_id;
-- unknown_table
SELECT COALESCE(NULL, (SELECT pay FROM salaries LIMIT 1)) AS x;
-- unknown_table
SELECT pay /* FROM customers */ FROM salaries -- customers;
-- unknown_table
SELECT * FROM pay_view;

-- Names of WITH against names of tables.
-- unknown_table
WITH salaries AS (SELECT * FROM salaries) SELECT * FROM salaries;
-- permitted
WITH salaries AS (SELECT 1 AS pay) SELECT pay FROM salaries;
-- unknown_table
SELECT * FROM (WITH salaries AS (SELECT 1 AS pay) SELECT pay FROM salaries) AS a, salaries;
-- unknown_table
WITH x AS (SELECT pay FROM salaries), salaries AS (SELECT 1 AS pay) SELECT pay FROM x;
-- unknown_table
WITH salaries AS (SELECT 1 AS pay) SELECT pay FROM main.salaries;
-- unknown_table
SELECT pay FROM salaries WHERE EXISTS (WITH salaries AS (SELECT 1 AS pay) SELECT pay FROM salaries);
-- unknown_table
SELECT 1 AS pay UNION ALL (SELECT pay FROM (WITH salaries AS (SELECT 2 AS pay) SELECT pay FROM salaries) AS q) UNION ALL SELECT pay FROM salaries;
-- permitted
WITH orders AS (SELECT 1 AS id) SELECT id FROM orders;
-- permitted
WITH customers AS (SELECT id, note AS name FROM orders) SELECT name FROM customers;
-- permitted
WITH ORDERS AS (SELECT id FROM Customers) SELECT COUNT(*) FROM Orders;
-- permitted
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n JOIN orders ON orders.id = n.i;
-- permitted
WITH a AS (SELECT id FROM orders), b AS (SELECT id FROM a) SELECT COUNT(*) FROM b AS a;
-- permitted
WITH a AS (SELECT id FROM orders) SELECT id FROM a UNION ALL SELECT id FROM a;
-- unknown_table
WITH a AS (SELECT id FROM orders) SELECT id FROM a UNION ALL SELECT id FROM salaries;
-- permitted
WITH with_1 AS (SELECT id FROM orders) SELECT COUNT(*) FROM with_1;
-- permitted
WITH o AS (SELECT id FROM orders) SELECT orders.id FROM o AS orders;

-- A hidden column.
-- unknown_column
SELECT email FROM customers;
-- unknown_column
SELECT customers.email FROM customers;
-- unknown_column
SELECT c.email FROM customers AS c;
-- unknown_column
SELECT EMAIL FROM customers;
-- unknown_column
SELECT c.EMAIL FROM Customers AS c;
-- unknown_column
SELECT name FROM customers WHERE customers.email LIKE 'c%';
-- unknown_column
SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM orders WHERE c.email LIKE 'c%');
-- unknown_column
SELECT COUNT(customers.email) FROM customers;
-- unknown_column
SELECT MAX(c.email) FROM customers AS c;
-- unknown_column
SELECT COUNT(*) FROM customers AS c GROUP BY c.email;
-- unknown_column
SELECT name FROM customers AS c ORDER BY c.email;
-- unknown_column
SELECT a.name FROM customers AS a JOIN customers AS b ON a.email = b.email;
-- fails
SELECT a.name FROM customers AS a JOIN customers AS b USING (email);
-- unknown_column
SELECT x.email FROM (SELECT * FROM customers) AS x;
-- unknown_column
SELECT x.email FROM (SELECT customers.* FROM customers) AS x;
-- unknown_column
WITH x AS (SELECT * FROM customers) SELECT x.email FROM x;
-- unknown_column
SELECT COALESCE(customers.email, 'none') FROM customers;
-- unknown_column
SELECT CASE WHEN customers.email IS NULL THEN 1 ELSE 2 END AS x FROM customers;
-- unknown_column
SELECT SUM(LENGTH(customers.email)) FROM customers;
-- unknown_column
SELECT ROW_NUMBER() OVER (ORDER BY customers.email) AS place FROM customers;
-- fails
SELECT orders.id FROM orders WHERE (SELECT customers.email FROM customers LIMIT 1) = 'x';
-- unknown_column
SELECT t.email FROM customers AS t;
-- unknown_column
SELECT "t"."email" FROM customers AS "t";
-- fails
SELECT t.id FROM orders;
-- permitted
SELECT * FROM customers;
-- permitted
SELECT customers.* FROM customers;
-- permitted
SELECT c.* FROM Customers AS c;
-- permitted
SELECT COUNT(*) FROM customers;
-- permitted
SELECT * FROM customers AS orders;
-- permitted
SELECT name, 'email' AS said FROM customers;
-- permitted
SELECT * FROM customers NATURAL JOIN (SELECT id AS id, 'canada' AS email FROM customers) AS x;
-- permitted
SELECT a.name FROM customers AS a NATURAL JOIN customers AS b;

-- Rows that are filtered away.
-- permitted
SELECT * FROM orders;
-- permitted
SELECT orders.* FROM orders;
-- permitted
SELECT COUNT(*) FROM orders;
-- permitted
SELECT COUNT(*), SUM(amount), MIN(amount), MAX(amount), AVG(amount) FROM orders;
-- permitted
SELECT DISTINCT region FROM orders;
-- permitted
SELECT * FROM orders WHERE region = 'US';
-- permitted
SELECT * FROM orders WHERE region = 'US' OR 1 = 1;
-- permitted
SELECT * FROM orders WHERE NOT (region = 'EU');
-- permitted
SELECT * FROM orders WHERE region <> 'EU' OR region IS NULL;
-- permitted
SELECT id FROM orders AS t WHERE t.region = 'US' OR t.region = 'EU';
-- permitted
SELECT id FROM ORDERS;
-- permitted
SELECT id FROM "orders";
-- permitted
SELECT customers.id FROM orders AS customers;
-- permitted
SELECT orders.id, customers.id FROM orders AS customers, customers AS orders;
-- permitted
SELECT a.id, b.id FROM orders AS a, orders AS b WHERE a.id < b.id;
-- permitted
SELECT c.name, o.note FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.id;
-- permitted
SELECT c.name, o.note FROM orders AS o RIGHT JOIN customers AS c ON o.customer_id = c.id;
-- permitted
SELECT o.note FROM orders AS o FULL JOIN (SELECT 99 AS id) AS x ON x.id = o.id;
-- permitted
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders);
-- permitted
SELECT name FROM customers WHERE id NOT IN (SELECT customer_id FROM orders);
-- permitted
SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id AND region = 'US');
-- permitted
SELECT name, (SELECT COUNT(*) FROM orders WHERE orders.customer_id = customers.id) AS n FROM customers;
-- permitted
SELECT name, (SELECT MAX(note) FROM orders WHERE orders.customer_id = customers.id) FROM customers;
-- permitted
SELECT note FROM orders UNION SELECT name FROM customers;
-- permitted
SELECT note FROM orders UNION ALL SELECT note FROM orders;
-- permitted
SELECT id FROM customers EXCEPT SELECT id FROM orders;
-- permitted
SELECT region, COUNT(*) AS n FROM orders GROUP BY region HAVING COUNT(*) > 0;
-- permitted
SELECT id, SUM(amount) OVER (ORDER BY id) AS running, LAG(note) OVER (ORDER BY id) AS before FROM orders;
-- permitted
SELECT * FROM (SELECT * FROM (SELECT * FROM orders) AS a) AS b;
-- permitted
WITH o AS (SELECT * FROM orders), p AS (SELECT * FROM o) SELECT COUNT(*) FROM o, p;
-- permitted
SELECT (SELECT COUNT(*) FROM orders) AS n, (SELECT MAX(amount) FROM orders) AS most;
-- permitted
SELECT name FROM customers ORDER BY (SELECT COUNT(*) FROM orders WHERE orders.customer_id = customers.id), name;
-- permitted
SELECT * FROM orders LIMIT 3 OFFSET 1;
-- permitted
SELECT COUNT(*) FROM orders AS o, customers AS c WHERE (SELECT 'EU') = o.region AND c.id = o.customer_id;
-- permitted
SELECT COUNT(*) FROM (SELECT 'EU' AS region) AS x WHERE EXISTS (SELECT 1 FROM orders WHERE orders.region = 'US' AND x.region = 'EU');
-- permitted
SELECT note FROM orders WHERE id IN (1, 2, 3, 4, 5, 6, 7, 8);
-- permitted
SELECT MAX(id) - COUNT(*) AS gaps FROM orders;
-- permitted
SELECT COUNT(*) FROM orders WHERE amount > 700000;

-- Errors as a way to read rows that are filtered away.
-- permitted
SELECT id FROM orders WHERE CAST(note AS INTEGER) > 0;
-- permitted
SELECT SUM(CAST(note AS INTEGER)) FROM orders;
-- permitted
SELECT COUNT(*) FROM orders WHERE 1 / (amount - 777701) < 5;
-- permitted
SELECT id FROM orders WHERE CASE WHEN region = 'US' THEN CAST(note AS INTEGER) ELSE 1 END = 1;
-- permitted
SELECT o.id FROM orders AS o JOIN customers AS c ON CAST(o.note AS INTEGER) = c.id;
-- permitted
SELECT x.n FROM (SELECT CAST(note AS INTEGER) AS n FROM orders) AS x WHERE x.n > 0;

-- Catalogs and types.
-- refused
SELECT * FROM information_schema.tables;
-- refused
SELECT table_name FROM information_schema.columns WHERE column_name = 'email';
-- refused
SELECT relname FROM pg_catalog.pg_class;
-- fails
SELECT CAST(NULL AS salaries);
-- fails
SELECT CAST('x' AS nothing_at_all);

-- Tables that may be read whole.
-- permitted
SELECT * FROM "Staff Notes";
-- permitted
SELECT "Staff Notes".id, "Text" FROM "Staff Notes";
-- permitted
SELECT n.* FROM "Staff Notes" AS n JOIN customers ON customers.id = n.id;
-- fails
SELECT "Staff Notes".email FROM "Staff Notes";
