-- Who may do what. Run as a superuser; `app` is an application's role, in which jrerank_user is granted.
BEGIN;
SELECT plan(17);

SELECT is_empty(
  $$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'jrerank'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')$$,
  'PUBLIC may call nothing');
SELECT is_empty(
  $$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'jrerank'::regnamespace AND p.prosecdef AND p.proowner <> 'jrerank_owner'::regrole$$,
  'nothing runs as anybody but jrerank_owner');
SELECT is_empty(
  $$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'jrerank'::regnamespace AND (p.prosecdef OR p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql'))
    AND p.prokind = 'f' AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))$$,
  'every function but short ones in SQL has its search_path fixed');
SELECT results_eq($$SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname IN ('jrerank_owner', 'jrerank_user') ORDER BY 1$$,
  $$VALUES ('jrerank_owner'::name, false, false), ('jrerank_user', false, false)$$, 'nobody logs in as either role');
SELECT is_empty($$SELECT * FROM pg_auth_members WHERE roleid = 'jrerank_owner'::regrole$$, 'nobody is jrerank_owner');
SELECT ok(NOT has_server_privilege('app', 'jrerank', 'USAGE'), 'the application may not use the server itself');
SELECT ok(NOT has_schema_privilege('jrerank_owner', 'jrerank', 'CREATE'), 'and nobody adds functions');
SELECT ok(has_function_privilege('app', 'jrerank.rerank(text, text[], int, int, text, jsonb, int)', 'EXECUTE'), 'the application may rerank');
SELECT ok(NOT has_function_privilege('app', 'jrerank._ask_http(text, text, text, boolean, text, timestamptz)', 'EXECUTE'), 'but not reach below');

-- Of what runs with more rights than the application's, it may call these; and `_ask` asks no server but a sidecar's, by whichever transport
SELECT results_eq($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'jrerank'::regnamespace AND p.prosecdef
    AND has_function_privilege('jrerank_user', p.oid, 'EXECUTE') ORDER BY 1$$,
  $$VALUES ('_ask'::name), ('rerank_disconnect')$$, 'the application runs nothing else with the rights of jrerank_owner');
CREATE SERVER jrerank_loopback FOREIGN DATA WRAPPER jrerank OPTIONS (url 'http://127.0.0.1:9', host '127.0.0.1', port '9', connect_timeout '2');
CREATE SERVER elsewhere FOREIGN DATA WRAPPER jrerank OPTIONS (url 'http://127.0.0.1:9', host '127.0.0.1', port '9', connect_timeout '2');
CREATE SERVER everybodys FOREIGN DATA WRAPPER jrerank OPTIONS (host '127.0.0.1', port '9', connect_timeout '2');
GRANT USAGE ON FOREIGN SERVER jrerank_loopback, everybodys TO jrerank_owner;
CREATE USER MAPPING FOR jrerank_owner SERVER jrerank_loopback;
CREATE USER MAPPING FOR jrerank_owner SERVER elsewhere;
CREATE USER MAPPING FOR PUBLIC SERVER everybodys;
CREATE FUNCTION pg_temp.asked(server text, transport text) RETURNS text LANGUAGE sql AS $$
  SELECT a.reason || ': ' || a.detail
  FROM jrerank._ask(ARRAY['山'], 'texts', ARRAY['川'], NULL, '', clock_timestamp() + interval '5 s', transport, server, NULL) a
$$;
SELECT matches(pg_temp.asked('jrerank_loopback', t), '^not_configured: .* leads to this database itself', 'not the database itself: ' || t)
  FROM unnest(ARRAY['auto', 'dblink', 'http']) t;
SELECT matches(pg_temp.asked('elsewhere', t), '^not_configured: jrerank_owner may not use the server', 'no server of others: ' || t)
  FROM unnest(ARRAY['auto', 'dblink', 'http']) t;
CREATE EXTENSION IF NOT EXISTS dblink;
SELECT is(pg_temp.asked('everybodys', 'dblink'),
  'not_configured: the user mapping is missing: CREATE USER MAPPING FOR jrerank_owner SERVER everybodys', 'nor one by a mapping of everybody''s');

SELECT * FROM finish();
ROLLBACK;
