
-- Who may do what -----------------------------------------------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jrerank FROM PUBLIC;

DO $grants$
DECLARE
  installer text := (
    SELECT quote_ident(r.rolname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_roles r ON r.oid = e.extowner
    WHERE e.extname = 'jrerank'
  );
  function pg_catalog.regprocedure;
BEGIN
  IF installer IS NOT NULL THEN
    EXECUTE pg_catalog.format('GRANT USAGE ON FOREIGN DATA WRAPPER jrerank TO %s', installer);
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA jrerank TO %s WITH GRANT OPTION', installer);
    EXECUTE pg_catalog.format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jrerank TO %s WITH GRANT OPTION', installer);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'jrerank_owner') THEN
    RETURN;  -- they could not be made: see above
  END IF;
  GRANT USAGE ON SCHEMA jrerank TO jrerank_user, jrerank_owner;
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jrerank TO jrerank_owner;
  FOR function IN
    SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'jrerank'::pg_catalog.regnamespace
      AND p.proname !~ '^(_ask_|_dblink_|_http_|_foreign_|_part_|check_)'  -- what only _ask calls
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO jrerank_user', function);
  END LOOP;
  -- Who asks the sidecar is nobody but the role that the user mapping is for
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    EXECUTE pg_catalog.format('GRANT jrerank_owner TO %I', current_user);
  END IF;
  GRANT CREATE ON SCHEMA jrerank TO jrerank_owner;
  ALTER FUNCTION jrerank._ask(text[], text, text[], text, text, timestamptz, text, text, text) OWNER TO jrerank_owner;
  ALTER FUNCTION jrerank.rerank_disconnect() OWNER TO jrerank_owner;
  ALTER FUNCTION jrerank._dblink_answers_within(text, int) OWNER TO jrerank_owner;
  ALTER FUNCTION jrerank._dblink_loopback_obstacle() OWNER TO jrerank_owner;
  REVOKE CREATE ON SCHEMA jrerank FROM jrerank_owner;
END
$grants$;
