-- Queries an analyst may ask. One a line; "-- dialect:" as in hostile.sql. The contract tests run the lines marked with a dialect
-- name of an engine at hand over the tables secrets(id, word), other(id, amount, day, moment, note, data) to see that they work.

-- dialect: all
SELECT 1
SELECT * FROM secrets
SELECT id, word FROM secrets WHERE id > 1 ORDER BY word DESC LIMIT 10
SELECT COUNT(*) FROM secrets
SELECT COUNT(DISTINCT word) AS words FROM secrets
SELECT s.id, o.amount FROM secrets AS s JOIN other AS o ON s.id = o.id
SELECT s.id, o.amount FROM secrets s LEFT JOIN other o ON s.id = o.id WHERE o.id IS NULL
SELECT * FROM secrets, other WHERE secrets.id = other.id
SELECT * FROM secrets CROSS JOIN other
SELECT word, COUNT(*) FROM secrets GROUP BY word HAVING COUNT(*) > 1
SELECT id, SUM(amount) AS total, AVG(amount), MIN(amount), MAX(amount) FROM other GROUP BY id ORDER BY total DESC LIMIT 5
SELECT DISTINCT word FROM secrets
SELECT id FROM secrets UNION SELECT id FROM other
SELECT id FROM secrets UNION ALL SELECT id FROM other ORDER BY 1
SELECT id FROM secrets INTERSECT SELECT id FROM other
SELECT id FROM secrets EXCEPT SELECT id FROM other
WITH totals AS (SELECT id, SUM(amount) AS total FROM other GROUP BY id) SELECT * FROM totals WHERE total > 10
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n
SELECT * FROM secrets WHERE id IN (SELECT id FROM other WHERE amount > 5)
SELECT * FROM secrets s WHERE EXISTS (SELECT 1 FROM other o WHERE o.id = s.id)
SELECT * FROM secrets WHERE NOT EXISTS (SELECT 1 FROM other WHERE other.id = secrets.id)
SELECT * FROM secrets WHERE id NOT IN (1, 2, 3)
SELECT * FROM secrets WHERE id BETWEEN 1 AND 3 AND NOT word IS NULL
SELECT * FROM secrets WHERE word LIKE '%a%' OR word LIKE 'b!_%' ESCAPE '!'
SELECT CASE WHEN amount > 10 THEN 'big' WHEN amount > 5 THEN 'middle' ELSE 'small' END AS size, COUNT(*) FROM other GROUP BY 1
SELECT COALESCE(word, 'none'), NULLIF(word, ''), UPPER(word), LOWER(word), LENGTH(word), TRIM(word) FROM secrets
SELECT CAST(amount AS INTEGER), CAST(id AS CHAR(10)) FROM other
SELECT ROUND(amount, 2), ABS(amount), amount * 1.0 / 3, -amount FROM other
SELECT ROW_NUMBER() OVER (PARTITION BY id ORDER BY amount DESC) AS place, amount FROM other
SELECT amount - LAG(amount) OVER (ORDER BY day) AS step FROM other
SELECT SUM(amount) OVER (ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM other
SELECT RANK() OVER (ORDER BY amount), DENSE_RANK() OVER (ORDER BY amount), NTILE(4) OVER (ORDER BY amount) FROM other
SELECT FIRST_VALUE(amount) OVER w, LAST_VALUE(amount) OVER w FROM other WINDOW w AS (PARTITION BY id ORDER BY day)
SELECT * FROM (SELECT id, amount FROM other) AS inner_query WHERE amount > 1
SELECT (SELECT MAX(amount) FROM other) AS most
SELECT SUBSTRING(word, 1, 2), REPLACE(word, 'a', 'b') FROM secrets
SELECT * FROM other WHERE day >= '2024-01-01' AND day < '2025-01-01'
SELECT CURRENT_DATE, CURRENT_TIMESTAMP
SELECT SUM(CASE WHEN amount > 5 THEN 1 ELSE 0 END) * 100.0 / COUNT(*) FROM other
SELECT a.id FROM other a JOIN other b ON a.id = b.id AND a.day < b.day
SELECT id AS "select", word AS "group by" FROM secrets
SELECT * FROM secrets LIMIT 5 OFFSET 2
SELECT 'it''s; DROP TABLE secrets' AS text
SELECT 1 -- a comment
SELECT /* a comment */ 1;
SELECT COUNT(*) FROM (SELECT DISTINCT id FROM other) t
SELECT id % 2, id + 1, id - 1, id * 2 FROM secrets
SELECT MAX(day) FROM other WHERE note IS NOT NULL

-- dialect: duckdb
(SELECT id FROM secrets) UNION (SELECT id FROM other)
FROM secrets
FROM secrets SELECT word WHERE id = 1
VALUES (1, 'a'), (2, 'b')
SELECT * EXCLUDE (note) FROM other
SELECT * REPLACE (amount * 2 AS amount) FROM other
SELECT COLUMNS('a.*') FROM other
SELECT day, SUM(amount) FROM other GROUP BY ALL ORDER BY ALL
SELECT DATE_TRUNC('month', day) AS month, SUM(amount) FROM other GROUP BY 1 ORDER BY 1
SELECT DATE_DIFF('day', day, CURRENT_DATE), day + INTERVAL 1 MONTH, day - INTERVAL '7 days' FROM other
SELECT EXTRACT(YEAR FROM day), YEAR(day), MONTH(day), DAYOFWEEK(day), WEEK(day), QUARTER(day), MONTHNAME(day), LAST_DAY(day) FROM other
SELECT STRFTIME(moment, '%Y-%m'), STRPTIME('2024-01-01', '%Y-%m-%d'), TIME_BUCKET(INTERVAL 1 DAY, moment), EPOCH(moment), AGE(moment) FROM other
SELECT QUANTILE_CONT(amount, 0.5), QUANTILE_CONT(amount, [0.25, 0.75]), MEDIAN(amount), MODE(amount IS NULL), STDDEV(amount), VAR_POP(amount) FROM other
SELECT COUNT(*) FILTER (WHERE amount > 5), SUM(amount) FILTER (WHERE id = 1) FROM other
SELECT id, day, SUM(amount) FROM other GROUP BY GROUPING SETS ((id), (day), ())
SELECT id, day, GROUPING(id), SUM(amount) FROM other GROUP BY ROLLUP (id, day)
SELECT id, day, SUM(amount) FROM other GROUP BY CUBE (id, day)
SELECT STRING_AGG(word, ', ' ORDER BY word), LIST(word), ARRAY_AGG(DISTINCT word), LISTAGG(word, ';') FROM secrets
SELECT ARG_MAX(note, amount), ARG_MIN(note, amount), MAX_BY(note, amount), ANY_VALUE(note), FIRST(note), HISTOGRAM(id) FROM other
SELECT REGEXP_MATCHES(word, '^a'), REGEXP_EXTRACT(word, '(.)', 1), REGEXP_REPLACE(word, 'a', 'b', 'g'), word ~ 'a.*' FROM secrets
SELECT word ILIKE 'A%', word SIMILAR TO 'a.*', STARTS_WITH(word, 'a'), CONTAINS(word, 'a'), word LIKE 'a%' FROM secrets
SELECT data ->> '$.a', data -> '$.b', JSON_EXTRACT_STRING(data, '$.a'), JSON_ARRAY_LENGTH(data, '$.b') FROM other
SELECT TRY_CAST(word AS INT), word::VARCHAR, id::DOUBLE FROM secrets
SELECT LIST_TRANSFORM([1, 2, 3], lambda x: x + 1), LIST_FILTER([1, 2], lambda x: x > 1), [x * 2 FOR x IN [1, 2]], LEN([1])
SELECT {'a': 1, 'b': 2}.a, MAP {'k': 1}, [1, 2, 3][1:2], STRUCT_PACK(a := 1)
SELECT UNNEST([1, 2, 3]) AS n
SELECT * FROM UNNEST([1, 2, 3]) AS t(n)
SELECT * FROM GENERATE_SERIES(1, 5) AS g(n)
SELECT * FROM RANGE(5)
SELECT d FROM GENERATE_SERIES(DATE '2024-01-01', DATE '2024-01-03', INTERVAL 1 DAY) AS g(d)
SELECT * FROM other QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY day DESC) = 1
SELECT * FROM other USING SAMPLE 10 ROWS
SELECT * FROM other TABLESAMPLE BERNOULLI (50 PERCENT)
SELECT * FROM (PIVOT other ON id IN (1, 2) USING SUM(amount) GROUP BY day)
SELECT * FROM other PIVOT (SUM(amount) FOR id IN (1, 2))
SELECT s.word, o.amount FROM secrets s ASOF JOIN other o ON s.id >= o.id
SELECT * FROM secrets s, LATERAL (SELECT MAX(amount) AS most FROM other o WHERE o.id = s.id) l
SELECT * FROM secrets SEMI JOIN other USING (id)
SELECT * FROM secrets ANTI JOIN other USING (id)
SELECT APPROX_COUNT_DISTINCT(word), CORR(id, id), COVAR_POP(id, id), REGR_SLOPE(id, id), SKEWNESS(id), KURTOSIS(id), ENTROPY(word), PRODUCT(id) FROM secrets
SELECT LEVENSHTEIN(word, 'x'), JARO_WINKLER_SIMILARITY(word, 'x'), STRIP_ACCENTS(word), SPLIT_PART(word, 'a', 1), STRING_SPLIT(word, 'a') FROM secrets
SELECT IF(id > 1, 'a', 'b'), IFNULL(word, ''), GREATEST(1, 2), LEAST(1, 2), id // 2, id ** 2, id ^ 2, SQRT(id), LN(id), EXP(1), FLOOR(1.5), CEIL(1.5) FROM secrets
SELECT LPAD(word, 5, '0'), RPAD(word, 5, ' '), REPEAT(word, 2), REVERSE(word), LEFT(word, 1), RIGHT(word, 1), CONCAT(word, '-', id), CONCAT_WS('-', word, id), word || 'x', FORMAT('{}', id), PRINTF('%d', id), MD5(word), HEX(word) FROM secrets
SELECT * FROM information_schema.tables
SELECT MAKE_DATE(2024, 1, 1), TO_TIMESTAMP(0), MAKE_TIMESTAMP(2024, 1, 1, 0, 0, 0), DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00', TODAY(), NOW()
SELECT moment AT TIME ZONE 'UTC' FROM other
SELECT PERCENT_RANK() OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id), NTH_VALUE(word, 2) OVER (ORDER BY id), LEAD(word, 1, 'x') OVER (ORDER BY id) FROM secrets
SELECT SUM(amount) OVER (ORDER BY day RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) FROM other
SELECT BOOL_AND(id > 0), BOOL_OR(id > 5), BIT_AND(id), COUNT_IF(id > 1) FROM secrets
SELECT id FROM secrets ORDER BY word NULLS LAST LIMIT 10 PERCENT
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount) FROM other
SELECT a.word, b.word FROM secrets a POSITIONAL JOIN secrets b
SELECT TYPEOF(id), HASH(id), UUID(), RANDOM() FROM secrets
SELECT id IS NOT DISTINCT FROM 1, id = ANY([1, 2]), id IN [1, 2] FROM secrets
WITH m AS MATERIALIZED (SELECT * FROM secrets) SELECT * FROM m

