-- Statements that must be refused. One a line; "-- dialect:" says which dialects ("all": each of the four); \n is a line break,
-- \0 a zero byte. The contract tests run the same lines past the guard against writable databases.

-- dialect: all
DELETE FROM secrets
UPDATE secrets SET word = 'x'
INSERT INTO secrets VALUES (99, 'x')
INSERT INTO secrets SELECT * FROM secrets
DROP TABLE secrets
DROP TABLE IF EXISTS secrets CASCADE
TRUNCATE TABLE secrets
ALTER TABLE secrets ADD COLUMN extra INT
ALTER TABLE secrets RENAME TO known
CREATE TABLE stolen AS SELECT * FROM secrets
CREATE TABLE stolen (word TEXT)
CREATE VIEW stolen AS SELECT * FROM secrets
CREATE TEMPORARY TABLE stolen AS SELECT * FROM secrets
CREATE INDEX slow ON secrets (word)
SELECT 1; DELETE FROM secrets
SELECT 1; SELECT 2
SELECT 1;; DROP TABLE secrets
DELETE FROM secrets; SELECT 1
SELECT 1 /* ; */ ; DROP TABLE secrets --
; DELETE FROM secrets
BEGIN
COMMIT
ROLLBACK
COMMIT; DELETE FROM secrets
SAVEPOINT here
SET threads = 1
GRANT ALL ON secrets TO PUBLIC
REVOKE ALL ON secrets FROM PUBLIC
VACUUM
ANALYZE secrets
EXPLAIN ANALYZE DELETE FROM secrets
EXPLAIN SELECT 1
WITH gone AS (DELETE FROM secrets RETURNING *) SELECT * FROM gone
WITH new AS (INSERT INTO secrets VALUES (99, 'x') RETURNING *) SELECT * FROM new
WITH changed AS (UPDATE secrets SET word = 'x' RETURNING *) SELECT COUNT(*) FROM changed
WITH one AS (SELECT 1 AS id) DELETE FROM secrets WHERE id IN (SELECT id FROM one)
MERGE INTO secrets USING other ON secrets.id = other.id WHEN MATCHED THEN DELETE
SELECT * INTO stolen FROM secrets
SELECT word FROM secrets WHERE id = ?
SELECT unknown_function(word) FROM secrets
SELECT * FROM unknown_table_function('x')
SELECT 1\0; DROP TABLE secrets
CALL do_something()
EXECUTE prepared
PREPARE p AS DELETE FROM secrets
DECLARE c CURSOR FOR SELECT 1
SHOW TABLES
DESCRIBE secrets
USE other
LOCK TABLE secrets
KILL 1
sELeCt 1;dRoP tAbLe secrets
SELECT 1 -- harmless\n; DROP TABLE secrets
SELECT * FROM secrets WHERE word = '' ; DELETE FROM secrets WHERE '1' = '1'
SELECT read_csv('/etc/passwd')
SELECT * FROM read_csv('/etc/passwd')
SELECT load_extension('/tmp/evil.so')
SELECT pg_read_file('/etc/passwd')
SELECT load_file('/etc/passwd')
SELECT getenv('HOME')
SELECT sleep(1)
SELECT pg_sleep(1)
SELECT benchmark(1000000000, md5('x'))
SELECT current_setting('data_directory')
SELECT set_config('default_transaction_read_only', 'off', FALSE)
SELECT (SELECT pg_sleep(1))
SELECT COALESCE(NULLIF(1, 1), pg_sleep(1))
SELECT CASE WHEN 1 = 1 THEN load_file('/etc/passwd') END
SELECT 1 ORDER BY pg_sleep(1)
SELECT COUNT(*) FROM secrets GROUP BY id HAVING pg_sleep(1) IS NULL
SELECT SUM(id) OVER (ORDER BY pg_sleep(1)) FROM secrets
SELECT * FROM secrets WHERE id IN (SELECT pg_sleep(1))
WITH x AS (SELECT pg_sleep(1) AS y) SELECT * FROM x
SELECT * FROM secrets JOIN other ON pg_sleep(1) IS NULL
SELECT 1 UNION SELECT pg_sleep(1)
SELECT 1 LIMIT (SELECT pg_sleep(1))

