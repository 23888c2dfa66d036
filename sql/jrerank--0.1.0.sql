-- jrerank 0.1.0: SELECT * FROM jrerank.rerank(query, documents). README.md beside this file says how everything behaves.
-- The same script serves CREATE EXTENSION and psql, as one transaction: psql -1 -v ON_ERROR_STOP=1 -f jrerank--0.1.0.sql

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

CREATE FUNCTION jrerank.version() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '0.1.0'::pg_catalog.text $$;
COMMENT ON FUNCTION jrerank.version() IS 'The version of these functions, also where they are no extension.';

-- What a search found -----------------------------------------------------------------------------------------------------

CREATE TYPE jrerank.hit AS (id text, passage text, score real);
COMMENT ON TYPE jrerank.hit IS 'A hit of the first stage: its id, its passage, and its score there, if it has one.';

CREATE FUNCTION jrerank.hit(id anyelement, passage text, score double precision DEFAULT NULL) RETURNS jrerank.hit
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ROW(id::pg_catalog.text, passage, score::pg_catalog.float4)::jrerank.hit $$;
COMMENT ON FUNCTION jrerank.hit(anyelement, text, double precision) IS 'One hit, of an id of any type.';

CREATE AGGREGATE jrerank.hits(jrerank.hit) (SFUNC = pg_catalog.array_append, STYPE = jrerank.hit[], INITCOND = '{}');
COMMENT ON AGGREGATE jrerank.hits(jrerank.hit) IS
  'Collects any number of hits for rerank, in the order of its input: hits(hit(id, passage, score) ORDER BY score DESC).';

