
-- What the user mapping of the role that asks says, one row always. A query of SQL, without SET, becomes part of what calls it, whose plan
-- PL/pgSQL keeps for the session: planned anew for each call it would take longer than everything else that is looked up for it.
CREATE OR REPLACE FUNCTION jrerank._ask_mapping(server text) RETURNS TABLE (password_file text, password text)
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.max(o.option_value) FILTER (WHERE o.option_name = 'password_file'),
    pg_catalog.max(o.option_value) FILTER (WHERE o.option_name = 'password')
  FROM pg_catalog.pg_user_mappings m, pg_catalog.pg_options_to_table(m.umoptions) o
  WHERE m.srvname = server AND m.usename = current_user
$$;

-- The key: of the user mapping of the role that asks, which nobody else can read; or of a file, which a dump doesn't hold.
CREATE OR REPLACE FUNCTION jrerank._ask_key(server text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mapping record;
BEGIN
  SELECT * INTO mapping FROM jrerank._ask_mapping(server);
  IF mapping.password_file IS NOT NULL THEN
    RETURN btrim(split_part(pg_read_file(mapping.password_file), E'\n', 1), E' \r\t');
  END IF;
  RETURN mapping.password;
END
$$;

-- The search path of functions that call those of an extension by their bare names: 50-dblink.sql says why.
CREATE OR REPLACE FUNCTION jrerank._ask_path(extension_schema text) RETURNS text
LANGUAGE sql STABLE
AS $$ SELECT pg_catalog.format('pg_catalog, %I, pg_temp', extension_schema) $$;