-- dialect: duckdb
SELECT current_schema
SELECT current_catalog
SELECT session_user
SELECT current_setting('memory_limit')
SELECT current_database()
SELECT $1
ATTACH '/tmp/evil.duckdb' AS evil
DETACH secrets
COPY secrets TO '/tmp/stolen.csv'
COPY secrets FROM '/etc/passwd'
COPY (SELECT * FROM secrets) TO '/tmp/stolen.parquet'
EXPORT DATABASE '/tmp/stolen'
IMPORT DATABASE '/tmp/stolen'
INSTALL httpfs
LOAD httpfs
FORCE INSTALL httpfs FROM community
PRAGMA database_list
PRAGMA enable_external_access
SET enable_external_access = true
SET lock_configuration = false
RESET lock_configuration
CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')
CREATE MACRO evil() AS 1
CREATE OR REPLACE FUNCTION lower(x) AS x
CREATE SEQUENCE numbers
CREATE TYPE mood AS ENUM ('sad')
CHECKPOINT
FORCE CHECKPOINT
SELECT * FROM '/etc/passwd'
SELECT * FROM "/etc/passwd"
SELECT * FROM '/etc/passwd.csv'
SELECT * FROM "data.csv"
SELECT * FROM 'https://example.com/data.parquet'
SELECT * FROM 's3://bucket/*.parquet'
SELECT * FROM '*.csv'
FROM 'data.json'
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_json('/etc/passwd')
SELECT * FROM read_json_auto('/etc/passwd')
SELECT * FROM read_ndjson('/etc/passwd')
SELECT * FROM read_csv_auto('/etc/passwd')
SELECT * FROM read_parquet('/tmp/x.parquet')
SELECT * FROM parquet_scan('/tmp/x.parquet')
SELECT * FROM parquet_metadata('/tmp/x.parquet')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM glob('/etc/*')
SELECT * FROM iceberg_scan('/tmp/x')
SELECT * FROM sqlite_scan('/tmp/x.db', 't')
SELECT * FROM postgres_scan('host=x', 'public', 't')
SELECT * FROM query('DELETE FROM secrets')
SELECT * FROM query_table('secrets')
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_extensions()
SELECT * FROM duckdb_databases()
SELECT * FROM duckdb_logs
SELECT * FROM pragma_database_list
SELECT * FROM pragma_version()
SELECT * FROM pg_catalog.pg_class
SELECT * FROM system.information_schema.tables
SELECT * FROM json_execute_serialized_sql('x')
SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))
SELECT getvariable('x')
SET VARIABLE x = 1
SELECT nextval('numbers')
SELECT currval('numbers')
SELECT setseed(0.5)
SELECT current_setting('secret_directory')
SELECT version()
SELECT current_user
SELECT txid_current()
SELECT write_log('x')
SELECT which_secret('s3://x', 's3')
SELECT ('x').read_text()
SELECT ('/etc/passwd').read_csv()
SELECT evil.lower(word) FROM secrets
SELECT * FROM secrets AT (VERSION => 1)
PIVOT secrets ON word USING COUNT(*)
SUMMARIZE secrets
CALL pragma_version()
SELECT * FROM (DESCRIBE secrets)
SELECT * FROM (SHOW ALL TABLES)
COMMENT ON TABLE secrets IS 'x'
UPDATE EXTENSIONS

SELECT CAST(id AS "x) FROM read_text('/etc/passwd') --") FROM secrets
SELECT id::"x) FROM read_text('/etc/passwd') --" FROM secrets
SELECT TRY_CAST(id AS "x"".y) FROM read_text('/etc/passwd') --") FROM secrets

