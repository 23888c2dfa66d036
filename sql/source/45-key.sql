
CREATE OR REPLACE FUNCTION jrerank._ask_key_file(server text) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT o.option_value FROM pg_catalog.pg_user_mappings m, pg_catalog.pg_options_to_table(m.umoptions) o
  WHERE m.srvname = server AND m.usename = current_user AND o.option_name = 'password_file'
$$;

-- The key: of the user mapping of the role that asks, which nobody else can read; or of a file, which a dump doesn't hold.
CREATE OR REPLACE FUNCTION jrerank._ask_key(server text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  file constant text := jrerank._ask_key_file(server);
BEGIN
  IF file IS NOT NULL THEN
    RETURN btrim(split_part(pg_read_file(file), E'\n', 1), E' \r\t');
  END IF;
  RETURN (
    SELECT o.option_value FROM pg_user_mappings m, pg_options_to_table(m.umoptions) o
    WHERE m.srvname = server AND m.usename = current_user AND o.option_name = 'password'
  );
END
$$;
