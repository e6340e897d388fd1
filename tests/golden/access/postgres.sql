-- Ways that only Postgres has. See everywhere.sql for the words.

-- unknown_table
TABLE salaries;
-- unknown_table
SELECT * FROM ONLY salaries;
-- unknown_table
SELECT * FROM salaries *;
-- unknown_table
SELECT ARRAY(SELECT pay FROM salaries);
-- unknown_table
SELECT EXISTS (TABLE salaries);
-- unknown_table
SELECT * FROM customers, LATERAL (SELECT pay FROM salaries WHERE salaries.customer_id = customers.id) AS x;
-- unknown_table
SELECT * FROM customers CROSS JOIN LATERAL (TABLE salaries) AS x;
-- unknown_table
SELECT * FROM salaries TABLESAMPLE BERNOULLI (100);
-- unknown_table
SELECT to_json(s) FROM salaries AS s;
-- unknown_table
SELECT s FROM salaries AS s;
-- unknown_table
SELECT * FROM hr.people;
-- unknown_table
SELECT * FROM people;
-- unknown_table
SELECT * FROM postgres.public.salaries;
-- unknown_table
SELECT COUNT(*) FILTER (WHERE EXISTS (SELECT 1 FROM salaries)) FROM customers;
-- unknown_table
WITH s AS MATERIALIZED (SELECT * FROM salaries) SELECT 1;
-- unknown_table
SELECT 1 FROM customers WINDOW w AS (ORDER BY (SELECT MAX(pay) FROM salaries));
-- refused
SELECT 'salaries'::regclass;
-- refused
SELECT 'salaries'::regclass::oid::bigint;
-- refused
SELECT (NULL::salaries).*;
-- refused
SELECT (NULL::public.salaries).pay;
-- refused
SELECT NULL::salaries[];
-- refused
SELECT NULL::_salaries;
-- refused
SELECT ROW(1, 1, 1)::salaries;
-- refused
SELECT ROW(1)::"salaries";
-- refused
SELECT x.* FROM json_to_recordset('[{}]') AS x(a salaries);
-- refused
SELECT query_to_xml('SELECT * FROM salaries', true, true, '');
-- refused
SELECT table_to_xml('salaries', true, true, '');
-- refused
SELECT to_regclass('salaries');
-- refused
SELECT has_table_privilege('salaries', 'select');
-- refused
SELECT pg_total_relation_size('salaries');
-- refused
SELECT pg_relation_size('salaries');
-- refused
SELECT col_description(1, 1);
-- refused
SELECT currval('x');
-- refused
SELECT pg_read_file('/etc/passwd');
-- refused
SELECT * FROM pg_tables;
-- refused
SELECT * FROM pg_stats;
-- refused
SELECT * FROM dblink('x', 'SELECT 1') AS t(a INT);
-- refused
SELECT lo_get(1);
-- refused
SELECT current_setting('search_path');
-- refused
SELECT jsonb_populate_record(NULL::salaries, '{}');

-- fails
SELECT (c).email FROM customers AS c;
-- fails
SELECT email(c) FROM customers AS c;
-- fails
SELECT ctid FROM customers;
-- fails
SELECT xmin FROM orders;
-- fails
SELECT tableoid FROM orders;
-- fails
SELECT id FROM orders TABLESAMPLE BERNOULLI (100);
-- harmless
SELECT c FROM customers AS c;
-- harmless
SELECT customers FROM customers;
-- permitted
SELECT c::text FROM customers AS c;
-- permitted
SELECT row_to_json(c) FROM customers AS c;
-- permitted
SELECT to_jsonb(orders) FROM orders;
-- permitted
SELECT json_agg(o ORDER BY o.id) FROM orders AS o;
-- permitted
SELECT ROW(c.*) FROM customers AS c;
-- permitted
SELECT COUNT(o) FROM orders AS o;
-- permitted
SELECT (c).name FROM customers AS c;
-- permitted
SELECT x.key FROM customers AS c, json_each_text(to_json(c)) AS x;
-- harmless
SELECT (SELECT o FROM orders AS o ORDER BY id LIMIT 1);
-- permitted
SELECT public.orders.id FROM public.orders;
-- permitted
SELECT sales.lines.qty FROM sales.lines;
-- permitted
SELECT DISTINCT ON (region) region, id FROM orders ORDER BY region, id;
-- permitted
SELECT x.note FROM customers AS c, LATERAL (SELECT note FROM orders WHERE orders.customer_id = c.id) AS x;
-- permitted
SELECT id FROM orders WHERE note::int > 0;
-- permitted
SELECT id FROM orders WHERE 1 / (amount - 777701) < 1 OR note::int = 0;
-- permitted
SELECT string_agg(note, ',' ORDER BY id) FROM orders;
-- permitted
SELECT id FROM orders FETCH FIRST 2 ROWS ONLY;
-- permitted
SELECT region, GROUPING(region), COUNT(*) FROM orders GROUP BY ROLLUP (region);

-- permitted
WITH orders AS (SELECT id, note FROM orders) SELECT id, note FROM orders;
-- permitted
SELECT * FROM customers AS c(a, b, c, d);
-- fails
SELECT * FROM customers AS c(a, b, c, d, e);
-- permitted
SELECT c.b FROM customers AS c(a, b);