-- dialect: sqlite
SELECT 1 IN pragma_database_list
SELECT 1 IN 'sqlite_stat1'
SELECT 1 WHERE 1 NOT IN main.'sqlite_stat1'
SELECT sqlite_version()
SELECT sqlite_source_id()
SELECT sqlite_compileoption_get(0)
SELECT CAST(id AS "x) FROM pragma_database_list --") FROM secrets
SELECT CAST(id AS CHAR("1)) FROM pragma_database_list --")) FROM secrets
ATTACH DATABASE '/tmp/evil.db' AS evil
ATTACH ':memory:' AS evil
DETACH DATABASE main
PRAGMA query_only = OFF
PRAGMA writable_schema = ON
PRAGMA table_info(secrets)
PRAGMA journal_mode = DELETE
REPLACE INTO secrets VALUES (1, 'x')
INSERT OR REPLACE INTO secrets VALUES (1, 'x')
VACUUM INTO '/tmp/stolen.db'
REINDEX
CREATE TRIGGER evil AFTER INSERT ON secrets BEGIN DELETE FROM other; END
CREATE VIRTUAL TABLE evil USING fts5(x)
SELECT writefile('/tmp/x', 'y')
SELECT readfile('/etc/passwd')
SELECT edit('x', 'vi')
SELECT fts3_tokenizer('x', x'00')
SELECT * FROM pragma_table_info('secrets')
SELECT * FROM pragma_database_list
SELECT * FROM pragma_function_list()
SELECT * FROM fsdir('/')
SELECT * FROM sqlite_stat1
SELECT * FROM temp.x
SELECT sqlite_version()
SELECT sqlite_compileoption_get(1)
SELECT last_insert_rowid()
SELECT changes()
SELECT total_changes()
SELECT eval('DELETE FROM secrets')
SELECT "load_extension"('/tmp/evil.so')
SELECT [load_extension]('/tmp/evil.so')
SELECT `load_extension`('/tmp/evil.so')
SELECT load_extension ('/tmp/evil.so')
SELECT LOAD_EXTENSION/**/('/tmp/evil.so')
SELECT word FROM secrets WHERE id = :id
SELECT word FROM secrets WHERE id = @id

-- dialect: postgres
SELECT user
SELECT USER FROM secrets
SELECT word FROM secrets WHERE word = user
SELECT current_user
SELECT current_role
SELECT current_catalog
SELECT current_schema
SELECT current_schemas(TRUE)
SELECT current_database()
SELECT current_setting('data_directory')
SELECT inet_client_addr()
SELECT inet_server_port()
SELECT pg_backend_pid()
SELECT pg_postmaster_start_time()
SELECT pg_database_size('postgres')
SELECT pg_get_userbyid(10)
SELECT pg_is_in_recovery()
SELECT pg_current_wal_lsn()
SELECT pg_catalog.pg_get_viewdef('secrets')
SELECT has_table_privilege('secrets', 'SELECT')
SELECT '10'::regrole
SELECT 'secrets'::regclass
SELECT obj_description(1)
SELECT to_regclass('secrets')
SELECT CAST(id AS CHAR("1)) FROM pg_ls_dir('/') --")) FROM secrets
SELECT EXTRACT("epoch FROM now()), pg_sleep(1) --" FROM now())
SELECT $1
SELECT * FROM secrets FOR UPDATE
SELECT * FROM secrets FOR SHARE
SELECT * FROM secrets FOR NO KEY UPDATE SKIP LOCKED
SELECT word INTO TEMP stolen FROM secrets
COPY secrets TO '/tmp/stolen'
COPY secrets TO PROGRAM 'cat'
COPY secrets FROM PROGRAM 'id'
DO $$ BEGIN DELETE FROM secrets; END $$
CREATE EXTENSION dblink
CREATE FUNCTION evil() RETURNS INT AS 'DELETE FROM secrets; SELECT 1' LANGUAGE SQL
ALTER SYSTEM SET log_statement = 'all'
ALTER ROLE postgres SUPERUSER
SET ROLE postgres
SET SESSION AUTHORIZATION postgres
SET TRANSACTION READ WRITE
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
RESET ALL
LISTEN x
NOTIFY x, 'y'
SELECT pg_notify('x', 'y')
SELECT pg_read_binary_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT pg_stat_file('/etc/passwd')
SELECT lo_import('/etc/passwd')
SELECT lo_export(1, '/tmp/x')
SELECT lo_create(0)
SELECT lo_unlink(1)
SELECT lo_put(1, 0, 'x')
SELECT lo_from_bytea(0, 'x')
SELECT nextval('numbers')
SELECT setval('numbers', 1)
SELECT pg_sleep_for('1 second')
SELECT pg_sleep_until(now())
SELECT pg_advisory_lock(1)
SELECT pg_try_advisory_lock(1)
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(1)
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_logical_emit_message(TRUE, 'a', 'b')
SELECT pg_stat_reset()
SELECT pg_create_restore_point('x')
SELECT txid_current()
SELECT pg_current_xact_id()
SELECT query_to_xml('DELETE FROM secrets', TRUE, TRUE, '')
SELECT table_to_xml('secrets', TRUE, TRUE, '')
SELECT database_to_xml(TRUE, TRUE, '')
SELECT ts_stat('SELECT 1')
SELECT * FROM ts_stat('SELECT word FROM secrets')
SELECT * FROM dblink('host=evil', 'SELECT 1') AS t(a INT)
SELECT dblink_exec('host=evil', 'DROP TABLE x')
SELECT dblink_connect('host=evil')
SELECT * FROM crosstab('SELECT 1') AS t(a INT)
SELECT * FROM pg_ls_dir('/')
SELECT * FROM pg_read_file('/etc/passwd')
SELECT * FROM secrets, LATERAL pg_read_file(word)
SELECT * FROM ROWS FROM (generate_series(1, 2), pg_ls_dir('/')) AS t
SELECT * FROM pg_authid
SELECT * FROM pg_shadow
SELECT * FROM pg_catalog.pg_authid
SELECT * FROM "pg_authid"
SELECT rolpassword FROM PG_AUTHID
SELECT * FROM pg_user_mapping
SELECT * FROM pg_settings
SELECT * FROM pg_hba_file_rules
SELECT * FROM pg_file_settings
SELECT * FROM pg_stat_activity
SELECT * FROM pg_largeobject
SELECT * FROM pg_stats
SELECT * FROM information_schema.user_mapping_options
SELECT has_table_privilege('secrets', 'SELECT')
SELECT 'pg_authid'::regclass
SELECT public.evil()
SELECT pg_catalog.pg_sleep(1)
SELECT pg_catalog."pg_read_file"('/etc/passwd')
SELECT U&"pg_sle\0065p"(1)
SELECT inet_server_addr()
SELECT version()
SELECT session_user
SELECT current_database()
SELECT currval('numbers')
SELECT pg_get_viewdef('x')
SELECT xpath('//a', query_to_xml('SELECT 1', TRUE, TRUE, '')::xml)
SELECT gen_salt('bf')
SELECT http_get('http://example.com')
SELECT * FROM cursor_to_xml('c', 1, TRUE, TRUE, '')

