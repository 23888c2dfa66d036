
-- http: pgsql-http --------------------------------------------------------------------------------------------------------------

-- The options of libcurl are the session's, whoever set them and however: a proxy of its own would be shown the key. All are taken
-- back, and those of the server set.
CREATE OR REPLACE FUNCTION jrerank._http_reset(http text, server text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  server_options constant text[] := (
    SELECT array_agg(ARRAY[upper(o.option_name), o.option_value])
    FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o WHERE s.srvname = server AND o.option_name ~ '^curlopt_'
  );
BEGIN
  PERFORM jrerank._http_set_options(http, server_options);
END
$$;

-- As dblink's, the functions and types of http are called by their bare names, with the types that they take: 50-dblink.sql says why.
CREATE OR REPLACE FUNCTION jrerank._http_options(http text) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(http), true);
BEGIN
  RETURN (SELECT pg_catalog.array_agg(ARRAY[o.curlopt, o.value]) FROM http_list_curlopt() o);
END
$$;

-- libcurl's options are these, and no others.
CREATE OR REPLACE FUNCTION jrerank._http_set_options(http text, options text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(http), true);
BEGIN
  PERFORM http_reset_curlopt();
  FOR n IN 1..coalesce(pg_catalog.array_length(options, 1), 0) LOOP
    PERFORM http_set_curlopt(options[n][1]::pg_catalog.varchar, options[n][2]::pg_catalog.varchar);
  END LOOP;
END
$$;

-- What `_http_options` had is the session's again.
CREATE OR REPLACE FUNCTION jrerank._http_restore(http text, options text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM jrerank._http_set_options(http, options);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- an option that this libcurl doesn't have
END
$$;

-- The key goes from the catalog into the header within one statement, and never is a variable. An empty `expect` keeps libcurl
-- from asking whether it may send the body, which costs a round trip and a delayed acknowledgement: 40 ms
CREATE OR REPLACE FUNCTION jrerank._http_post(
  http text, server text, url text, keyed boolean, body text, OUT status int, OUT answer text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(http), true);
BEGIN
  SELECT r.status, r.content INTO status, answer
    FROM (
      SELECT pg_catalog.array_prepend(ROW('expect', '')::http_header, ARRAY(
        SELECT ROW('authorization', pg_catalog.concat('Bearer ', k))::http_header FROM jrerank._ask_key(server) k WHERE keyed AND k IS NOT NULL
      )) AS headers
    ) k,
    LATERAL http(ROW('POST', pg_catalog.concat(url, '/v1/columns'), k.headers, 'application/json', body)::http_request) r;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._ask_http(
  http text, server text, url text, keyed boolean, body text, deadline timestamptz,
  OUT answer text, OUT reason text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  keepalive text := coalesce(current_setting('http.keepalive', true), 'off');
  timeout_msec text := coalesce(current_setting('http.timeout_msec', true), '5000');
  options constant text[] := jrerank._http_options(http);
  status int;
BEGIN
  PERFORM jrerank._http_reset(http, server);
  PERFORM set_config('http.keepalive', 'on', true),
    -- A little later than the sidecar's own deadline: what ends here has lost the scores that there were
    set_config('http.timeout_msec', greatest(1, jrerank._remaining_ms(deadline) + 40)::text, true);
  body := body || format(',"timeout_ms":%s}', jrerank._sidecar_ms(deadline));
  SELECT p.status, p.answer INTO status, answer FROM jrerank._http_post(http, server, url, keyed, body) p;
  PERFORM jrerank._http_restore(http, options);
  -- As the caller had them, for the rest of its transaction; after an error they are so anyway
  PERFORM set_config('http.keepalive', keepalive, true), set_config('http.timeout_msec', timeout_msec, true);
  IF status <> 200 THEN
    detail := format('HTTP status %s: %s', status, left(answer, 300));
    answer := NULL;
    reason := CASE WHEN status IN (401, 403) THEN 'unauthorized' WHEN status = 429 THEN 'overloaded'
                   WHEN status = 503 THEN 'unreachable' WHEN status BETWEEN 400 AND 499 THEN 'rejected'
                   ELSE 'sidecar_error' END;
  END IF;
EXCEPTION WHEN OTHERS THEN
  PERFORM jrerank._http_restore(http, options);
  IF SQLERRM ~ '^canceling statement' THEN  -- with an SQLSTATE that isn't a cancel's
    RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = SQLERRM;
  END IF;
  reason := CASE WHEN clock_timestamp() >= deadline OR SQLERRM ~ 'timed out' THEN 'timeout' ELSE 'unreachable' END;
  detail := SQLERRM;
END
$$;
