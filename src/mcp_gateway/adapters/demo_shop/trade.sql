-- Orders, sales, returns and stock, made inside DuckDB. Every random choice is a hash of the seed, a tag and the row's
-- number, so the same seed and day give the same rows whatever the number of threads.
-- Needs the variables seed, today, first_day and the temporary tables buyers, sellers and shelves.

-- step: orders
CREATE TEMP MACRO u(tag, n) AS
  (hash(xor(hash(n), hash(concat(getvariable('seed'), tag)))) >> 11)::DOUBLE / 9007199254740992.0;
CREATE TEMP TABLE days AS
SELECT day, date_diff('day', getvariable('first_day'), day) / date_diff('day', getvariable('first_day'), getvariable('today')) AS progress,
  [0.86, 0.84, 0.93, 0.97, 1.02, 0.98, 0.90, 0.88, 0.99, 1.03, 1.38, 1.52][month(day)]
    * [0.92, 1.00, 0.98, 1.00, 1.06, 1.22, 1.10][dayofweek(day) + 1] AS season
FROM (SELECT unnest(generate_series(getvariable('first_day'), getvariable('today'), INTERVAL 1 DAY))::DATE AS day);
CREATE TEMP TABLE busy AS
SELECT day, progress,
  greatest(3, round(56 * (1 + 0.42 * progress) * season * (0.86 + 0.28 * u('day', date_diff('day', DATE '2000-01-01', day)))))::INTEGER AS orders
FROM days;
CREATE TEMP TABLE drawn AS
SELECT row_number() OVER (ORDER BY day, n) AS n, day, progress
FROM (SELECT day, progress, unnest(range(orders)) AS n FROM busy);
INSERT INTO orders
WITH picked AS (
  SELECT n, day,
    floor((SELECT count(*) FROM buyers) * (0.35 + 0.65 * progress) * pow(u('customer', n), 1.3) * 0.999)::INTEGER AS rank
  FROM drawn
), placed AS (
  SELECT n, day,
    CASE WHEN day < getvariable('late_day') THEN b.early_customer_id ELSE b.late_customer_id END AS customer_id,
    CASE WHEN u('channel', n) < 0.58 THEN 'online' WHEN u('channel', n) < 0.86 THEN 'store' ELSE 'phone' END AS channel,
    CASE
      WHEN u('cancelled', n) < 0.055 THEN 'cancelled'
      WHEN day > getvariable('today') - 3 THEN 'pending'
      WHEN day > getvariable('today') - 9 AND u('shipped', n) < 0.8 THEN 'shipped'
      ELSE 'completed'
    END AS status
  FROM picked JOIN buyers b USING (rank)
)
SELECT (10000 + n)::INTEGER, customer_id,
  CASE WHEN channel <> 'online' THEN s.employee_ids[1 + floor(len(s.employee_ids) * pow(u('employee', n), 1.4))::INTEGER] END,
  c.region_id, day,
  CASE WHEN status IN ('completed', 'shipped') THEN least(day + 1 + floor(5 * u('ship', n))::INTEGER, getvariable('today')) END,
  channel, status
FROM placed JOIN customers c USING (customer_id) JOIN sellers s ON s.region_id = c.region_id
ORDER BY n;

-- step: sales
INSERT INTO sales
WITH lines AS (
  SELECT order_id, customer_id, order_date, unnest(range(1 + floor(5.4 * pow(u('lines', order_id), 1.6))::INTEGER)) AS line
  FROM orders WHERE status <> 'cancelled'
), chosen AS (
  SELECT DISTINCT ON (order_id, product_id) order_id, customer_id, order_date, line, order_id * 8 + line AS n,
    s.product_ids[1 + floor(len(s.product_ids) * u('product', order_id * 8 + line))::INTEGER] AS product_id
  FROM lines JOIN shelves s ON s.month = date_trunc('month', order_date)
  ORDER BY order_id, product_id, line
), priced AS (
  SELECT n, order_id, product_id, order_date,
    CASE c.segment
      WHEN 'Consumer' THEN 1 + floor(4 * pow(u('quantity', n), 3))
      WHEN 'Small Business' THEN 1 + floor(9 * pow(u('quantity', n), 2.2))
      ELSE 2 + floor(16 * pow(u('quantity', n), 1.8))
    END::INTEGER AS quantity,
    round(p.list_price * (1 - 0.035 * date_diff('month', order_date, getvariable('today')) / 12.0), 2)::DECIMAL(10, 2) AS unit_price,
    CASE
      WHEN u('discount', n) < (CASE month(order_date) WHEN 11 THEN 0.45 ELSE 0.18 END)
        THEN [0.05, 0.05, 0.10, 0.10, 0.15, 0.20][1 + floor(6 * u('rate', n))::INTEGER]
      ELSE 0
    END::DECIMAL(4, 2) AS discount
  FROM chosen JOIN products p USING (product_id) JOIN customers c USING (customer_id)
)
SELECT row_number() OVER (ORDER BY n)::INTEGER, order_id, product_id, order_date, quantity, unit_price, discount,
  round(quantity * unit_price * (1 - discount), 2)::DECIMAL(12, 2)
FROM priced ORDER BY n;

-- step: returns
INSERT INTO returns
WITH sent_back AS (
  SELECT s.*, s.sale_date + 3 + floor(30 * pow(u('days', sale_id), 1.5))::INTEGER AS return_date,
    1 + floor(s.quantity * u('units', sale_id))::INTEGER AS units
  FROM sales s JOIN products p USING (product_id) JOIN categories c USING (category_id)
  WHERE product_id % 7 <> 0
    AND u('return', sale_id) < (0.015 + 0.05 * u('rate of return', product_id)) * (CASE category_name WHEN 'Clothing' THEN 2.2 ELSE 1 END)
)
SELECT row_number() OVER (ORDER BY return_date, sale_id)::INTEGER, sale_id, return_date, units,
  round(amount * units / quantity, 2)::DECIMAL(12, 2),
  ['damaged', 'wrong size', 'changed mind', 'late delivery', 'not as described', 'changed mind', NULL][1 + floor(7 * u('reason', sale_id))::INTEGER]
FROM sent_back WHERE return_date <= getvariable('today')
ORDER BY return_date, sale_id;

-- step: stock
INSERT INTO stock
SELECT row_number() OVER (ORDER BY product_id, place)::INTEGER, product_id, ['Leipzig', 'Dallas', 'Busan'][place],
  CASE WHEN discontinued OR u('empty', product_id * 4 + place) < 0.07 THEN 0 ELSE floor(20 + 480 * pow(u('units', product_id * 4 + place), 1.8)) END::INTEGER,
  (10 * (1 + floor(8 * u('level', product_id))))::INTEGER,
  CASE WHEN u('never', product_id * 4 + place) >= 0.05 THEN getvariable('today') - 1 - floor(90 * u('restocked', product_id * 4 + place))::INTEGER END
FROM (SELECT product_id, discontinued, unnest([1, 2, 3]) AS place FROM products)
WHERE u('kept', product_id * 4 + place) >= 0.12
ORDER BY product_id, place;
