-- The demo shop's tables. Generated data goes in by generate.py and trade.sql.
CREATE TABLE regions (
  region_id INTEGER PRIMARY KEY,
  region_name VARCHAR NOT NULL,
  market VARCHAR NOT NULL
);
CREATE TABLE categories (
  category_id INTEGER PRIMARY KEY,
  category_name VARCHAR NOT NULL,
  department VARCHAR NOT NULL
);
CREATE TABLE products (
  product_id INTEGER PRIMARY KEY,
  product_name VARCHAR NOT NULL,
  category_id INTEGER NOT NULL REFERENCES categories (category_id),
  brand VARCHAR NOT NULL,
  list_price DECIMAL(10, 2) NOT NULL,
  unit_cost DECIMAL(10, 2) NOT NULL,
  weight_kg DECIMAL(6, 2),
  color VARCHAR,
  launch_date DATE NOT NULL,
  discontinued BOOLEAN NOT NULL
);
CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY,
  customer_name VARCHAR NOT NULL,
  segment VARCHAR NOT NULL,
  email VARCHAR,
  phone VARCHAR,
  city VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  region_id INTEGER NOT NULL REFERENCES regions (region_id),
  birth_date DATE,
  signup_date DATE NOT NULL,
  loyalty_tier VARCHAR,
  newsletter BOOLEAN NOT NULL
);
CREATE TABLE employees (
  employee_id INTEGER PRIMARY KEY,
  employee_name VARCHAR NOT NULL,
  job_title VARCHAR NOT NULL,
  region_id INTEGER REFERENCES regions (region_id),
  manager_id INTEGER REFERENCES employees (employee_id),
  hire_date DATE NOT NULL,
  salary DECIMAL(10, 2) NOT NULL,
  email VARCHAR NOT NULL
);
CREATE TABLE orders (
  order_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
  employee_id INTEGER REFERENCES employees (employee_id),
  region_id INTEGER NOT NULL REFERENCES regions (region_id),
  order_date DATE NOT NULL,
  ship_date DATE,
  channel VARCHAR NOT NULL,
  status VARCHAR NOT NULL
);
CREATE TABLE sales (
  sale_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (order_id),
  product_id INTEGER NOT NULL REFERENCES products (product_id),
  sale_date DATE NOT NULL,
  quantity INTEGER NOT NULL,
  unit_price DECIMAL(10, 2) NOT NULL,
  discount DECIMAL(4, 2) NOT NULL,
  amount DECIMAL(12, 2) NOT NULL
);
CREATE TABLE returns (
  return_id INTEGER PRIMARY KEY,
  sale_id INTEGER NOT NULL REFERENCES sales (sale_id),
  return_date DATE NOT NULL,
  quantity INTEGER NOT NULL,
  refund_amount DECIMAL(12, 2) NOT NULL,
  reason VARCHAR
);
CREATE TABLE stock (
  stock_id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products (product_id),
  warehouse VARCHAR NOT NULL,
  quantity_on_hand INTEGER NOT NULL,
  reorder_level INTEGER NOT NULL,
  last_restocked DATE
);

COMMENT ON TABLE regions IS 'Sales regions of the shop';
COMMENT ON COLUMN regions.region_name IS 'Name of the sales region';
COMMENT ON COLUMN regions.market IS 'Market the region belongs to: EMEA, Americas or APAC';
COMMENT ON TABLE categories IS 'Product categories';
COMMENT ON COLUMN categories.department IS 'Department that looks after the category';
COMMENT ON TABLE products IS 'What the shop sells';
COMMENT ON COLUMN products.list_price IS 'Price today before discount, in euros';
COMMENT ON COLUMN products.unit_cost IS 'What one piece costs the shop, in euros';
COMMENT ON COLUMN products.weight_kg IS 'Shipping weight in kilograms';
COMMENT ON COLUMN products.color IS 'Main color; empty when it has none';
COMMENT ON COLUMN products.launch_date IS 'Day the product went on sale';
COMMENT ON COLUMN products.discontinued IS 'True when the product is no longer sold';
COMMENT ON TABLE customers IS 'People and companies with an account';
COMMENT ON COLUMN customers.segment IS 'Consumer, Small Business or Enterprise';
COMMENT ON COLUMN customers.birth_date IS 'Date of birth; unknown for companies and some people';
COMMENT ON COLUMN customers.signup_date IS 'Day the account was opened';
COMMENT ON COLUMN customers.loyalty_tier IS 'Gold, Silver or Bronze; empty when not in the loyalty programme';
COMMENT ON COLUMN customers.newsletter IS 'True when the customer takes the newsletter';
COMMENT ON TABLE employees IS 'Staff; those in sales have a region';
COMMENT ON COLUMN employees.manager_id IS 'The employee this one reports to';
COMMENT ON COLUMN employees.hire_date IS 'First day of work';
COMMENT ON COLUMN employees.salary IS 'Yearly salary in euros';
COMMENT ON TABLE orders IS 'Orders placed by customers';
COMMENT ON COLUMN orders.employee_id IS 'Who took the order; empty for online orders';
COMMENT ON COLUMN orders.order_date IS 'Day the order was placed';
COMMENT ON COLUMN orders.ship_date IS 'Day the goods left; empty while pending or when cancelled';
COMMENT ON COLUMN orders.channel IS 'online, store or phone';
COMMENT ON COLUMN orders.status IS 'completed, shipped, pending or cancelled; a cancelled order has no sales';
COMMENT ON TABLE sales IS 'Order lines: one product within one order';
COMMENT ON COLUMN sales.sale_date IS 'Day of the sale, the same as the order date';
COMMENT ON COLUMN sales.quantity IS 'Units sold';
COMMENT ON COLUMN sales.unit_price IS 'Price of one unit before discount, in euros';
COMMENT ON COLUMN sales.discount IS 'Discount as a share of the price: 0.10 is ten percent';
COMMENT ON COLUMN sales.amount IS 'What was paid for the line after discount, in euros';
COMMENT ON TABLE returns IS 'Goods sent back';
COMMENT ON COLUMN returns.quantity IS 'Units sent back';
COMMENT ON COLUMN returns.refund_amount IS 'Money given back, in euros';
COMMENT ON COLUMN returns.reason IS 'Why it came back; empty when the customer gave none';
COMMENT ON TABLE stock IS 'Goods in each warehouse';
COMMENT ON COLUMN stock.warehouse IS 'Town of the warehouse';
COMMENT ON COLUMN stock.quantity_on_hand IS 'Units in the warehouse now';
COMMENT ON COLUMN stock.reorder_level IS 'Order more when fewer units are left';
COMMENT ON COLUMN stock.last_restocked IS 'Day of the last delivery; empty when there was none';