-- dialect: sqlite
VALUES (1, 'a'), (2, 'b')
SELECT STRFTIME('%Y-%m', day), DATE('now', '-1 month'), DATETIME('now'), JULIANDAY('now'), DATE(day, 'start of month'), TIME('now') FROM other
SELECT GROUP_CONCAT(word, ', '), TOTAL(id), IFNULL(word, ''), IIF(id > 1, 'a', 'b'), PRINTF('%d', id), INSTR(word, 'a') FROM secrets
SELECT SUBSTR(word, 1, 2), HEX(word), QUOTE(word), TYPEOF(word), UNICODE(word), CHAR(65), ROUND(1.5), MIN(1, 2), MAX(1, 2) FROM secrets
SELECT word GLOB 'a*', word LIKE 'a%', word IS 'a', word IS NOT 'b', word == 'a', word COLLATE NOCASE FROM secrets
SELECT JSON_EXTRACT(data, '$.a'), data ->> '$.a', data -> '$.b', JSON_ARRAY_LENGTH(data, '$.b'), JSON_TYPE(data), JSON_VALID(data) FROM other
SELECT o.id, j.value FROM other o, JSON_EACH(o.data, '$.b') j
SELECT * FROM JSON_TREE('{"a": [1, 2]}')
SELECT COUNT(*) FILTER (WHERE amount > 5) FROM other
SELECT rowid, * FROM secrets
SELECT [id], `word`, "id" FROM secrets
SELECT * FROM secrets LIMIT 2, 3
SELECT * FROM main.secrets
SELECT name, sql FROM sqlite_master WHERE type = 'table'
SELECT CAST(amount AS REAL), CAST(word AS BLOB), x'4142' FROM other, secrets
SELECT SUM(amount) OVER (ORDER BY day GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM other
SELECT id FROM secrets ORDER BY word COLLATE NOCASE ASC NULLS LAST
SELECT COUNT(DISTINCT word || id), id << 1, id & 1, id | 1, ~id FROM secrets
SELECT * FROM secrets NATURAL JOIN other
SELECT * FROM secrets LEFT JOIN other USING (id)
SELECT UNIXEPOCH('now'), STRFTIME('%s', 'now') - STRFTIME('%s', day) FROM other
SELECT CAST(STRFTIME('%Y', day) AS INTEGER) - 1 FROM other
SELECT JSON_GROUP_ARRAY(word), JSON_OBJECT('a', 1), JSON_ARRAY(1, 2) FROM secrets

-- dialect: postgres
(SELECT id FROM secrets) UNION (SELECT id FROM other)
VALUES (1, 'a'), (2, 'b')
TABLE secrets
SELECT DISTINCT ON (id) id, amount FROM other ORDER BY id, day DESC
SELECT DATE_TRUNC('month', day), TO_CHAR(day, 'YYYY-MM'), EXTRACT(EPOCH FROM moment), AGE(moment), DATE_PART('year', day), day + INTERVAL '1 month', NOW() - INTERVAL '7 days', moment AT TIME ZONE 'UTC', MAKE_DATE(2024, 1, 1), TO_DATE('2024-01-01', 'YYYY-MM-DD') FROM other
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount), PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY amount), MODE() WITHIN GROUP (ORDER BY note) FROM other
SELECT STRING_AGG(word, ', ' ORDER BY word), ARRAY_AGG(word), JSON_AGG(word), BOOL_AND(id > 0), BOOL_OR(id > 5), EVERY(id > 0) FROM secrets
SELECT COUNT(*) FILTER (WHERE amount > 5) FROM other
SELECT id, day, SUM(amount) FROM other GROUP BY GROUPING SETS ((id), (day), ())
SELECT id, day, SUM(amount), GROUPING(id) FROM other GROUP BY ROLLUP (id, day)
SELECT id, day, SUM(amount) FROM other GROUP BY CUBE (id, day)
SELECT d FROM GENERATE_SERIES(DATE '2024-01-01', DATE '2024-01-03', INTERVAL '1 day') AS d
SELECT * FROM GENERATE_SERIES(1, 5) AS g(n)
SELECT * FROM UNNEST(ARRAY[1, 2]) WITH ORDINALITY AS u(n, place)
SELECT data ->> 'a', data -> 'b', data #>> '{b,0}', data @> '{"a": 1}', JSONB_ARRAY_LENGTH(data -> 'b'), JSONB_TYPEOF(data) FROM other
SELECT o.id, e FROM other o, JSONB_ARRAY_ELEMENTS(o.data -> 'b') AS e
SELECT o.id, e.key, e.value FROM other o CROSS JOIN LATERAL JSONB_EACH_TEXT(o.data) AS e
SELECT word ~ '^a', word ~* 'A', word !~ 'x', word ILIKE 'A%', word SIMILAR TO 'a%', REGEXP_REPLACE(word, 'a', 'b', 'g'), REGEXP_MATCH(word, 'a'), SPLIT_PART(word, 'a', 1), REGEXP_SPLIT_TO_ARRAY(word, 'a') FROM secrets
SELECT POSITION('a' IN word), OVERLAY(word PLACING 'x' FROM 1), SUBSTRING(word FROM 1 FOR 2), TRIM(BOTH 'x' FROM word), INITCAP(word), CONCAT(word, id), CONCAT_WS('-', word, id), LPAD(word, 5, '0'), MD5(word), FORMAT('%s', word), REVERSE(word), LEFT(word, 2), STARTS_WITH(word, 'a') FROM secrets
SELECT amount::INT, amount::NUMERIC(10, 2), word::TEXT, '2024-01-01'::DATE FROM other, secrets
SELECT id = ANY(ARRAY[1, 2]), id > ALL (SELECT 0), id IS DISTINCT FROM 2, (id, word) = (1, 'a'), id BETWEEN SYMMETRIC 3 AND 1 FROM secrets
SELECT WIDTH_BUCKET(amount, 0, 100, 5), LN(2.0), POWER(2, 3), SQRT(4), MOD(5, 2), SIGN(-1), TRUNC(1.55, 1), GREATEST(1, 2), LEAST(1, 2), CEIL(1.2), FLOOR(1.2), RANDOM() FROM other
SELECT CORR(id, id), STDDEV(id), VARIANCE(id), COVAR_POP(id, id), REGR_SLOPE(id, id), REGR_R2(id, id), STDDEV_POP(id), VAR_SAMP(id) FROM secrets
SELECT * FROM secrets FETCH FIRST 3 ROWS ONLY
SELECT * FROM other TABLESAMPLE SYSTEM (50)
SELECT * FROM secrets s LEFT JOIN LATERAL (SELECT * FROM other o WHERE o.id = s.id ORDER BY day DESC LIMIT 1) l ON TRUE
SELECT table_name FROM information_schema.tables
SELECT SUM(amount) OVER (ORDER BY day RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM other
SELECT * FROM secrets FULL OUTER JOIN other USING (id)
SELECT TO_TSVECTOR('english', word) @@ TO_TSQUERY('english', 'a') FROM secrets
SELECT ROW_TO_JSON(s) FROM secrets s
SELECT $$a text$$ AS t, E'a\\tb' AS u
SELECT NUM_NONNULLS(id, word), COALESCE(word, ''), GEN_RANDOM_UUID(), PG_TYPEOF(id) FROM secrets
WITH m AS NOT MATERIALIZED (SELECT * FROM secrets) SELECT * FROM m
SELECT pg_catalog.upper(word) FROM secrets
SELECT * FROM public.secrets

-- dialect: mysql
SELECT DATE_FORMAT(day, '%Y-%m'), DATE_ADD(day, INTERVAL 1 MONTH), DATE_SUB(day, INTERVAL 7 DAY), DATEDIFF(NOW(), day), TIMESTAMPDIFF(MONTH, day, NOW()), YEAR(day), MONTH(day), QUARTER(day), WEEK(day), DAYNAME(day), MONTHNAME(day), LAST_DAY(day), CURDATE(), STR_TO_DATE('2024', '%Y'), UNIX_TIMESTAMP(day), FROM_UNIXTIME(0) FROM other
SELECT GROUP_CONCAT(word ORDER BY word SEPARATOR ', ') FROM secrets
SELECT IF(id > 1, 'a', 'b'), IFNULL(word, ''), CONCAT(word, id), SUBSTRING_INDEX(word, 'a', 1), FIND_IN_SET('a', word), FIELD(word, 'a', 'b') FROM secrets
SELECT word REGEXP '^a', word RLIKE 'a', word <=> 'a', id DIV 2, id MOD 2, BINARY word, id XOR 1, word LIKE 'a%' FROM secrets
SELECT JSON_EXTRACT(data, '$.a'), data ->> '$.a', JSON_UNQUOTE(JSON_EXTRACT(data, '$.a')), JSON_LENGTH(data) FROM other
SELECT * FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS(a INT PATH '$.a')) AS j
SELECT day, SUM(amount) FROM other GROUP BY day WITH ROLLUP
SELECT `id`, `word` FROM `secrets` LIMIT 5, 10
SELECT CONVERT(id, CHAR), CONVERT(word USING utf8mb4), CAST(id AS SIGNED), LPAD(word, 5, '0'), TRUNCATE(1.55, 1), RAND(), FORMAT(1000, 2) FROM secrets
SELECT STRAIGHT_JOIN * FROM secrets JOIN other USING (id)
SELECT "a text" AS t, 'it\'s' AS u
SELECT MATCH(word) AGAINST('a') FROM secrets
SELECT * FROM secrets USE INDEX (PRIMARY)
SELECT table_name FROM information_schema.tables WHERE table_schema = 'x'
SELECT STDDEV(amount), VARIANCE(amount), BIT_OR(id), ANY_VALUE(note), JSON_ARRAYAGG(id) FROM other
