-- A trusted extension is installed with a superuser's rights: no name below may be found in a schema where others write
SET LOCAL search_path = pg_catalog, pg_temp;

-- Who asks, and who holds the key -----------------------------------------------------------------------------------------

-- Roles belong to the whole cluster: they are not dropped with the extension, and another database may have made them.
DO $roles$
DECLARE
  name text;
  installer text;
BEGIN
  FOREACH name IN ARRAY ARRAY['jrerank_owner', 'jrerank_user'] LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name AND (rolcanlogin OR rolsuper)) THEN
      RAISE EXCEPTION 'role % exists, and may log in or is a superuser', name
        USING HINT = pg_catalog.format('ALTER ROLE %I NOLOGIN NOSUPERUSER, or drop it.', name);
    END IF;
    CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name);
    EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', name);
    -- Only who made jrerank_user may hand it on: elsewhere it opens the databases of others
    SELECT pg_catalog.quote_ident(r.rolname) INTO installer
      FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_roles r ON r.oid = e.extowner
      WHERE e.extname = 'jrerank' AND NOT r.rolsuper;
    IF name = 'jrerank_user' AND installer IS NOT NULL THEN
      EXECUTE pg_catalog.format('GRANT jrerank_user TO %s WITH ADMIN OPTION', installer);
    END IF;
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'the roles jrerank_owner and jrerank_user could not be made (%): the functions belong to %', SQLERRM, current_user;
END
$roles$;

CREATE SCHEMA jrerank;