CREATE FUNCTION jrerank._append_hit(hits jrerank.hit[], id anyelement, passage text, score double precision)
RETURNS jrerank.hit[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.array_append(hits, ROW(id::pg_catalog.text, passage, score::pg_catalog.float4)::jrerank.hit) $$;

-- A function of SQL copies what has been collected with each hit: 1 ms for 100 hits of 300 characters, 20 ms for 300
CREATE AGGREGATE jrerank.hits(id anyelement, passage text, score double precision) (
  SFUNC = jrerank._append_hit, STYPE = jrerank.hit[], INITCOND = '{}'
);
COMMENT ON AGGREGATE jrerank.hits(anyelement, text, double precision) IS
  'Collects a few hundred hits for rerank, in the order of its input: hits(id, passage, score ORDER BY score DESC).';

-- Settings: jrerank.*, of a session, a role or a database -------------------------------------------------------------------

CREATE FUNCTION jrerank._setting(name text) RETURNS text
LANGUAGE sql STABLE
AS $$ SELECT nullif(pg_catalog.current_setting('jrerank.' || name, true), '') $$;

-- One of a few words; the first is the default.
CREATE FUNCTION jrerank._choice(name text, VARIADIC allowed text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  chosen text := coalesce(nullif(current_setting('jrerank.' || name, true), ''), allowed[1]);
BEGIN
  IF chosen <> ALL (allowed) THEN
    RAISE EXCEPTION 'jrerank.%: % is not one of %', name, quote_literal(chosen), array_to_string(allowed, ', ')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN chosen;
END
$$;

-- When the call must be over: also before statement_timeout would end it, so that the rows come back in their old order.
CREATE FUNCTION jrerank._deadline(timeout_ms int) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  set_ms text := coalesce(nullif(current_setting('jrerank.timeout_ms', true), ''), '1000');
  statement interval := current_setting('statement_timeout')::interval;
  transaction interval := current_setting('transaction_timeout', true)::interval;
  deadline timestamptz;
BEGIN
  IF timeout_ms IS NULL THEN
    IF set_ms !~ '^[0-9]{1,8}$' THEN
      RAISE EXCEPTION 'jrerank.timeout_ms: % is not a number of milliseconds', quote_literal(set_ms)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Such as SET jrerank.timeout_ms = 500.';
    END IF;
    timeout_ms := set_ms;
  END IF;
  IF timeout_ms NOT BETWEEN 1 AND 86400000 THEN
    RAISE EXCEPTION 'timeout_ms: % is not between 1 and 86400000', timeout_ms USING ERRCODE = 'invalid_parameter_value';
  END IF;
  deadline := clock_timestamp() + make_interval(secs => timeout_ms / 1000.0);
  IF statement > '0' THEN
    deadline := least(deadline, statement_timestamp() + statement - jrerank._margin(statement));
  END IF;
  IF transaction > '0' THEN
    deadline := least(deadline, transaction_timestamp() + transaction - jrerank._margin(transaction));
  END IF;
  RETURN deadline;
END
$$;

-- What is kept back of a timeout that would end the statement.
CREATE FUNCTION jrerank._margin(timeout interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT least(greatest(timeout * 0.1::pg_catalog.float8, '50 ms'::pg_catalog.interval), '500 ms'::pg_catalog.interval) $$;

CREATE FUNCTION jrerank._remaining_ms(deadline timestamptz) RETURNS int
LANGUAGE sql VOLATILE
AS $$ SELECT pg_catalog.floor(extract(epoch FROM deadline - pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int4 $$;

-- dblink: the sidecar's PostgreSQL-wire door ------------------------------------------------------------------------------------

-- Waits until dblink has a result, or until the deadline. dblink itself waits without looking at statement_timeout before
-- PostgreSQL 17, and at no deadline of ours ever, so that it is polled: at first without sleeping, then more and more calmly, ten
-- times in one statement, since most of what a poll costs is to begin one.
CREATE FUNCTION jrerank._dblink_wait(dblink text, connection text, deadline timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  started timestamptz := clock_timestamp();
  poll text := format(
    'SELECT true FROM generate_series(1, $2) WHERE CASE WHEN %I.dblink_is_busy($1) = 0 THEN true ELSE pg_sleep($3)::text IS NULL END LIMIT 1',
    dblink);
  polls int := 100;
  pause_s double precision := 0;
  done boolean;
BEGIN
  LOOP
    EXECUTE poll INTO done USING connection, polls, pause_s;
    IF done THEN
      RETURN true;
    ELSIF clock_timestamp() >= deadline THEN
      RETURN false;
    END IF;
    pause_s := least(greatest(0.0002, extract(epoch FROM clock_timestamp() - started) / 50), 0.02);
    polls := least(greatest(1, extract(epoch FROM deadline - clock_timestamp()) / pause_s), 10);
  END LOOP;
END
$$;

-- Takes the result of the query that was sent, with the empty one that ends it.
CREATE FUNCTION jrerank._dblink_result(
  dblink text, connection text, deadline timestamptz, OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  take text := format('SELECT t.answer FROM %I.dblink_get_result($1) AS t(answer text)', dblink);
  failure text;
BEGIN
  IF NOT jrerank._dblink_wait(dblink, connection, deadline) THEN
    state := 'timeout';
    RETURN;
  END IF;
  BEGIN
    EXECUTE take INTO answer USING connection;
  EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
    -- The sidecar's error comes with the sidecar's SQLSTATE: one that cancels must not pass for a cancel of this query
    EXECUTE format('SELECT %I.dblink_error_message($1)', dblink) INTO failure USING connection;
    IF SQLSTATE = '57014' AND failure = 'OK' THEN
      RAISE;
    END IF;
    state := SQLSTATE;
    message := SQLERRM;
  END;
  IF jrerank._dblink_wait(dblink, connection, deadline) THEN
    EXECUTE format('SELECT 1 FROM %I.dblink_get_result($1, false) AS t(answer text)', dblink) USING connection;
  ELSE
    state := coalesce(state, 'timeout');
  END IF;
END
$$;

-- A text in parts: none is longer than 130,000 bytes, and none cuts a character.
CREATE FUNCTION jrerank._part_texts(body text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  most constant int := 130000;
  bytes bytea;
  parts text[] := '{}';
  part_start int := 0;
  part_end int := 0;
BEGIN
  IF octet_length(body) <= most THEN
    RETURN ARRAY[body];
  END IF;
  bytes := convert_to(body, 'UTF8');
  WHILE part_start < length(bytes) LOOP
    part_end := least(part_start + most, length(bytes));
    WHILE part_end < length(bytes) AND get_byte(bytes, part_end) & 192 = 128 LOOP  -- a byte within a character
      part_end := part_end - 1;
    END LOOP;
    parts := parts || convert_from(substr(bytes, part_start + 1, part_end - part_start), 'UTF8');
    part_start := part_end;
  END LOOP;
  RETURN parts;
END
$$;

-- One request over a connection that is open. libpq writes a query to its end before it looks at anything else, so that a
-- sidecar that has stopped could hang it. What fits into the receive buffer of its door is taken for it by the kernel: beyond
-- that a request goes in parts, and each must be taken before the next.
CREATE FUNCTION jrerank._dblink_request(
  dblink text, connection text, body text, deadline timestamptz, OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  send text := format('SELECT %I.dblink_send_query($1, $2)', dblink);
  parts text[] := jrerank._part_texts(body);
  part text;
  sent int;
BEGIN
  FOR number IN 1..cardinality(parts) LOOP
    part := CASE WHEN number < cardinality(parts) THEN '+' || parts[number]
                 -- In the last part, from which the sidecar counts
                 ELSE parts[number] || format(',"timeout_ms":%s}', jrerank._sidecar_ms(deadline)) END;
    EXECUTE send INTO sent USING connection, part;
    IF sent = 0 THEN
      state := '08006';
      EXECUTE format('SELECT %I.dblink_error_message($1)', dblink) INTO message USING connection;
      RETURN;
    END IF;
    SELECT * INTO answer, state, message FROM jrerank._dblink_result(dblink, connection, deadline);
    EXIT WHEN state IS NOT NULL;
  END LOOP;
END
$$;

-- The sidecar has a little less time than the caller, so that its answer, with what was scored by then, still arrives.
CREATE FUNCTION jrerank._sidecar_ms(deadline timestamptz) RETURNS int
LANGUAGE sql VOLATILE
AS $$
  SELECT greatest(1, ms - least(greatest(ms / 20, 5), 50)) FROM (SELECT jrerank._remaining_ms(deadline) AS ms) remaining
$$;

CREATE FUNCTION jrerank._dblink_disconnect(dblink text, connection text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  open boolean;
BEGIN
  EXECUTE format('SELECT $1 = ANY (%I.dblink_get_connections())', dblink) INTO open USING connection;
  IF open THEN
    EXECUTE format('SELECT %I.dblink_disconnect($1)', dblink) USING connection;
  END IF;
END
$$;

-- Makes the connection ready, and says whether it was open before.
-- A call that ran out of time leaves its connection busy. While it stays so the sidecar hangs, and to connect anew would hang
-- too, beyond every deadline; it is waited for, for half of the time that there is. After 30 s it is given up nevertheless.
CREATE FUNCTION jrerank._dblink_ready(
  dblink text, connection text, server text, deadline timestamptz, OUT reused boolean, OUT busy boolean
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  waiting_since timestamptz := nullif(current_setting('jrerank.waiting_since', true), '');
BEGIN
  EXECUTE format('SELECT $1 = ANY (%I.dblink_get_connections())', dblink) INTO reused USING connection;
  reused := coalesce(reused, false);
  busy := false;
  IF reused AND NOT jrerank._dblink_wait(dblink, connection, clock_timestamp() + (deadline - clock_timestamp()) / 2) THEN
    busy := coalesce(waiting_since, clock_timestamp()) > clock_timestamp() - interval '30 s';
    IF busy THEN
      PERFORM set_config('jrerank.waiting_since', coalesce(waiting_since, clock_timestamp())::text, false);
      RETURN;
    END IF;
    PERFORM jrerank._dblink_disconnect(dblink, connection);
    reused := false;
  END IF;
  IF waiting_since IS NOT NULL THEN
    PERFORM set_config('jrerank.waiting_since', '', false);
  END IF;
  IF reused AND jrerank._dblink_left_over(dblink, connection, deadline) = 'PART' THEN
    PERFORM jrerank._dblink_disconnect(dblink, connection);  -- the sidecar waits for the rest of a request that was given up
    reused := false;
  END IF;
  IF NOT reused THEN
    EXECUTE format('SELECT %I.dblink_connect($1, $2)', dblink) USING connection, server;
  END IF;
END
$$;

-- Takes what a late answer has left.
CREATE FUNCTION jrerank._dblink_left_over(dblink text, connection text, deadline timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  take text := format('SELECT max(t.answer) FROM %I.dblink_get_result($1, false) AS t(answer text)', dblink);
  taken text;
  last text;
BEGIN
  LOOP
    EXECUTE take INTO taken USING connection;
    EXIT WHEN taken IS NULL OR NOT jrerank._dblink_wait(dblink, connection, deadline);
    last := taken;
  END LOOP;
  RETURN last;
END
$$;

CREATE FUNCTION jrerank._ask_dblink(
  dblink text, server text, body text, deadline timestamptz, OUT answer text, OUT reason text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  connection text := 'jrerank_' || server;
  ready record;
  result record;
BEGIN
  FOR attempt IN 1..2 LOOP
    ready := jrerank._dblink_ready(dblink, connection, server, deadline);
    IF ready.busy THEN
      reason := 'timeout';
      detail := 'the sidecar has not answered the call before this one either';
      RETURN;
    END IF;
    result := jrerank._dblink_request(dblink, connection, body, deadline);
    EXIT WHEN result.state IS NULL OR result.state = 'timeout';
    IF result.state !~ '^(22|42|54|53000|57P03)' THEN
      PERFORM jrerank._dblink_disconnect(dblink, connection);
    END IF;
    -- A connection from before a restart of the sidecar is broken: that tells nothing of the sidecar
    EXIT WHEN NOT ready.reused OR result.state !~ '^(08|57P0[12])';
  END LOOP;
  answer := result.answer;
  reason := jrerank._reason(result.state);
  detail := result.message;
EXCEPTION WHEN query_canceled THEN
  PERFORM jrerank._dblink_disconnect(dblink, connection);  -- takes the request out of the sidecar's queue
  RAISE;
END
$$;

CREATE FUNCTION jrerank._reason(state text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN state = 'timeout' THEN state
    WHEN state ~ '^28' THEN 'unauthorized'
    WHEN state ~ '^(22|42|54|0A)' THEN 'rejected'
    WHEN state ~ '^53' THEN 'overloaded'
    WHEN state ~ '^(08|57)' THEN 'unreachable'
    WHEN state IS NOT NULL THEN 'sidecar_error'
  END
$$;

-- http: pgsql-http --------------------------------------------------------------------------------------------------------------

-- What the session has done to libcurl: a proxy of its own would be shown the key.
CREATE FUNCTION jrerank._foreign_curl_option(http text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  options text[];
BEGIN
  EXECUTE format('SELECT array_agg(lower(o.curlopt)) FROM %I.http_list_curlopt() o', http) INTO options;
  IF options IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT 'http.' || option
    FROM unnest(options) option LEFT JOIN pg_settings s ON s.name = 'http.' || option
    WHERE coalesce(s.source, 'session') NOT IN ('default', 'configuration file', 'command line', 'global', 'database')
    LIMIT 1
  );
END
$$;

CREATE FUNCTION jrerank._ask_http(
  http text, server text, url text, keyed boolean, body text, deadline timestamptz,
  OUT answer text, OUT reason text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  keepalive text := coalesce(current_setting('http.keepalive', true), 'off');
  timeout_msec text := coalesce(current_setting('http.timeout_msec', true), '5000');
  status int;
  option text;
BEGIN
  option := CASE WHEN keyed THEN jrerank._foreign_curl_option(http) END;
  IF option IS NOT NULL THEN
    reason := 'not_configured';
    detail := format('%s is not the database''s own, so that the key is not sent: RESET it', option);
    RETURN;
  END IF;
  PERFORM set_config('http.keepalive', 'on', true),
    set_config('http.timeout_msec', greatest(1, jrerank._remaining_ms(deadline))::text, true);
  body := body || format(',"timeout_ms":%s}', jrerank._sidecar_ms(deadline));
  -- The key goes from the catalog into the header within one statement, and never is a variable. An empty `expect` keeps libcurl
  -- from asking whether it may send the body, which costs a round trip and a delayed acknowledgement: 40 ms
  EXECUTE format(
    $request$
      SELECT r.status, r.content
      FROM (
        SELECT ROW('expect', '')::%1$I.http_header || ARRAY(
          SELECT ROW('authorization', 'Bearer ' || o.option_value)::%1$I.http_header
          FROM pg_user_mappings m, pg_options_to_table(m.umoptions) o
          WHERE $3 AND m.srvname = $4 AND m.usename = current_user AND o.option_name = 'password'
        ) AS headers
      ) k,
      LATERAL %1$I.http(ROW('POST', $1, k.headers, 'application/json', $2)::%1$I.http_request) r
    $request$, http
  ) INTO status, answer USING url || '/v1/hits', body, keyed, server;
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
  IF SQLERRM ~ '^canceling statement' THEN  -- with an SQLSTATE that isn't a cancel's
    RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = SQLERRM;
  END IF;
  reason := CASE WHEN clock_timestamp() >= deadline OR SQLERRM ~ 'timed out' THEN 'timeout' ELSE 'unreachable' END;
  detail := SQLERRM;
END
$$;

-- Asking ------------------------------------------------------------------------------------------------------------------------

-- Which way, and with what. It runs as the role that the user mapping is for, who alone can read the key; and what the caller's
-- session may have set to look at it is off.
CREATE FUNCTION jrerank._ask(
  body text, deadline timestamptz, OUT answer text, OUT reason text, OUT detail text, OUT transport text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
SET debug_print_parse = off
SET debug_print_rewritten = off
SET debug_print_plan = off
AS $$
DECLARE
  chosen text := jrerank._choice('transport', 'auto', 'http', 'dblink');
  server text := coalesce(jrerank._setting('server'), 'jrerank');
  http text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'http');
  dblink text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
  server_options text[] := (SELECT coalesce(s.srvoptions, '{}') FROM pg_foreign_server s WHERE s.srvname = server);
  server_url text := (SELECT rtrim(o.option_value, '/') FROM pg_options_to_table(server_options) o WHERE o.option_name = 'url');
  url text := coalesce(rtrim(jrerank._setting('url'), '/'), server_url);
  got record;
BEGIN
  transport := CASE WHEN chosen <> 'auto' THEN chosen WHEN http IS NOT NULL AND url IS NOT NULL THEN 'http' ELSE 'dblink' END;
  detail := CASE
    WHEN current_setting('server_encoding') <> 'UTF8' THEN 'the encoding of the database is not UTF8'
    WHEN transport = 'http' THEN jrerank._http_obstacle(http, server, url, url IS NOT DISTINCT FROM server_url)
    ELSE jrerank._dblink_obstacle(dblink, server, server_options) END;
  IF detail IS NOT NULL THEN
    reason := 'not_configured';
  ELSIF jrerank._remaining_ms(deadline) < 1 THEN
    reason := 'timeout';
    detail := 'no time was left to ask the sidecar';
  ELSE
    IF transport = 'http' THEN
      got := jrerank._ask_http(http, server, url, url IS NOT DISTINCT FROM server_url, body, deadline);
    ELSE
      got := jrerank._ask_dblink(dblink, server, body, deadline);
    END IF;
    answer := got.answer;
    reason := got.reason;
    detail := coalesce(got.detail, CASE WHEN reason = 'timeout' THEN 'the sidecar did not answer in time' END);
  END IF;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  detail := concat_ws(': ', SQLERRM, nullif(detail, ''));
  reason := CASE
    WHEN detail ~ 'password authentication failed' THEN 'unauthorized'
    WHEN detail ~ 'too many connections' THEN 'overloaded'
    WHEN SQLSTATE ~ '^08' THEN CASE WHEN clock_timestamp() >= deadline THEN 'timeout' ELSE 'unreachable' END
    ELSE 'not_configured' END;
END
$$;

-- What keeps a transport from being used, as a sentence.
CREATE FUNCTION jrerank._http_obstacle(http text, server text, url text, own boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE
    WHEN http IS NULL THEN 'the extension http is not installed: CREATE EXTENSION http, or use dblink'
    WHEN url IS NULL THEN format('neither jrerank.url nor the option url of the server %I is set', server)
    WHEN url !~ '^https?://' THEN format('jrerank.url: %s does not begin with http:// or https://', quote_literal(url))
    -- This function asks with its owner's rights: where the caller points it, the caller must be allowed to go alone
    WHEN NOT own AND NOT has_function_privilege(session_user, format('%1$I.http(%1$I.http_request)', http), 'EXECUTE')
      THEN format('jrerank.url is not the url of the server %I, and %I may not send HTTP requests', server, session_user)
  END;
END
$$;

CREATE FUNCTION jrerank._dblink_obstacle(dblink text, server text, options text[]) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE
    WHEN dblink IS NULL THEN 'the extension dblink is not installed: CREATE EXTENSION dblink'
    WHEN options IS NULL THEN format('there is no server %I: CREATE SERVER, and a user mapping for %I', server, current_user)
    -- Before PostgreSQL 16 dblink connects without looking at statement_timeout
    WHEN current_setting('server_version_num')::int < 160000
      AND NOT EXISTS (SELECT FROM pg_options_to_table(options) o WHERE o.option_name = 'connect_timeout')
      THEN format('the server %1$I needs connect_timeout: ALTER SERVER %1$I OPTIONS (ADD connect_timeout ''2'')', server)
  END;
END
$$;

CREATE FUNCTION jrerank.rerank_disconnect() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dblink text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
BEGIN
  IF dblink IS NOT NULL THEN
    PERFORM jrerank._dblink_disconnect(dblink, 'jrerank_' || coalesce(jrerank._setting('server'), 'jrerank'));
  END IF;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_disconnect() IS
  'Closes this session''s dblink connection to the sidecar; the next call opens one.';

-- What became of it ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION jrerank.rerank_status()
RETURNS TABLE (
  outcome text, reason text, detail text, transport text, model text, documents int, scored int, missing text[],
  sidecar_ms real, elapsed_ms real, at timestamptz
)
LANGUAGE sql STABLE
AS $$
  SELECT s.* FROM pg_catalog.json_to_record(jrerank._setting('last_status')::pg_catalog.json) AS s(
    outcome text, reason text, detail text, transport text, model text, documents int, scored int, missing text[],
    sidecar_ms real, elapsed_ms real, at timestamptz
  ) WHERE jrerank._setting('last_status') IS NOT NULL
$$;
COMMENT ON FUNCTION jrerank.rerank_status() IS 'What became of this session''s last call; no row before the first one.';

-- The sidecar's answer, checked, as arrays in their new order. It raises an error, of whatever kind, when the answer is not one
-- for these hits: each place once, with its id, and a finite score where it says that there is one.
CREATE FUNCTION jrerank._read_answer(
  answer text, ids text[], ordinals int[], expected int,
  OUT places int[], OUT scores real[], OUT outcome text, OUT reason text, OUT model text, OUT sidecar_ms real, OUT missing text[]
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
  hits json;
  valid boolean;
BEGIN
  SELECT a.outcome, a.reason, a.model, a.took_ms, a.missing, a.hits
    INTO outcome, reason, model, sidecar_ms, missing, hits
    FROM json_to_record(answer::json) AS a(outcome text, reason text, model text, took_ms real, missing text[], hits json);
  SELECT
    count(*) = expected AND count(DISTINCT h.first_rank) = expected
      AND count(DISTINCT h.rank) = expected AND min(h.rank) = 1 AND max(h.rank) = expected
      AND bool_and(coalesce(h.id = s.id, false))
      AND bool_and(coalesce(CASE WHEN h.scored THEN h.score BETWEEN '-3e38' AND '3e38' ELSE h.score IS NULL END, false))
      AND bool_and(h.scored IS NOT NULL)
      AND CASE outcome WHEN 'complete' THEN bool_and(h.scored) WHEN 'passthrough' THEN NOT bool_or(h.scored)
        ELSE outcome = 'partial' END,
    coalesce(array_agg(s.ordinal ORDER BY h.rank) FILTER (WHERE h.scored), '{}'),
    coalesce(array_agg(h.score::real ORDER BY h.rank) FILTER (WHERE h.scored), '{}')
    INTO valid, places, scores
    FROM json_to_recordset(hits) AS h(id text, score double precision, rank int, first_rank int, scored boolean)
    LEFT JOIN unnest(ids, ordinals) WITH ORDINALITY AS s(id, ordinal, place) ON s.place = h.first_rank;
  IF valid IS NOT TRUE THEN
    RAISE EXCEPTION 'the answer does not fit the hits that were sent';
  END IF;
END
$$;

-- One attempt at the sidecar: the ordinals of the hits that it scored, the best first, with their scores. Nothing that the sidecar
-- does raises an error here: `reason` says what was wrong, and then nothing is scored.
CREATE FUNCTION jrerank._attempt(
  body text, deadline timestamptz, ids text[], ordinals int[], expected int, expected_model text,
  OUT places int[], OUT scores real[], OUT outcome text, OUT reason text, OUT detail text,
  OUT transport text, OUT model text, OUT sidecar_ms real, OUT missing text[]
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answer text;
BEGIN
  SELECT a.* INTO answer, reason, detail, transport FROM jrerank._ask(body, deadline) a;
  IF reason IS NULL THEN
    BEGIN
      SELECT r.* INTO places, scores, outcome, reason, model, sidecar_ms, missing
        FROM jrerank._read_answer(answer, ids, ordinals, expected) r;
      IF model IS DISTINCT FROM coalesce(expected_model, model) THEN
        places := NULL;
        outcome := NULL;
        reason := 'wrong_model';
        detail := format('the sidecar scored with %s, not with %s', model, expected_model);
      END IF;
    EXCEPTION WHEN OTHERS THEN
      reason := 'bad_answer';
      detail := SQLERRM;
    END;
  END IF;
  outcome := coalesce(outcome, 'passthrough');
END
$$;

-- Tells of the call: in rerank_status(), and in a message unless all is well.
CREATE FUNCTION jrerank._report(started timestamptz, total int, attempt record) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  level text := jrerank._choice('notice_level', 'notice', 'none', 'debug', 'log', 'info', 'warning');
  message text := format('jrerank: %s (%s)', attempt.outcome, concat_ws(': ', attempt.reason, attempt.detail));
BEGIN
  PERFORM set_config('jrerank.last_status', json_build_object(
    'outcome', attempt.outcome, 'reason', attempt.reason, 'detail', attempt.detail, 'transport', attempt.transport,
    'model', attempt.model, 'documents', total, 'scored', coalesce(cardinality(attempt.scores), 0),
    'missing', attempt.missing[:100], 'sidecar_ms', attempt.sidecar_ms,
    'elapsed_ms', extract(epoch FROM clock_timestamp() - started) * 1000, 'at', clock_timestamp()
  )::text, false);
  CASE WHEN attempt.outcome = 'complete' OR level = 'none' THEN NULL;
    WHEN level = 'debug' THEN RAISE DEBUG '%', message;
    WHEN level = 'log' THEN RAISE LOG '%', message;
    WHEN level = 'info' THEN RAISE INFO '%', message;
    WHEN level = 'notice' THEN RAISE NOTICE '%', message;
    WHEN level = 'warning' THEN RAISE WARNING '%', message;
  END CASE;
END
$$;

CREATE FUNCTION jrerank._check_at_least_1(name text, given int) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF given < 1 THEN
    RAISE EXCEPTION '%: % is not at least 1', name, given USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;

-- The way through: what was asked goes in, and the ordinals of the `top_n` first of all hits come out in their new order, with
-- the scores of those at the front that have one. `elements` are the hits as JSON; `ids` and `ordinals` say which of the `total`.
CREATE FUNCTION jrerank._rank(
  query text, elements text, ids text[], ordinals int[], total int,
  store text, top_n int, timeout_ms int, expected_model text, fusion jsonb, max_tokens_per_doc int,
  OUT places int[], OUT scores real[]
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  started timestamptz := clock_timestamp();
  deadline timestamptz := jrerank._deadline(timeout_ms);
  on_error text := jrerank._choice('on_error', 'keep_order', 'error');
  sent int := coalesce(cardinality(ids), 0);
  wanted int := least(coalesce(top_n, total), total);
  attempt record;
BEGIN
  PERFORM jrerank._check_at_least_1('top_n', top_n), jrerank._check_at_least_1('max_tokens_per_doc', max_tokens_per_doc);
  IF total > 0 AND sent > 0 AND query IS NOT NULL THEN
    attempt := jrerank._attempt(
      '{"query":' || to_json(query)::text || ',"hits":[' || elements || ']'
        || coalesce(',"store":' || to_json(store)::text, '') || coalesce(',"top_n":' || top_n, '')
        || coalesce(',"model":' || to_json(expected_model)::text, '') || coalesce(',"fusion":' || fusion::text, '')
        || coalesce(',"max_tokens_per_doc":' || max_tokens_per_doc, ''),
      deadline, ids, ordinals, least(coalesce(top_n, sent), sent), expected_model);
    IF attempt.outcome = 'passthrough' AND on_error = 'error' THEN
      RAISE EXCEPTION 'jrerank: %', concat_ws(': ', attempt.reason, attempt.detail)
        USING ERRCODE = 'external_routine_exception';
    ELSIF attempt.outcome = 'complete' AND sent < total THEN
      attempt.outcome := 'partial';
      attempt.reason := 'missing_passages';
    END IF;
  ELSE
    SELECT CASE WHEN total = 0 THEN 'complete' ELSE 'passthrough' END AS outcome,
        CASE WHEN total = 0 THEN NULL WHEN query IS NULL THEN 'null_query' ELSE 'missing_passages' END AS reason,
        NULL::text AS detail, NULL::text AS transport, NULL::text AS model, NULL::real[] AS scores, NULL::int[] AS places,
        NULL::text[] AS missing, NULL::real AS sidecar_ms
      INTO attempt;
  END IF;
  PERFORM jrerank._report(started, total, attempt);
  scores := coalesce(attempt.scores, '{}');
  places := coalesce(attempt.places, '{}');
  IF cardinality(places) < wanted THEN
    places := places || ARRAY(
      SELECT o FROM generate_series(1, total) o EXCEPT SELECT unnest(places) ORDER BY 1 LIMIT wanted - cardinality(places)
    );
  END IF;
END
$$;

-- What is called ------------------------------------------------------------------------------------------------------------------

-- Never IMMUTABLE or STABLE: EXPLAIN would run it. And no part of a parallel query: in those nothing may be set, and before
-- PostgreSQL 17 no error caught.
CREATE FUNCTION jrerank.rerank(
  query text, documents text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (index int, score real, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
  elements text;
  ordinals int[];
  ranked record;
BEGIN
  SELECT string_agg('{"id":"' || d.ordinal || '","text":' || to_json(d.document)::text || '}', ','), array_agg(d.ordinal::int)
    INTO elements, ordinals
    FROM unnest(documents) WITH ORDINALITY AS d(document, ordinal) WHERE d.document IS NOT NULL;
  ranked := jrerank._rank(query, elements, ordinals::text[], ordinals, coalesce(cardinality(documents), 0),
    NULL, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT r.place, r.score, d.document
    FROM unnest(ranked.places, ranked.scores) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(documents) WITH ORDINALITY AS d(document, ordinal) ON d.ordinal = r.place
    ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank(text, text[], int, int, text, jsonb, int) IS
  'The documents in their new order, the best first. index counts from 1; score is NULL where the model has not read a document.';

CREATE FUNCTION jrerank.rerank(
  query text, hits jrerank.hit[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id text, score real, rank int, first_rank int, first_score real, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
#variable_conflict use_column
DECLARE
  elements text;
  ordinals int[];
  ranked record;
BEGIN
  SELECT string_agg('{"id":"' || h.ordinal || '","text":' || to_json(h.passage)::text
           || CASE WHEN h.score BETWEEN '-3.4e38' AND '3.4e38' THEN ',"score":' || h.score ELSE '' END || '}', ','),
         array_agg(h.ordinal::int)
    INTO elements, ordinals
    FROM unnest(hits) WITH ORDINALITY AS h(id, passage, score, ordinal) WHERE h.passage IS NOT NULL;
  ranked := jrerank._rank(query, elements, ordinals::text[], ordinals, coalesce(cardinality(hits), 0),
    NULL, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT h.id, r.score, r.rank::int, r.place, h.score, r.score IS NOT NULL
    FROM unnest(ranked.places, ranked.scores) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(hits) WITH ORDINALITY AS h(id, passage, score, ordinal) ON h.ordinal = r.place
    ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank(text, jrerank.hit[], int, int, text, jsonb, int) IS
  'The hits in their new order, the best first. Collect them with the aggregate jrerank.hits.';

CREATE FUNCTION jrerank.rerank_ids(
  query text, store text, ids text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id text, score real, rank int, first_rank int, first_score real, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
#variable_conflict use_column
DECLARE
  elements text;
  sent text[];
  ordinals int[];
  ranked record;
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store: NULL is not the name of a store' USING ERRCODE = 'null_value_not_allowed',
      HINT = 'The sidecar''s settings name the stores that passages are fetched from.';
  END IF;
  SELECT string_agg('{"id":' || to_json(i.id)::text || '}', ','), array_agg(i.id), array_agg(i.ordinal::int)
    INTO elements, sent, ordinals
    FROM unnest(ids) WITH ORDINALITY AS i(id, ordinal) WHERE i.id IS NOT NULL;
  ranked := jrerank._rank(query, elements, sent, ordinals, coalesce(cardinality(ids), 0),
    store, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT i.id, r.score, r.rank::int, r.place, NULL::real, r.score IS NOT NULL
    FROM unnest(ranked.places, ranked.scores) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(ids) WITH ORDINALITY AS i(id, ordinal) ON i.ordinal = r.place
    ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_ids(text, text, text[], int, int, text, jsonb, int) IS
  'Like rerank, of ids alone: the sidecar fetches the passages from a store that its settings name.';

CREATE FUNCTION jrerank.rerank_scores(
  query text, documents text[], timeout_ms int DEFAULT NULL, model text DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS real[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF documents IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN ARRAY(
    SELECT r.score FROM jrerank.rerank(query, documents, NULL, timeout_ms, model, NULL, max_tokens_per_doc) r ORDER BY r.index
  );
END
$$;
COMMENT ON FUNCTION jrerank.rerank_scores(text, text[], int, text, int) IS
  'A score for each document, in their order; NULL where the model has not read it.';

-- Where the sidecar is ------------------------------------------------------------------------------------------------------------

-- What CREATE SERVER and CREATE USER MAPPING may say: a misspelt option would be passed over in silence.
CREATE FUNCTION jrerank.check_options(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  allowed text[] := CASE catalog
    WHEN 'pg_foreign_server'::regclass THEN ARRAY['url', 'host', 'hostaddr', 'port', 'dbname', 'connect_timeout',
      'tcp_user_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'application_name',
      'sslmode', 'sslrootcert', 'sslcrl', 'sslsni', 'ssl_min_protocol_version', 'gssencmode']
    WHEN 'pg_user_mapping'::regclass THEN ARRAY['user', 'password']
    ELSE '{}' END;
  option record;
BEGIN
  FOR option IN SELECT * FROM pg_options_to_table(options) LOOP
    IF option.option_name <> ALL (allowed) THEN
      RAISE EXCEPTION 'invalid option %', quote_literal(option.option_name) USING ERRCODE = 'fdw_invalid_option_name',
        HINT = 'Valid here: ' || coalesce(nullif(array_to_string(allowed, ', '), ''), 'none') || '.';
    ELSIF option.option_name = 'url' AND option.option_value !~ '^https?://[^/?#@]+(/[^?#]*)?$' THEN
      RAISE EXCEPTION 'url: % is not of the form http://host:port', quote_literal(option.option_value)
        USING ERRCODE = 'fdw_invalid_attribute_value';
    END IF;
  END LOOP;
END
$$;

DO $wrapper$
BEGIN
  CREATE FOREIGN DATA WRAPPER jrerank VALIDATOR jrerank.check_options;
  COMMENT ON FOREIGN DATA WRAPPER jrerank IS 'A sidecar: url for the transport http, host and port for dblink.';
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'only a superuser makes a foreign-data wrapper: CREATE SERVER jrerank FOREIGN DATA WRAPPER dblink_fdw instead';
END
$wrapper$;

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
  ALTER FUNCTION jrerank._ask(text, timestamptz) OWNER TO jrerank_owner;
  ALTER FUNCTION jrerank.rerank_disconnect() OWNER TO jrerank_owner;
  REVOKE CREATE ON SCHEMA jrerank FROM jrerank_owner;
END
$grants$;
