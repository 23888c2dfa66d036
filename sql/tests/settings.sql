-- The settings, and what is said when one is wrong.
BEGIN;
SELECT plan(12);

SET jrerank.on_error = 'perhaps';
SELECT throws_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, '22023', 'jrerank.on_error: ''perhaps'' is not one of keep_order, error, error_unless_complete');
RESET jrerank.on_error;
SET jrerank.timeout_ms = 'soon';
SELECT throws_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, '22023', 'jrerank.timeout_ms: ''soon'' is not a number of milliseconds');
SELECT lives_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'], timeout_ms => 5000)$$, 'an argument goes before a setting');
SET jrerank.timeout_ms = '';
SELECT lives_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, 'an empty setting is none');
SET jrerank.notice_level = 'loud';
SELECT throws_like($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, 'jrerank.notice_level: %');
SET jrerank.notice_level = 'none';

SET jrerank.server = 'nowhere';
SET jrerank.transport = 'dblink';
SELECT lives_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, 'what is not set up keeps the old order');
SELECT is(reason, 'not_configured', 'and says so') FROM jrerank.rerank_status();
SET jrerank.on_error = 'error';
SELECT throws_like($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, 'jrerank: not_configured: %');
RESET jrerank.on_error;

-- In parallel queries, and in transactions that may not write
SET LOCAL parallel_setup_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT lives_ok($$SELECT count(*) FROM pg_class c, jrerank.rerank('q', ARRAY['a']) r$$, 'beside a scan that could be parallel');
SELECT is(provolatile::text || proparallel::text, 'vu', 'neither folded by the planner nor run by a worker')
  FROM pg_proc WHERE proname = 'rerank' AND pronamespace = 'jrerank'::regnamespace LIMIT 1;
SET TRANSACTION READ ONLY;
SELECT lives_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'])$$, 'in a read-only transaction');
SELECT is(jrerank.version(), '0.2.0', 'the version can be asked');

SELECT * FROM finish();
ROLLBACK;
