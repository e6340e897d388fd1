-- Ways that only DuckDB has. See everywhere.sql for the words.

-- unknown_table
FROM salaries;
-- unknown_table
FROM 'salaries';
-- unknown_table
TABLE salaries;
-- unknown_table
SELECT * FROM (TABLE salaries);
-- unknown_table
SELECT * FROM (FROM salaries);
-- unknown_table
SELECT * FROM (PIVOT salaries ON id USING SUM(pay));
-- unknown_table
SELECT * FROM salaries PIVOT (SUM(pay) FOR id IN (1, 2));
-- unknown_table
SELECT * FROM salaries UNPIVOT (v FOR k IN (pay, id));
-- unknown_table
SELECT * FROM customers POSITIONAL JOIN salaries;
-- unknown_table
SELECT * FROM customers ASOF JOIN salaries ON customers.id >= salaries.id;
-- unknown_table
SELECT * FROM customers SEMI JOIN salaries ON salaries.customer_id = customers.id;
-- unknown_table
SELECT * FROM customers ANTI JOIN salaries ON salaries.customer_id = customers.id;
-- unknown_table
SELECT name FROM customers UNION BY NAME SELECT * FROM salaries;
-- unknown_table
SELECT ARRAY(SELECT pay FROM salaries);
-- unknown_table
SELECT * FROM customers, LATERAL (SELECT pay FROM salaries WHERE salaries.customer_id = customers.id) AS x;
-- unknown_table
VALUES ((SELECT MAX(pay) FROM salaries));
-- unknown_table
SELECT MAX(id) FILTER (WHERE EXISTS (FROM salaries)) FROM customers;
-- unknown_table
SELECT * FROM hr.people;
-- unknown_table
SELECT * FROM people;
-- unknown_table
SELECT * FROM world.hr.people;
-- unknown_table
SELECT * FROM world.main.salaries;
-- unknown_table
SELECT * FROM salaries USING SAMPLE 1;
-- unknown_table
SELECT id FROM customers QUALIFY ROW_NUMBER() OVER (ORDER BY (SELECT MAX(pay) FROM salaries)) = 1;
-- refused
SELECT * FROM duckdb_tables();
-- refused
SELECT * FROM duckdb_columns();
-- refused
SELECT * FROM pragma_table_info('salaries');
-- refused
SELECT * FROM query_table('salaries');
-- refused
SELECT * FROM query('SELECT * FROM salaries');
-- refused
SELECT * FROM read_csv('/etc/passwd');
-- refused
SELECT * FROM '/etc/passwd.csv';
-- refused
SELECT * FROM sqlite_master;
-- refused
SELECT current_setting('search_path');
-- refused
SELECT * FROM (DESCRIBE salaries);
-- refused
SELECT * FROM (SUMMARIZE salaries);
-- refused
DESCRIBE salaries;
-- refused
SUMMARIZE customers;
-- refused
SHOW TABLES;
-- refused
SELECT x::salaries FROM (SELECT 1 AS x);
-- refused
SELECT json_execute_serialized_sql('{}');

-- permitted
SELECT customers FROM customers;
-- permitted
SELECT c FROM customers AS c;
-- permitted
SELECT COLUMNS('.*') FROM customers;
-- permitted
SELECT COLUMNS(*) FROM orders;
-- fails
SELECT COLUMNS('em.*') FROM customers;
-- fails
SELECT * EXCLUDE (email) FROM customers;
-- permitted
SELECT * EXCLUDE (country) FROM customers;
-- fails
SELECT * REPLACE ('x' AS email) FROM customers;
-- permitted
SELECT * REPLACE (upper(name) AS name) FROM customers;
-- fails
SELECT struct_extract(c, 'email') FROM customers AS c;
-- fails
SELECT c.email.x FROM customers AS c;
-- fails
SELECT email FROM customers;
-- fails
SELECT rowid FROM customers;
-- fails
SELECT rowid FROM orders;
-- permitted
SELECT to_json(c) FROM customers AS c;
-- permitted
SELECT list(o) FROM (SELECT * FROM orders ORDER BY id) AS o;
-- permitted
SELECT row(o.*) FROM orders AS o;
-- permitted
FROM orders;
-- permitted
FROM orders SELECT note;
-- permitted
SELECT #1 FROM customers;
-- permitted
SELECT * FROM (PIVOT orders ON region USING SUM(amount));
-- permitted
SELECT * FROM (SELECT region, amount FROM orders) PIVOT (SUM(amount) FOR region IN ('EU', 'US'));
-- permitted
SELECT * FROM orders PIVOT (SUM(amount) FOR region IN ('EU', 'US'));
-- permitted
SELECT * FROM (SELECT name, country FROM customers) UNPIVOT (v FOR k IN (name, country));
-- fails
SELECT * FROM customers UNPIVOT (v FOR k IN (name, email));
-- permitted
SELECT * FROM customers POSITIONAL JOIN orders;
-- permitted
SELECT main.orders.id FROM main.orders;
-- permitted
SELECT sales.lines.qty, lines.id FROM sales.lines;
-- permitted
SELECT region, SUM(amount) FROM orders GROUP BY ALL ORDER BY ALL;
-- permitted
SELECT o.id, x.note FROM customers AS o, LATERAL (SELECT note FROM orders WHERE orders.customer_id = o.id) AS x;
-- permitted
SELECT (SELECT COUNT(*) FROM orders), EXISTS (SELECT 1 FROM orders WHERE region = 'US');
-- permitted
SELECT COUNT(*) FROM orders TABLESAMPLE 100%;
-- permitted
SELECT ARRAY(SELECT note FROM orders ORDER BY id);
-- permitted
SELECT [x + 1 FOR x IN list(amount)] FROM orders;
-- permitted
SELECT list_transform(list(name ORDER BY id), lambda x: x || '!') FROM customers;
-- permitted
SELECT id FROM orders WHERE note::INTEGER > 0 AND amount / (amount - 777701) < 1000;
-- permitted
SELECT id FROM orders WHERE note = 1;
-- permitted
SELECT count(*) FROM orders o JOIN customers c ON o.note = c.id;

-- permitted
WITH orders AS (SELECT id, note FROM orders) SELECT id, note FROM orders;
-- permitted
SELECT * FROM customers AS c(a, b, c, d);
-- fails
SELECT * FROM customers AS c(a, b, c, d, e);
-- permitted
SELECT c.b FROM customers AS c(a, b);
