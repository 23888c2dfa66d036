
-- Where the sidecar is ------------------------------------------------------------------------------------------------------------

-- What CREATE SERVER and CREATE USER MAPPING may say: a misspelt option would be passed over in silence.
CREATE OR REPLACE FUNCTION jrerank.check_options(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  allowed text[] := CASE catalog
    WHEN 'pg_foreign_server'::regclass THEN ARRAY['url', 'host', 'hostaddr', 'port', 'dbname', 'connect_timeout',
      'tcp_user_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'application_name',
      'sslmode', 'sslrootcert', 'sslcrl', 'sslsni', 'ssl_min_protocol_version', 'gssencmode']
    WHEN 'pg_user_mapping'::regclass THEN ARRAY['user', 'password', 'password_file']
    ELSE '{}' END;
  option record;
BEGIN
  FOR option IN SELECT * FROM pg_options_to_table(options) LOOP
    IF option.option_name <> ALL (allowed)
      AND NOT (catalog = 'pg_foreign_server'::regclass AND option.option_name ~ '^curlopt_[a-z_]+$') THEN
      RAISE EXCEPTION 'invalid option %', quote_literal(option.option_name) USING ERRCODE = 'fdw_invalid_option_name',
        HINT = 'Valid here: ' || coalesce(nullif(array_to_string(allowed, ', '), ''), 'none') || '.';
    ELSIF option.option_name = 'url' AND option.option_value !~ '^https?://[^/?#@]+(/[^?#]*)?$' THEN
      RAISE EXCEPTION 'url: % is not of the form http://host:port', quote_literal(option.option_value)
        USING ERRCODE = 'fdw_invalid_attribute_value';
    END IF;
  END LOOP;
END
$$;

