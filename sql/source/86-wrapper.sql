
DO $wrapper$
BEGIN
  CREATE FOREIGN DATA WRAPPER jrerank VALIDATOR jrerank.check_options;
  COMMENT ON FOREIGN DATA WRAPPER jrerank IS 'A sidecar: url for the transport http, host and port for dblink.';
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'only a superuser makes a foreign-data wrapper: CREATE SERVER jrerank FOREIGN DATA WRAPPER dblink_fdw instead';
END
$wrapper$;

