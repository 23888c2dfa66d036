
-- In PL/pgSQL, which keeps a plan for the session: before PostgreSQL 18 one of SQL would be planned anew for each call, which takes
-- longer than everything else that is looked up for it.
CREATE OR REPLACE FUNCTION jrerank._ask_mapping(server text, option text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT o.option_value FROM pg_user_mappings m, pg_options_to_table(m.umoptions) o
    WHERE m.srvname = server AND m.usename = current_user AND o.option_name = option
  );
END
$$;

-- The key: of the user mapping of the role that asks, which nobody else can read; or of a file, which a dump doesn't hold.
CREATE OR REPLACE FUNCTION jrerank._ask_key(server text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  file text;
  password text;
BEGIN
  SELECT max(o.option_value) FILTER (WHERE o.option_name = 'password_file'), max(o.option_value) FILTER (WHERE o.option_name = 'password')
    INTO file, password
    FROM pg_user_mappings m, pg_options_to_table(m.umoptions) o
    WHERE m.srvname = server AND m.usename = current_user;
  IF file IS NOT NULL THEN
    RETURN btrim(split_part(pg_read_file(file), E'\n', 1), E' \r\t');
  END IF;
  RETURN password;
END
$$;