-- dialect: mysql
SELECT current_user
SELECT current_user()
SELECT current_role
SELECT session_user()
SELECT system_user()
SELECT schema()
SELECT connection_id()
SELECT @@datadir
SELECT @@global.version
SELECT @x
SELECT TIMESTAMPDIFF('day, now(), now()), load_file(1) -- ', now(), now())
SELECT CAST(id AS CHAR(`1)), load_file(0x2f) -- `)) FROM secrets
SELECT * FROM secrets FOR UPDATE
SELECT * FROM secrets LOCK IN SHARE MODE
SELECT word FROM secrets INTO OUTFILE '/tmp/stolen'
SELECT word INTO OUTFILE '/tmp/stolen' FROM secrets
SELECT word INTO DUMPFILE '/tmp/stolen' FROM secrets
SELECT word INTO @stolen FROM secrets
SELECT @x := 1
SELECT @@version
SELECT @@global.secure_file_priv
SET GLOBAL general_log = 1
SET @x = 1
LOAD DATA INFILE '/etc/passwd' INTO TABLE secrets
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE secrets
REPLACE INTO secrets VALUES (1, 'x')
DO SLEEP(1)
HANDLER secrets OPEN
FLUSH TABLES
RESET MASTER
INSTALL PLUGIN x SONAME 'y.so'
SELECT get_lock('x', 1)
SELECT release_lock('x')
SELECT is_free_lock('x')
SELECT master_pos_wait('x', 1)
SELECT sys_exec('id')
SELECT sys_eval('id')
SELECT user()
SELECT database()
SELECT connection_id()
SELECT last_insert_id()
SELECT row_count()
SELECT found_rows()
SELECT * FROM mysql.user
SELECT * FROM performance_schema.threads
SELECT * FROM sys.session
SELECT * FROM information_schema.processlist
SELECT * FROM information_schema.user_privileges
SELECT /*! sleep(1), */ 1
SELECT /*!50000 load_file('/etc/passwd'), */ 1
SELECT 1 /*! INTO OUTFILE '/tmp/x' */
SELECT /*M! sleep(1), */ 1
SELECT /*+ SET_VAR(max_execution_time=0) */ 1
SELECT * FROM secrets PROCEDURE ANALYSE()
SELECT extractvalue(1, concat(0x7e, version()))
SELECT SLEEP/**/(1)
SELECT `sleep`(1)
XA START 'x'
CHANGE MASTER TO MASTER_HOST = 'evil'
SHUTDOWN
