-- Who may do what. Run as a superuser; `app` is an application's role, in which jrerank_user is granted.
BEGIN;
SELECT plan(9);

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

SELECT * FROM finish();
ROLLBACK;
