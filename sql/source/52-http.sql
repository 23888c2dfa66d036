
-- http: pgsql-http --------------------------------------------------------------------------------------------------------------

-- The options of libcurl are the session's, whoever set them and however: a proxy of its own would be shown the key. All are taken
-- back, and those of the server set.
CREATE OR REPLACE FUNCTION jrerank._http_reset(http text, server text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  option record;
BEGIN
  EXECUTE format('SELECT %I.http_reset_curlopt()', http);
  FOR option IN
    SELECT upper(o.option_name) AS name, o.option_value AS value
    FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o WHERE s.srvname = server AND o.option_name ~ '^curlopt_'
  LOOP
    EXECUTE format('SELECT %I.http_set_curlopt($1, $2)', http) USING option.name, option.value;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._http_options(http text) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  options text[];
BEGIN
  EXECUTE format('SELECT array_agg(ARRAY[o.curlopt, o.value]) FROM %I.http_list_curlopt() o', http) INTO options;
  RETURN options;
END
$$;

-- What `_http_options` had is the session's again.
CREATE OR REPLACE FUNCTION jrerank._http_restore(http text, options text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('SELECT %I.http_reset_curlopt()', http);
  FOR n IN 1..coalesce(array_length(options, 1), 0) LOOP
    EXECUTE format('SELECT %I.http_set_curlopt($1, $2)', http) USING options[n][1], options[n][2];
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- an option that this libcurl doesn't have
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
  -- The key goes from the catalog into the header within one statement, and never is a variable. An empty `expect` keeps libcurl
  -- from asking whether it may send the body, which costs a round trip and a delayed acknowledgement: 40 ms
  EXECUTE format(
    $request$
      SELECT r.status, r.content
      FROM (
        SELECT ROW('expect', '')::%1$I.http_header || ARRAY(
          SELECT ROW('authorization', 'Bearer ' || k)::%1$I.http_header FROM jrerank._ask_key($4) k WHERE $3 AND k IS NOT NULL
        ) AS headers
      ) k,
      LATERAL %1$I.http(ROW('POST', $1, k.headers, 'application/json', $2)::%1$I.http_request) r
    $request$, http
  ) INTO status, answer USING url || '/v1/columns', body, keyed, server;
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
