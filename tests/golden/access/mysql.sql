-- Ways that only MySQL and MariaDB have. See everywhere.sql for the words.

-- unknown_table
TABLE salaries;
-- unknown_table
SELECT * FROM salaries USE INDEX (salaries_pay);
-- unknown_table
SELECT * FROM `salaries`;
-- unknown_table
SELECT * FROM whole_world.salaries;
-- unknown_table
SELECT * FROM customers STRAIGHT_JOIN salaries;
-- unknown_table
SELECT * FROM customers, LATERAL (SELECT pay FROM salaries) AS x;
-- refused
SELECT * FROM mysql.user;
-- refused
SELECT * FROM information_schema.tables;
-- refused
SELECT * FROM performance_schema.users;
-- refused
SELECT * FROM sys.version;
-- refused
SELECT LOAD_FILE('/etc/passwd');
-- refused
SELECT SLEEP(5);
-- refused
SELECT @@datadir;
-- refused
SELECT DATABASE();
-- fails
SELECT * FROM salaries PARTITION (p0);
-- fails
SELECT id FROM orders PROCEDURE ANALYSE();
-- permitted
SELECT id FROM orders USE INDEX (PRIMARY);
-- permitted
SELECT id, note FROM `orders` WHERE note + 0 > 0;
-- permitted
SELECT GROUP_CONCAT(note ORDER BY id) FROM orders;
-- permitted
SELECT SQL_CALC_FOUND_ROWS id FROM orders;
-- permitted
SELECT id FROM orders WHERE region = 'us' OR region = 'eu';
-- permitted
SELECT JSON_ARRAYAGG(note) FROM orders WHERE id < 3;
