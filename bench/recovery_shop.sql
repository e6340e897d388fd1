-- How many customers are there?
SELECT COUNT(*) FROM customers;
-- How many orders were placed by phone?
SELECT COUNT(*) FROM orders WHERE channel = 'phone';
-- What is the total sales amount by region?
SELECT r.region_name, SUM(s.amount) AS total FROM sales AS s JOIN orders AS o ON s.order_id = o.order_id JOIN regions AS r ON o.region_id = r.region_id GROUP BY r.region_name ORDER BY total DESC;
-- Which five products sold best by amount?
SELECT p.product_name, SUM(s.amount) AS total FROM sales AS s JOIN products AS p ON s.product_id = p.product_id GROUP BY p.product_name ORDER BY total DESC LIMIT 5;
-- Customers in Germany
SELECT customer_name, city FROM customers WHERE country = 'Germany';
-- Average salary by job title
SELECT job_title, AVG(salary) AS average_salary FROM employees GROUP BY job_title;
-- Which categories have more than five products?
SELECT c.category_name, COUNT(*) AS products FROM categories AS c JOIN products AS p ON p.category_id = c.category_id GROUP BY c.category_name HAVING COUNT(*) > 5;
-- Products that cost more than 100
SELECT product_name, list_price FROM products WHERE list_price > 100 ORDER BY list_price DESC;
-- Sales per month in 2026
SELECT DATE_TRUNC('month', sale_date) AS month, SUM(amount) AS total FROM sales WHERE sale_date >= '2026-01-01' AND sale_date < '2027-01-01' GROUP BY DATE_TRUNC('month', sale_date) ORDER BY month;
-- Refunds by reason
SELECT reason, SUM(refund_amount) AS refunded FROM returns WHERE reason IS NOT NULL GROUP BY reason;
-- How many different customers ordered in October 2026?
SELECT COUNT(DISTINCT customer_id) FROM orders WHERE order_date >= '2026-10-01' AND order_date < '2026-11-01';
-- Stock on hand by warehouse
SELECT warehouse, SUM(quantity_on_hand) AS units FROM stock GROUP BY warehouse;
-- Customers who never ordered
SELECT customer_name FROM customers WHERE NOT customer_id IN (SELECT customer_id FROM orders);
-- Employees hired after 2020
SELECT employee_name, hire_date FROM employees WHERE hire_date > '2020-12-31';
-- Cancelled orders by channel
SELECT channel, COUNT(*) AS cancelled FROM orders WHERE status = 'cancelled' GROUP BY channel;
-- Average order value by customer segment
SELECT c.segment, SUM(s.amount) / COUNT(DISTINCT o.order_id) AS value FROM customers AS c JOIN orders AS o ON o.customer_id = c.customer_id JOIN sales AS s ON s.order_id = o.order_id GROUP BY c.segment;
-- Products of the Garden category
SELECT p.product_name FROM products AS p JOIN categories AS c ON p.category_id = c.category_id WHERE c.category_name = 'Garden';
-- The most expensive product
SELECT product_name FROM products ORDER BY list_price DESC LIMIT 1;
-- Products dearer than the average
SELECT product_name FROM products WHERE list_price > (SELECT AVG(list_price) FROM products);
-- Orders with more than 7 lines
SELECT order_id, COUNT(*) AS lines FROM sales GROUP BY order_id HAVING COUNT(*) > 5;
-- Number of customers by country, largest first
SELECT country, COUNT(*) AS customers FROM customers GROUP BY country ORDER BY customers DESC;
-- Names of customers in capital letters
SELECT UPPER(customer_name) AS name FROM customers WHERE country = 'France';
-- Products without a colour get a dash
SELECT product_name, COALESCE(color, '-') AS color FROM products;
-- Total quantity sold by category
SELECT c.category_name, SUM(s.quantity) AS sold FROM sales AS s JOIN products AS p ON s.product_id = p.product_id JOIN categories AS c ON p.category_id = c.category_id GROUP BY c.category_name;
-- Who manages whom
SELECT e.employee_name, m.employee_name AS manager FROM employees AS e JOIN employees AS m ON e.manager_id = m.employee_id;
-- Sales of at least 2000
SELECT sale_id, amount FROM sales WHERE amount >= 2000;
-- Rows sold at a discount
SELECT COUNT(*) FROM sales WHERE discount > 0;
-- Returned quantity by product
SELECT p.product_name, SUM(r.quantity) AS returned FROM returns AS r JOIN sales AS s ON r.sale_id = s.sale_id JOIN products AS p ON s.product_id = p.product_id GROUP BY p.product_name;
-- Length of the longest product name
SELECT MAX(LENGTH(product_name)) FROM products;
-- Customers with the newsletter by loyalty tier
SELECT loyalty_tier, COUNT(*) AS readers FROM customers WHERE newsletter GROUP BY loyalty_tier;
-- Share of each channel in the orders
SELECT channel, ROUND(100.0 * COUNT(*) / (SELECT COUNT(*) FROM orders), 1) AS share FROM orders GROUP BY channel;
-- First order of each customer in Spain
SELECT c.customer_name, MIN(o.order_date) AS first_order FROM customers AS c JOIN orders AS o ON o.customer_id = c.customer_id WHERE c.country = 'Spain' GROUP BY c.customer_name;
-- Products low in stock
SELECT p.product_name, SUM(st.quantity_on_hand) AS units FROM products AS p JOIN stock AS st ON st.product_id = p.product_id GROUP BY p.product_name HAVING SUM(st.quantity_on_hand) < 200;
-- Customers who bought the Magic Wand Pro
SELECT DISTINCT c.customer_name FROM customers AS c JOIN orders AS o ON o.customer_id = c.customer_id JOIN sales AS s ON s.order_id = o.order_id JOIN products AS p ON s.product_id = p.product_id WHERE p.product_name = 'Magic Wand Pro';
-- Orders shipped in the first week of 2026
SELECT order_id, ship_date FROM orders WHERE ship_date BETWEEN '2026-01-01' AND '2026-01-07';
-- Customers of the Consumer segment by city
SELECT city, COUNT(*) AS people FROM customers WHERE segment = 'Consumer' GROUP BY city ORDER BY people DESC, city LIMIT 10;
-- Units sold online or by phone
SELECT SUM(s.quantity) AS units FROM sales AS s JOIN orders AS o ON s.order_id = o.order_id WHERE o.channel IN ('online', 'phone');
-- Employees with the highest salary in each region
SELECT r.region_name, MAX(e.salary) AS highest FROM employees AS e JOIN regions AS r ON e.region_id = r.region_id GROUP BY r.region_name;
-- Average price and cost by brand
SELECT brand, AVG(list_price) AS price, AVG(unit_cost) AS cost FROM products GROUP BY brand;
-- Revenue of this year and last year
SELECT EXTRACT(YEAR FROM sale_date) AS year, SUM(amount) AS revenue FROM sales GROUP BY EXTRACT(YEAR FROM sale_date);
