-- jrerank 0.2.0: SELECT * FROM jrerank.rerank(query, documents). README.md beside this file says how everything behaves.
-- For ALTER EXTENSION jrerank UPDATE, or psql, as one transaction: psql -1 -v ON_ERROR_STOP=1 -f jrerank--0.1.0--0.2.0.sql
-- Made of source/ by build.py: change that.

-- A trusted extension is installed with a superuser's rights: no name below may be found in a schema where others write
SET LOCAL search_path = pg_catalog, pg_temp;

-- From 0.1.0 ------------------------------------------------------------------------------------------------------------------------

-- rerank(query, hits) has a name of its own: drivers send parameters of no type, and rerank($1, $2) was ambiguous. What uses it goes on.
ALTER FUNCTION jrerank.rerank(text, jrerank.hit[], int, int, text, jsonb, int) RENAME TO rerank_hits;

-- What only these functions call, but for what an aggregate is made of
DO $old$
DECLARE
  function pg_catalog.regprocedure;
BEGIN
  FOR function IN
    SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'jrerank'::pg_catalog.regnamespace AND p.proname ~ '^_' AND p.proname <> '_append_hit'
  LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', function);
  END LOOP;
END
$old$;

-- What goes to the sidecar and what comes back: rows, in place of arrays that would have to be kept in step

CREATE TYPE jrerank._answered AS (outcome text, reason text, missing text[], first_ranks int[], scores double precision[]);
CREATE TYPE jrerank._ranked AS (place int, score real);
CREATE TYPE jrerank._outcome AS (
  ranked jrerank._ranked[], outcome text, reason text, detail text, transport text, model text, sidecar_ms real, missing text[]
);
CREATE TYPE jrerank._window AS (query text, documents text[], scores real[], place int);

CREATE OR REPLACE FUNCTION jrerank.version() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '0.2.0'::pg_catalog.text $$;
COMMENT ON FUNCTION jrerank.version() IS 'The version of these functions, also where they are no extension.';

-- A score that the type real can't hold: what is too large counts as none, what is too small as 0
CREATE OR REPLACE FUNCTION jrerank._first_score(score double precision) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN pg_catalog.abs(score) < 1e-44 THEN 0::pg_catalog.float4
              WHEN score BETWEEN -3.4e38 AND 3.4e38 THEN score::pg_catalog.float4 END
$$;

-- Not IMMUTABLE: how a timestamp is written is for the session to say
CREATE OR REPLACE FUNCTION jrerank.hit(id anyelement, passage text, score double precision DEFAULT NULL) RETURNS jrerank.hit
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT ROW(id::pg_catalog.text, passage, jrerank._first_score(score))::jrerank.hit $$;
COMMENT ON FUNCTION jrerank.hit(anyelement, text, double precision) IS 'One hit, of an id of any type.';

CREATE OR REPLACE FUNCTION jrerank._append_hit(hits jrerank.hit[], id anyelement, passage text, score double precision)
RETURNS jrerank.hit[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Assigned to itself it is appended to; returned at once, it would be copied for that, too
  hits := array_append(hits, ROW(id::text, passage, jrerank._first_score(score))::jrerank.hit);
  RETURN hits;
END
$$;


CREATE OR REPLACE AGGREGATE jrerank.hits(jrerank.hit) (
  SFUNC = pg_catalog.array_append, STYPE = jrerank.hit[], INITCOND = '{}', PARALLEL = SAFE
);
COMMENT ON AGGREGATE jrerank.hits(jrerank.hit) IS
  'Collects any number of hits for rerank_hits, in the order of its input: hits(hit(id, passage, score) ORDER BY score DESC).';

-- A function of SQL copies what has been collected with each hit: 1 ms for 100 hits of 300 characters, 400 ms for 1,000
CREATE OR REPLACE AGGREGATE jrerank.hits(id anyelement, passage text, score double precision) (
  SFUNC = jrerank._append_hit, STYPE = jrerank.hit[], INITCOND = '{}', PARALLEL = SAFE
);
COMMENT ON AGGREGATE jrerank.hits(anyelement, text, double precision) IS
  'Collects at most a few hundred hits: hits(hit(id, passage, score)) is faster.';

-- Settings: jrerank.*, of a session, a role or a database -------------------------------------------------------------------

CREATE OR REPLACE FUNCTION jrerank._setting(name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(pg_catalog.current_setting('jrerank.' || name, true), '') $$;

-- One of a few words; the first is the default.
CREATE OR REPLACE FUNCTION jrerank._choice(name text, chosen text, VARIADIC allowed text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  chosen := coalesce(chosen, allowed[1]);
  IF chosen <> ALL (allowed) THEN
    RAISE EXCEPTION 'jrerank.%: % is not one of %', name, quote_literal(chosen), array_to_string(allowed, ', ')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN chosen;
END
$$;

-- Where passages go is not for a session to say when they aren't its own: in a function of somebody else's (SECURITY DEFINER)
-- only what ALTER ROLE or ALTER DATABASE has set for that function's owner counts, or for everybody.
CREATE OR REPLACE FUNCTION jrerank._trusted_setting(name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_user = session_user THEN
    RETURN nullif(current_setting('jrerank.' || name, true), '');
  END IF;
  RETURN (
    SELECT nullif(substr(setting, strpos(setting, '=') + 1), '')
    FROM pg_db_role_setting s, unnest(s.setconfig) setting
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
      AND lower(split_part(setting, '=', 1)) = 'jrerank.' || name
    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1
  );
END
$$;

CREATE OR REPLACE FUNCTION jrerank._route(OUT transport text, OUT server text, OUT url text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  transport := jrerank._choice('transport', jrerank._trusted_setting('transport'), 'auto', 'http', 'dblink');
  server := coalesce(jrerank._trusted_setting('server'), 'jrerank');
  url := rtrim(jrerank._trusted_setting('url'), '/');
END
$$;

-- When the call must be over, which has the time of so many, but of a day at most, as the sidecar takes it: also before statement_timeout would end it, so that the rows come back in their old order.
CREATE OR REPLACE FUNCTION jrerank._deadline(timeout_ms int, times int DEFAULT 1) RETURNS timestamptz
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
  deadline := clock_timestamp() + make_interval(secs => least(timeout_ms::float8 * times, 86400000) / 1000.0);
  IF statement > '0' THEN
    deadline := least(deadline, statement_timestamp() + statement - jrerank._margin(statement));
  END IF;
  IF transaction > '0' THEN
    deadline := least(deadline, transaction_timestamp() + transaction - jrerank._margin(transaction));
  END IF;
  RETURN deadline;
END
$$;

-- A moment as a setting keeps it, in a form that is the same whatever the session's DateStyle and TimeZone are.
CREATE OR REPLACE FUNCTION jrerank._kept_moment(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT extract(epoch FROM moment)::pg_catalog.text $$;

-- NULL where it is none: anybody may set it to anything.
CREATE OR REPLACE FUNCTION jrerank._moment(kept text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN kept ~ '^[0-9]{1,11}[.][0-9]{1,6}$' THEN pg_catalog.to_timestamp(kept::pg_catalog.float8) END $$;

-- Whether a kept moment is no longer ago than that. One that is yet to come is none: the clock was set back, or a session has put it there, and in
-- its stead nothing would be asked until then.
CREATE OR REPLACE FUNCTION jrerank._is_recent(kept text, longest interval) RETURNS boolean
LANGUAGE sql VOLATILE
AS $$ SELECT jrerank._moment(kept) BETWEEN pg_catalog.clock_timestamp() - longest AND pg_catalog.clock_timestamp() $$;

-- What is kept back of a timeout that would end the statement.
CREATE OR REPLACE FUNCTION jrerank._margin(timeout interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT least(greatest(timeout * 0.1::pg_catalog.float8, '50 ms'::pg_catalog.interval), '500 ms'::pg_catalog.interval) $$;

CREATE OR REPLACE FUNCTION jrerank._remaining_ms(deadline timestamptz) RETURNS int
LANGUAGE sql VOLATILE
AS $$ SELECT pg_catalog.floor(extract(epoch FROM deadline - pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int4 $$;

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

-- dblink: the sidecar's PostgreSQL-wire door ------------------------------------------------------------------------------------

-- dblink's functions are called by their bare names, in statements whose plan PL/pgSQL keeps for the session: with EXECUTE each call would be
-- parsed and planned anew, which takes ten times as long as the call. So what calls them has the schema that dblink is in on its search path,
-- behind pg_catalog and until it ends, and beside them no name that isn't qualified, nor a call that another function of dblink's schema would fit better.

-- Waits until dblink has a result, or until the deadline. dblink itself waits without looking at statement_timeout before
-- PostgreSQL 17, and at no deadline of ours ever, so that it is polled: for a short time (`awake`) without sleeping, since pg_sleep takes a
-- millisecond at least, then more and more calmly.
CREATE OR REPLACE FUNCTION jrerank._dblink_wait(
  dblink text, connection text, deadline timestamptz, awake interval DEFAULT '0.5 ms'
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
  started constant timestamptz := pg_catalog.clock_timestamp();
  awake_until constant timestamptz := started + awake;
  at timestamptz;
  waited_s double precision;
BEGIN
  LOOP
    IF dblink_is_busy(connection) = 0 THEN
      RETURN true;
    END IF;
    at := pg_catalog.clock_timestamp();
    IF at >= deadline THEN
      RETURN false;
    ELSIF at > awake_until THEN
      waited_s := extract(epoch FROM at - started);
      PERFORM pg_catalog.pg_sleep(least(waited_s / 50::pg_catalog.float8, 0.02::pg_catalog.float8));
    END IF;
  END LOOP;
END
$$;

-- Takes the result of the query that was sent, with the empty one that ends it.
CREATE OR REPLACE FUNCTION jrerank._dblink_result(
  dblink text, connection text, deadline timestamptz, awake interval DEFAULT '0.5 ms', OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
  failure text;
BEGIN
  IF NOT jrerank._dblink_wait(dblink, connection, deadline, awake) THEN
    state := 'timeout';
    RETURN;
  END IF;
  BEGIN
    SELECT t.answer INTO answer FROM dblink_get_result(connection) AS t(answer text);
  EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
    -- The sidecar's error comes with the sidecar's SQLSTATE: one that cancels must not pass for a cancel of this query
    failure := dblink_error_message(connection);
    IF SQLSTATE = '57014' AND failure = 'OK' THEN
      RAISE;
    END IF;
    state := SQLSTATE;
    message := SQLERRM;
  END;
  IF jrerank._dblink_wait(dblink, connection, deadline) THEN
    PERFORM 1 FROM dblink_get_result(connection, false) AS t(answer text);
  ELSE
    state := coalesce(state, 'timeout');
  END IF;
END
$$;

-- One text to the sidecar, and its answer. `state` is an SQLSTATE, or timeout.
CREATE OR REPLACE FUNCTION jrerank._dblink_query(
  dblink text, connection text, query text, deadline timestamptz, OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
BEGIN
  IF dblink_send_query(connection, query) = 0 THEN
    state := '08006';
    message := dblink_error_message(connection);
    RETURN;
  END IF;
  SELECT r.answer, r.state, r.message INTO answer, state, message FROM jrerank._dblink_result(dblink, connection, deadline) r;
END
$$;

-- A text in parts: none is longer than 130,000 bytes, and none cuts a character.
CREATE OR REPLACE FUNCTION jrerank._part_texts(body text) RETURNS text[]
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
CREATE OR REPLACE FUNCTION jrerank._dblink_request(
  dblink text, connection text, body text, deadline timestamptz, OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  parts text[] := jrerank._part_texts(body);
  part text;
BEGIN
  FOR number IN 1..cardinality(parts) LOOP
    part := CASE WHEN number < cardinality(parts) THEN '+' || parts[number]
                 -- In the last part, from which the sidecar counts
                 ELSE parts[number] || format(',"timeout_ms":%s}', jrerank._sidecar_ms(deadline)) END;
    SELECT * INTO answer, state, message FROM jrerank._dblink_query(dblink, connection, part, deadline);
    EXIT WHEN state IS NOT NULL;
  END LOOP;
END
$$;

-- The sidecar has a little less time than the caller, so that its answer, with what was scored by then, still arrives.
CREATE OR REPLACE FUNCTION jrerank._sidecar_ms(deadline timestamptz) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ms constant int := jrerank._remaining_ms(deadline);
BEGIN
  RETURN greatest(1, ms - least(greatest(ms / 10, 5), 200));
END
$$;

-- The connection -------------------------------------------------------------------------------------------------------------

-- dblink's connections are the session's: whoever may call dblink sees their names, can use them, and can close one and open one
-- of the same name that leads elsewhere. So before passages go anywhere the sidecar proves that it knows the key, and it answers
-- on a connection to nobody but who has locked it. Name, token and proof are made of the key, which the session can't read.
CREATE OR REPLACE FUNCTION jrerank._dblink_secret(server text) RETURNS bytea
LANGUAGE sql STABLE
AS $$ SELECT pg_catalog.sha256(pg_catalog.convert_to(coalesce(jrerank._ask_key(server), ''), 'UTF8')) $$;

-- Where nobody but these functions may use dblink at all (`setup --close-transport`), nobody can have exchanged the connection, and the
-- round trip for the proof is spared. NULL where somebody may; else a text that is another one after each GRANT and REVOKE: the names
-- of connections are made of it, so that one that could have been exchanged before is not used any more.
CREATE OR REPLACE FUNCTION jrerank._dblink_closed(dblink text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  me constant oid := (SELECT oid FROM pg_roles WHERE rolname = current_user);
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RETURN NULL;  -- it would not see what was granted since it began, which counts nevertheless
  ELSIF has_function_privilege('public', format('%I.dblink_connect(text, text)', dblink), 'EXECUTE') THEN
    RETURN NULL;  -- as nearly everywhere: the other functions' rights need not be read
  END IF;
  RETURN (
    SELECT CASE WHEN bool_and(g.proacl IS NOT NULL AND NOT EXISTS (
        SELECT FROM aclexplode(g.proacl) a
        WHERE a.grantee <> me AND NOT (a.grantee = g.proowner AND jrerank._ask_trusts(g.proowner)))) THEN max(g.changed)::text END
    FROM (  -- few lists of rights for many functions
      SELECT p.proacl, p.proowner, max(p.xmin::text::bigint) AS changed FROM pg_proc p
      -- By a subquery, which a plan is kept for: with the name's own statistics each call would be planned anew, which takes longer
      WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = dblink)
        AND p.proname = ANY (ARRAY['dblink', 'dblink_connect', 'dblink_connect_u', 'dblink_exec', 'dblink_open', 'dblink_fetch', 'dblink_send_query', 'dblink_get_result', 'dblink_disconnect']::name[])
      GROUP BY p.proacl, p.proowner) g
  );
END
$$;

-- What the names of connections are made of.
CREATE OR REPLACE FUNCTION jrerank._dblink_naming(secret bytea, closed text) RETURNS bytea
LANGUAGE sql STABLE
AS $$ SELECT CASE WHEN closed IS NULL THEN secret ELSE pg_catalog.sha256(secret || pg_catalog.convert_to(closed, 'UTF8')) END $$;

CREATE OR REPLACE FUNCTION jrerank._dblink_digest(secret bytea, VARIADIC texts text[]) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.encode(pg_catalog.sha256(secret || pg_catalog.convert_to(
    pg_catalog.concat_ws(' ', pg_catalog.pg_backend_pid(), pg_catalog.array_to_string(texts, ' ')), 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION jrerank._dblink_name(server text, secret bytea, id text) RETURNS text
LANGUAGE sql STABLE
AS $$ SELECT 'jrerank_' || id || '_' || pg_catalog."left"(jrerank._dblink_digest(secret, 'name', server, id), 32) $$;

-- This session's open connections to the server: those of which nobody but these functions can have made the name.
CREATE OR REPLACE FUNCTION jrerank._dblink_connections(dblink text, server text, secret bytea) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
BEGIN
  RETURN QUERY
    SELECT c.name FROM pg_catalog.unnest(dblink_get_connections()) c(name)
    WHERE c.name = jrerank._dblink_name(server, secret, pg_catalog.split_part(c.name, '_', 2));
END
$$;

CREATE OR REPLACE FUNCTION jrerank._dblink_disconnect(dblink text, connection text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
BEGIN
  IF connection = ANY (dblink_get_connections()) THEN
    PERFORM dblink_disconnect(connection);
  END IF;
END
$$;

-- What libpq understands of the server's options, and more: names and values in turn.
CREATE OR REPLACE FUNCTION jrerank._dblink_conninfo(server text, VARIADIC more text[]) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.string_agg(
    pg_catalog.format('%s=''%s''', o.name, pg_catalog.regexp_replace(o.value, E'([\\\\''])', E'\\\\\\1', 'g')), ' ')
  FROM (
    SELECT o.option_name AS name, o.option_value AS value
    FROM pg_catalog.pg_foreign_server s, pg_catalog.pg_options_to_table(s.srvoptions) o
    WHERE s.srvname = server AND o.option_name <> ALL (more)
      AND o.option_name IN ('host', 'hostaddr', 'port', 'dbname', 'connect_timeout', 'tcp_user_timeout', 'keepalives',
        'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'application_name', 'sslmode', 'sslrootcert', 'sslcrl',
        'sslsni', 'ssl_min_protocol_version', 'gssencmode')
    UNION ALL SELECT more[n], more[n + 1] FROM pg_catalog.generate_series(1, pg_catalog.cardinality(more), 2) n
  ) o
$$;

-- Where nothing comes back at all Linux looks at tcp_user_timeout after a second for the first time, whatever the deadline. So that
-- not each statement waits for that second, this session doesn't connect again for 3 s after an attempt that has taken too long.
CREATE OR REPLACE FUNCTION jrerank._dblink_is_cut_off(server text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mark text[] := string_to_array(current_setting('jrerank.cut_off', true), '|');
BEGIN
  RETURN mark[2] = server AND jrerank._is_recent(mark[1], interval '3 s');
END
$$;

-- Whether somebody reads what comes to the sidecar's port, before dblink connects: to that no deadline can be given, and from
-- PostgreSQL 16 on it waits for ever for a sidecar that has stopped, whose kernel still accepts. What doesn't fit into that kernel's
-- receive buffer, though, makes ours give up when tcp_user_timeout is over, so that a startup message larger than the buffer is
-- sent, without a key. The sidecar throws it away and hangs up; anything that comes soon will do.
CREATE OR REPLACE FUNCTION jrerank._dblink_answers(dblink text, server text, deadline timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  timer_ms constant int := 270;  -- after tcp_user_timeout, until the kernel's own timer looks at it
  user_timeout_ms int := greatest(jrerank._remaining_ms(deadline) - timer_ms, 30);
  probe constant text := 'jrerank_' || gen_random_uuid();
  started timestamptz := clock_timestamp();
  open boolean := true;
  failure text;
BEGIN
  BEGIN
    EXECUTE format('SELECT %I.dblink_connect($1, $2)', dblink) USING probe, jrerank._dblink_conninfo(server,
      'user', 'probe', 'password', 'probe', 'dbname', 'probe', 'sslmode', 'disable', 'gssencmode', 'disable',
      'tcp_user_timeout', user_timeout_ms::text, 'application_name', 'jrerank', 'options', repeat(' ', 200000));
  EXCEPTION WHEN OTHERS THEN
    open := false;
    GET STACKED DIAGNOSTICS failure = PG_EXCEPTION_DETAIL;
    -- In whatever language: libpq asks whether the host accepts TCP/IP connections where it got no connection
    IF failure ~ 'TCP/IP' AND clock_timestamp() > deadline + interval '100 ms' THEN
      PERFORM set_config('jrerank.cut_off', concat_ws('|', jrerank._kept_moment(clock_timestamp()), server), false);
    END IF;
  END;
  IF open THEN
    EXECUTE format('SELECT %I.dblink_disconnect($1)', dblink) USING probe;
  END IF;
  RETURN clock_timestamp() < started + make_interval(secs => (user_timeout_ms + 100) / 1000.0);
END
$$;

-- The same for another backend to find out, which may wait for as long as the network keeps it.
CREATE OR REPLACE FUNCTION jrerank._dblink_answers_within(server text, within_ms int) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN jrerank._dblink_answers(
    (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink'),
    server, clock_timestamp() + make_interval(secs => within_ms / 1000.0));
END
$$;

-- Opens a connection to this database itself, by the server jrerank_loopback, or says what keeps it from being opened; neither where
-- there is no such server.
CREATE OR REPLACE FUNCTION jrerank._dblink_loopback(dblink text, OUT connection text, OUT obstacle text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  name constant text := 'jrerank_loopback_' || gen_random_uuid();
  owner constant oid := (
    SELECT s.srvowner FROM pg_foreign_server s JOIN pg_user_mappings m ON m.srvid = s.oid
    WHERE s.srvname = 'jrerank_loopback' AND m.usename = current_user
  );
  elsewhere constant text := (
    SELECT o.option_value FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
    WHERE s.srvname = 'jrerank_loopback' AND o.option_name = 'dbname' AND o.option_value <> current_database()
  );
BEGIN
  IF owner IS NULL THEN
    RETURN;
  ELSIF NOT jrerank._ask_trusts(owner) THEN
    obstacle := format('the server jrerank_loopback belongs to %I, who is no administrator here', owner::regrole);
    RETURN;
  ELSIF elsewhere IS NOT NULL THEN  -- as in a copy of a database, whose sidecar may be another
    obstacle := format('the server jrerank_loopback leads to the database %I, not to this one', elsewhere);
    RETURN;
  END IF;
  EXECUTE format('SELECT %I.dblink_connect($1, ''jrerank_loopback'')', dblink) USING name;
  connection := name;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS obstacle = PG_EXCEPTION_DETAIL;
  obstacle := concat_ws(': ', SQLERRM, nullif(obstacle, ''));
END
$$;

-- For `setup` and `status`: what keeps the loopback from being used; NULL where nothing does.
CREATE OR REPLACE FUNCTION jrerank._dblink_loopback_obstacle() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dblink constant text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
  loopback record := jrerank._dblink_loopback(dblink);
  told record;
BEGIN
  IF loopback.connection IS NOT NULL THEN
    told := jrerank._dblink_query(dblink, loopback.connection,
      'SELECT has_function_privilege(''jrerank._dblink_answers_within(text, int)'', ''EXECUTE'')', clock_timestamp() + interval '5 s');
    PERFORM jrerank._dblink_disconnect(dblink, loopback.connection);
    loopback.obstacle := CASE WHEN told.answer IS DISTINCT FROM 't'
      THEN coalesce(told.message, told.state, 'its role may not execute jrerank._dblink_answers_within(text, int)') END;
  END IF;
  RETURN loopback.obstacle;
EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
  IF loopback.connection IS NOT NULL THEN
    PERFORM jrerank._dblink_disconnect(dblink, loopback.connection);
  END IF;
  RAISE;
END
$$;

-- Whether somebody reads there, seen by a backend that is asked over the loopback, so that no longer than until the deadline is waited
-- for it, whatever the network does. It ends by itself. NULL where there is no loopback, or it couldn't tell.
CREATE OR REPLACE FUNCTION jrerank._dblink_answers_elsewhere(dblink text, server text, deadline timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  loopback constant text := (jrerank._dblink_loopback(dblink)).connection;
  told record;
BEGIN
  IF loopback IS NULL THEN
    RETURN NULL;
  END IF;
  BEGIN
    told := jrerank._dblink_query(dblink, loopback,
      format('SELECT jrerank._dblink_answers_within(%L, %s)', server, jrerank._remaining_ms(deadline)), deadline);
  EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(0.01);  -- the second signal of a cancel is to be met here: see _ask_dblink
    RAISE;
  END;
  PERFORM jrerank._dblink_disconnect(dblink, loopback);
  RETURN CASE WHEN told.state = 'timeout' THEN false WHEN told.state IS NULL THEN told.answer::boolean END;
EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
  PERFORM jrerank._dblink_disconnect(dblink, loopback);  -- whoever may call dblink could use what is left open
  RAISE;
END
$$;

-- Opens a connection; NULL where the sidecar doesn't read.
CREATE OR REPLACE FUNCTION jrerank._dblink_connect(dblink text, server text, secret bytea, deadline timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  connection text := jrerank._dblink_name(server, secret, left(replace(gen_random_uuid()::text, '-', ''), 16));
  host text := (
    SELECT max(o.option_value) FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
    WHERE s.srvname = server AND o.option_name IN ('host', 'hostaddr')
  );
BEGIN
  IF host !~ '^/' AND (jrerank._dblink_is_cut_off(server) OR NOT coalesce(
    jrerank._dblink_answers_elsewhere(dblink, server, deadline), jrerank._dblink_answers(dblink, server, deadline))) THEN
    RETURN NULL;
  END IF;
  IF (SELECT m.password_file FROM jrerank._ask_mapping(server) m) IS NULL THEN
    EXECUTE format('SELECT %I.dblink_connect($1, $2)', dblink) USING connection, server;
  ELSE
    EXECUTE format(
      'SELECT %I.dblink_connect($1, jrerank._dblink_conninfo($2, ''user'', ''jrerank'', ''password'', jrerank._ask_key($2)))', dblink
    ) USING connection, server;
  END IF;
  RETURN connection;
END
$$;

-- Makes a connection ready, and says whether it was open before. `state` is busy, or timeout, where it is not.
-- A call that ran out of time leaves its connection busy. While it stays so the sidecar hangs, and to connect anew would hang
-- too; it is waited for, for half of the time that there is. After 30 s it is given up nevertheless.
CREATE OR REPLACE FUNCTION jrerank._dblink_ready(
  dblink text, server text, secret bytea, deadline timestamptz, OUT connection text, OUT reused boolean, OUT state text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  waiting_since timestamptz := jrerank._moment(current_setting('jrerank.waiting_since', true));
BEGIN
  SELECT c INTO connection FROM jrerank._dblink_connections(dblink, server, secret) c LIMIT 1;
  reused := connection IS NOT NULL;
  IF reused AND NOT jrerank._dblink_wait(dblink, connection, clock_timestamp() + (deadline - clock_timestamp()) / 2) THEN
    waiting_since := least(waiting_since, clock_timestamp());
    IF waiting_since > clock_timestamp() - interval '30 s' THEN
      PERFORM set_config('jrerank.waiting_since', jrerank._kept_moment(waiting_since), false);
      state := 'busy';
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
    connection := jrerank._dblink_connect(dblink, server, secret, deadline);
    state := CASE WHEN connection IS NULL THEN 'timeout' END;
  END IF;
END
$$;

-- Takes what a late answer has left.
CREATE OR REPLACE FUNCTION jrerank._dblink_left_over(dblink text, connection text, deadline timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
  taken text;
  last text;
BEGIN
  LOOP
    SELECT pg_catalog.max(t.answer) INTO taken FROM dblink_get_result(connection, false) AS t(answer text);
    EXIT WHEN taken IS NULL OR NOT jrerank._dblink_wait(dblink, connection, deadline);
    last := taken;
  END LOOP;
  RETURN last;
END
$$;

-- Asks the sidecar to prove that it knows the key, and to lock the connection. `expected` is its proof; `failure` says how the
-- connection is broken where it is.
CREATE OR REPLACE FUNCTION jrerank._dblink_challenge(
  dblink text, connection text, secret bytea, OUT expected text, OUT failure text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  path constant text := pg_catalog.set_config('search_path', jrerank._ask_path(dblink), true);
  nonce constant text := pg_catalog.gen_random_uuid();
BEGIN
  IF dblink_send_query(connection, pg_catalog.concat('PROVE ', jrerank._dblink_digest(secret, 'token', connection), ' ', nonce)) = 0 THEN
    failure := dblink_error_message(connection);
    RETURN;
  END IF;
  expected := pg_catalog.encode(
    pg_catalog.sha256(secret || pg_catalog.sha256(secret || pg_catalog.convert_to(nonce, 'UTF8'))), 'hex');
END
$$;

-- Sends the request once the sidecar has proven itself, and makes it while the proof is on its way. `state` is unproven where it
-- doesn't know the key.
CREATE OR REPLACE FUNCTION jrerank._dblink_exchange(
  dblink text, connection text, secret bytea, head text, sent text[], sent_json text, options text, deadline timestamptz,
  OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  challenge record := jrerank._dblink_challenge(dblink, connection, secret);
  body text;
BEGIN
  IF challenge.failure IS NOT NULL THEN
    state := '08006';
    message := challenge.failure;
    RETURN;
  END IF;
  body := head || coalesce(sent_json, to_json(sent)::text) || options;
  -- A proof takes the network's time and little more: asleep, it would take another millisecond
  SELECT * INTO answer, state, message FROM jrerank._dblink_result(dblink, connection, deadline, '2 ms');
  IF state IS NULL AND answer IS DISTINCT FROM challenge.expected THEN
    state := 'unproven';
    message := 'who answers there does not know the key';
  END IF;
  IF state IS NULL THEN
    SELECT * INTO answer, state, message FROM jrerank._dblink_request(dblink, connection, body, deadline);
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._ask_dblink(
  dblink text, server text, head text, sent text[], sent_json text, options text, deadline timestamptz,
  OUT answer text, OUT reason text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  secret constant bytea := jrerank._dblink_secret(server);
  closed constant text := jrerank._dblink_closed(dblink);
  naming constant bytea := jrerank._dblink_naming(secret, closed);
  ready record;
  result record;
BEGIN
  BEGIN
    FOR attempt IN 1..2 LOOP
      ready := jrerank._dblink_ready(dblink, server, naming, deadline);
      IF ready.state IS NOT NULL THEN
        reason := 'timeout';
        detail := CASE ready.state WHEN 'busy' THEN 'the sidecar has not answered the call before this one either' END;
        RETURN;
      END IF;
      IF closed IS NULL THEN
        result := jrerank._dblink_exchange(dblink, ready.connection, secret, head, sent, sent_json, options, deadline);
      ELSE
        result := jrerank._dblink_request(
          dblink, ready.connection, head || coalesce(sent_json, to_json(sent)::text) || options, deadline);
      END IF;
      EXIT WHEN result.state IS NULL OR result.state = 'timeout';
      IF result.state !~ '^(22|54|53000|57P03)' THEN
        PERFORM jrerank._dblink_disconnect(dblink, ready.connection);
      END IF;
      -- A connection from before a restart of the sidecar is broken, or it is not the one that was opened here
      EXIT WHEN NOT ready.reused OR result.state !~ '^(08|57P0[12]|unproven|42)';
    END LOOP;
  EXCEPTION WHEN query_canceled THEN
    -- A cancel is signalled to the process and to its group: the second signal is to be met here, not where is cleared up
    PERFORM pg_sleep(0.01);
    RAISE;
  END;
  IF result.state IS NULL THEN
    answer := result.answer;
  END IF;
  reason := jrerank._reason(result.state);
  detail := result.message;
EXCEPTION WHEN query_canceled THEN
  -- Takes the request out of the sidecar's queue
  PERFORM jrerank._dblink_disconnect(dblink, c) FROM jrerank._dblink_connections(dblink, server, naming) c;
  RAISE;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._reason(state text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN state = 'timeout' THEN state
    WHEN state ~ '^(28|unproven)' THEN 'unauthorized'
    WHEN state ~ '^(22|42|54|0A)' THEN 'rejected'
    WHEN state ~ '^53' THEN 'overloaded'
    WHEN state ~ '^(08|57)' THEN 'unreachable'
    WHEN state IS NOT NULL THEN 'sidecar_error'
  END
$$;

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

-- Asking ------------------------------------------------------------------------------------------------------------------------

-- Which way, and with what: a request's JSON is the queries, `sent`, or `sent_json` where it is JSON already, and `options`. It runs as the
-- role that the user mapping is for, who alone can read the key; and what the caller's session may have set to look at it is off. Whoever
-- may rerank may call it: so where it asks, and how a request begins, are not the caller's to say.
CREATE OR REPLACE FUNCTION jrerank._ask(
  queries text[], sent_as text, sent text[], sent_json text, options text, deadline timestamptz, chosen text, server text, other_url text,
  OUT answer text, OUT reason text, OUT detail text, OUT transport text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
SET debug_print_parse = off
SET debug_print_rewritten = off
SET debug_print_plan = off
AS $$
DECLARE
  http text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'http');
  dblink text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
  server_options text[] := (SELECT coalesce(s.srvoptions, '{}') FROM pg_foreign_server s WHERE s.srvname = server);
  server_url text := (SELECT rtrim(o.option_value, '/') FROM pg_options_to_table(server_options) o WHERE o.option_name = 'url');
  url text := coalesce(other_url, server_url);
  own boolean := url IS NOT DISTINCT FROM server_url;
  -- Its brace is what no database takes for a statement, wherever the server leads
  head constant text := format('{"queries":%s,%s:', to_json(queries), to_json(sent_as));
  got record;
BEGIN
  transport := CASE WHEN chosen <> 'auto' THEN chosen WHEN http IS NOT NULL AND url IS NOT NULL THEN 'http' ELSE 'dblink' END;
  detail := coalesce(
    jrerank._ask_obstacle(server),
    CASE transport WHEN 'http' THEN jrerank._http_obstacle(http, server, url, own)
      ELSE jrerank._dblink_obstacle(dblink, server, server_options) END);
  IF detail IS NOT NULL THEN
    reason := 'not_configured';
  ELSIF jrerank._remaining_ms(deadline) < 1 THEN
    reason := 'timeout';
    detail := 'no time was left to ask the sidecar';
  ELSE
    IF transport = 'http' THEN
      got := jrerank._ask_http(http, server, url, own, head || coalesce(sent_json, to_json(sent)::text) || options, deadline);
    ELSE
      got := jrerank._ask_dblink(dblink, server, head, sent, sent_json, options, deadline);
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
CREATE OR REPLACE FUNCTION jrerank._ask_obstacle(server text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  owner oid := (SELECT s.srvowner FROM pg_foreign_server s WHERE s.srvname = server);
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RETURN 'the encoding of the database is not UTF8';
  END IF;
  IF server = 'jrerank_loopback' THEN
    RETURN 'the server jrerank_loopback leads to this database itself, not to a sidecar';
  END IF;
  -- These functions ask with their owner's rights: a server that just anybody has made leads anywhere
  IF owner IS NOT NULL AND NOT jrerank._ask_trusts(owner) THEN
    RETURN format('the server %1$I belongs to %2$I, who is no administrator here: ALTER SERVER %1$I OWNER TO another role',
      server, owner::regrole);
  END IF;
  -- An administrator's servers are there for other things, too
  IF owner IS NOT NULL AND NOT has_server_privilege(server, 'USAGE') THEN
    RETURN format('%I may not use the server %I: GRANT USAGE ON FOREIGN SERVER %2$I TO %1$I', current_user, server);
  END IF;
  RETURN NULL;
END
$$;

-- Superusers, and whoever owns the database or these functions.
CREATE OR REPLACE FUNCTION jrerank._ask_trusts(role oid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT rolsuper FROM pg_roles WHERE oid = role)
    OR pg_has_role(role, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')
    OR pg_has_role(role, (SELECT nspowner FROM pg_namespace WHERE nspname = 'jrerank'), 'USAGE')
    OR role IN (SELECT extowner FROM pg_extension WHERE extname = 'jrerank');
END
$$;

CREATE OR REPLACE FUNCTION jrerank._http_obstacle(http text, server text, url text, own boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE
    WHEN http IS NULL THEN 'the extension http is not installed: CREATE EXTENSION http, or use dblink'
    WHEN NOT has_schema_privilege(http, 'USAGE')
      THEN format('%I may not use the schema of http: GRANT USAGE ON SCHEMA %I TO %1$I', current_user, http)
    WHEN NOT has_function_privilege(format('%1$I.http(%1$I.http_request)', http), 'EXECUTE')
      THEN format('%I may not send HTTP requests: GRANT EXECUTE ON FUNCTION %2$I.http(%2$I.http_request) TO %1$I', current_user, http)
    WHEN url IS NULL THEN format('neither jrerank.url nor the option url of the server %I is set', server)
    WHEN url !~ '^https?://' THEN format('jrerank.url: %s does not begin with http:// or https://', quote_literal(url))
    -- Where the caller points it, the caller must be allowed to go alone
    WHEN NOT own AND NOT has_function_privilege(session_user, format('%1$I.http(%1$I.http_request)', http), 'EXECUTE')
      THEN format('jrerank.url is not the url of the server %I, and %I may not send HTTP requests', server, session_user)
  END;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._dblink_obstacle(dblink text, server text, options text[]) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE
    WHEN dblink IS NULL THEN 'the extension dblink is not installed: CREATE EXTENSION dblink'
    WHEN options IS NULL THEN format('there is no server %I: CREATE SERVER, and a user mapping for %I', server, current_user)
    -- One for PUBLIC would do for dblink, but is there for something else
    WHEN NOT EXISTS (SELECT FROM pg_user_mappings m WHERE m.srvname = server AND m.usename = current_user)
      THEN format('the user mapping is missing: CREATE USER MAPPING FOR %I SERVER %I', current_user, server)
    WHEN NOT has_schema_privilege(dblink, 'USAGE')
      THEN format('%I may not use the schema of dblink: GRANT USAGE ON SCHEMA %I TO %1$I', current_user, dblink)
    WHEN NOT has_function_privilege(format('%I.dblink_connect(text, text)', dblink), 'EXECUTE')
      THEN format('%I may not use dblink: GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO %1$I', current_user, dblink)
    -- Before PostgreSQL 16 dblink connects without looking at statement_timeout
    WHEN current_setting('server_version_num')::int < 160000
      AND NOT EXISTS (SELECT FROM pg_options_to_table(options) o WHERE o.option_name = 'connect_timeout')
      THEN format('the server %1$I needs connect_timeout: ALTER SERVER %1$I OPTIONS (ADD connect_timeout ''2'')', server)
  END;
END
$$;

CREATE OR REPLACE FUNCTION jrerank.rerank_disconnect() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dblink text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
BEGIN
  IF dblink IS NOT NULL THEN
    PERFORM jrerank._dblink_disconnect(dblink, c)
      FROM pg_user_mappings m, jrerank._dblink_secret(m.srvname) s, unnest(ARRAY[NULL, jrerank._dblink_closed(dblink)]) closed,
        jrerank._dblink_connections(dblink, m.srvname, jrerank._dblink_naming(s, closed)) c
      WHERE m.usename = current_user;
  END IF;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_disconnect() IS
  'Closes this session''s dblink connections to the sidecar; the next call opens one.';

-- What became of it ---------------------------------------------------------------------------------------------------------------

-- Milliseconds as a status keeps them: up to eleven days of them, or none.
CREATE OR REPLACE FUNCTION jrerank._kept_ms(ms double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN ms >= 0 AND ms < 1e9 THEN pg_catalog.round(ms::pg_catalog.numeric, 3)::pg_catalog.text END $$;

-- An id as a status keeps it, without what its fields and the ids in one of them end with; and the id again.
CREATE OR REPLACE FUNCTION jrerank._kept_id(id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(id, E'\x1a', E'\x1a' || 'a'), E'\x1e', E'\x1a' || 'b'), E'\x1f', E'\x1a' || 'c')
$$;

CREATE OR REPLACE FUNCTION jrerank._id_of(kept text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(kept, E'\x1a' || 'c', E'\x1f'), E'\x1a' || 'b', E'\x1e'), E'\x1a' || 'a', E'\x1a')
$$;

-- The fields of what a call has left in jrerank.last_status, each of them good for its type; NULL where no call has left it there: anybody may
-- set it to anything, in a pool for the next client too. No error is to be caught for that, so that a parallel query may ask.
CREATE OR REPLACE FUNCTION jrerank._status_fields(kept text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  fields constant text[] := string_to_array(kept, chr(31), '');
  count constant text := '^[0-9]{1,9}$';
  ms constant text := '^[0-9]{1,10}[.][0-9]{1,3}$';
BEGIN
  RETURN CASE WHEN cardinality(fields) = 11 AND fields[1] IN ('complete', 'partial', 'passthrough')
      AND fields[6] ~ count AND fields[7] ~ count AND coalesce(fields[9], '0.0') ~ ms AND coalesce(fields[10], '0.0') ~ ms
      AND jrerank._moment(fields[11]) IS NOT NULL
    THEN fields END;
END
$$;

CREATE OR REPLACE FUNCTION jrerank.rerank_status()
RETURNS TABLE (
  outcome text, reason text, detail text, transport text, model text, documents int, scored int, missing text[],
  sidecar_ms real, elapsed_ms real, at timestamptz
)
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
  SELECT f[1], f[2],
    CASE WHEN f IS NULL THEN 'jrerank.last_status is not what a call has left there: RESET jrerank.last_status' ELSE f[3] END,
    f[4], f[5], f[6]::pg_catalog.int4, f[7]::pg_catalog.int4,
    CASE WHEN f[8] IS NOT NULL
      THEN ARRAY(SELECT jrerank._id_of(k) FROM pg_catalog.unnest((pg_catalog.string_to_array(f[8], E'\x1e'))[2:]) k) END,
    f[9]::pg_catalog.float4, f[10]::pg_catalog.float4, jrerank._moment(f[11])
  FROM jrerank._status_fields(jrerank._setting('last_status')) f WHERE jrerank._setting('last_status') IS NOT NULL
$$;
COMMENT ON FUNCTION jrerank.rerank_status() IS
  'What became of the last call of this transaction, or of this session with jrerank.status = session; no row before the first one.';

-- What a sidecar said of one query, checked: the hits that it scored, in their new order. It raises an error when it is no answer
-- for these hits: each place once, and a finite score where it says that there is one.
CREATE OR REPLACE FUNCTION jrerank._read_ranking(answered jrerank._answered, sent int, expected int) RETURNS jrerank._outcome
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  result jrerank._outcome;
  valid boolean;
BEGIN
  SELECT
    cardinality(answered.first_ranks) = cardinality(answered.scores) AND count(*) = expected
      AND count(DISTINCT h.place) = expected AND coalesce(min(h.place) >= 1 AND max(h.place) <= sent, expected = 0)
      AND coalesce(bool_and(h.score IS NULL OR h.score BETWEEN -3e38 AND 3e38), true)
      AND CASE answered.outcome
        WHEN 'complete' THEN count(h.score) = expected
        WHEN 'passthrough' THEN count(h.score) = 0
        ELSE answered.outcome = 'partial' END,
    coalesce(array_agg(ROW(h.place, jrerank._first_score(h.score))::jrerank._ranked ORDER BY h.rank)
      FILTER (WHERE h.score IS NOT NULL), '{}')
    INTO valid, result.ranked
    FROM unnest(answered.first_ranks, answered.scores) WITH ORDINALITY AS h(place, score, rank);
  IF valid IS NOT TRUE THEN
    RAISE EXCEPTION 'the answer does not fit the hits that were sent';
  END IF;
  result.outcome := answered.outcome;
  result.reason := answered.reason;
  result.missing := answered.missing;
  RETURN result;
END
$$;

-- The sidecar's answer to so many queries. It raises an error, of whatever kind, when it is none.
CREATE OR REPLACE FUNCTION jrerank._read_answer(answer text, queries int, sent int, expected int, read_transport text)
RETURNS jrerank._outcome[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answered record;
  one jrerank._outcome;
  results jrerank._outcome[] := '{}';
BEGIN
  SELECT a.* INTO answered
    FROM json_to_record(answer::json) AS a(model text, took_ms real, rankings jrerank._answered[]);
  IF cardinality(answered.rankings) IS DISTINCT FROM queries THEN
    RAISE EXCEPTION 'the answer does not fit the queries that were sent';
  END IF;
  FOR number IN 1..queries LOOP
    one := jrerank._read_ranking(answered.rankings[number], sent, expected);
    one.transport := read_transport;
    one.model := answered.model;
    one.sidecar_ms := answered.took_ms;
    results := array_append(results, one);
  END LOOP;
  RETURN results;
END
$$;

-- A statement that calls many times (LATERAL) must not wait for a sidecar that is gone each time: when a call of it got no answer,
-- the others of the next 5 s don't ask.
CREATE OR REPLACE FUNCTION jrerank._gave_up() RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mark text[] := string_to_array(current_setting('jrerank.gave_up', true), '|');
BEGIN
  RETURN CASE WHEN jrerank._moment(mark[1]) = statement_timestamp() AND jrerank._is_recent(mark[2], interval '5 s')
    THEN mark[3] END;
END
$$;

-- One request to the sidecar: what became of each query. Nothing that it does raises an error here: `reason` says what was wrong,
-- and then nothing is ranked. `sent` are the texts or the ids of so many hits, `expected` how many of them come back.
CREATE OR REPLACE FUNCTION jrerank._attempt(
  queries text[], sent_as text, sent text[], sent_json text, sent_count int, options text, deadline timestamptz, expected int,
  expected_model text
) RETURNS jrerank._outcome[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  route record := jrerank._route();
  failed jrerank._outcome;
  read jrerank._outcome[];
  answer text;
BEGIN
  failed.outcome := 'passthrough';
  failed.reason := jrerank._gave_up();
  IF failed.reason IS NOT NULL THEN
    failed.detail := 'a call of the same statement got no answer just now';
    RETURN array_fill(failed, ARRAY[cardinality(queries)]);
  END IF;
  SELECT a.* INTO answer, failed.reason, failed.detail, failed.transport
    FROM jrerank._ask(queries, sent_as, sent, sent_json, options, deadline, route.transport, route.server, route.url) a;
  IF failed.reason IN ('timeout', 'unreachable') THEN
    PERFORM set_config('jrerank.gave_up', concat_ws('|', jrerank._kept_moment(statement_timestamp()),
      jrerank._kept_moment(clock_timestamp()), failed.reason), true);
  END IF;
  IF failed.reason IS NULL THEN
    BEGIN
      read := jrerank._read_answer(answer, cardinality(queries), sent_count, expected, failed.transport);
      IF expected_model IS NULL OR read[1].model = expected_model THEN
        RETURN read;
      END IF;
      failed.reason := 'wrong_model';
      failed.model := read[1].model;
      failed.detail := format('the sidecar scored with %s, not with %s', failed.model, expected_model);
    EXCEPTION WHEN OTHERS THEN
      failed.reason := 'bad_answer';
      failed.detail := SQLERRM;
    END;
  END IF;
  RETURN array_fill(failed, ARRAY[cardinality(queries)]);
END
$$;

-- Tells of the call: in rerank_status(), and in a message unless all is well.
CREATE OR REPLACE FUNCTION jrerank._report(started timestamptz, total int, attempt jrerank._outcome) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  level text := jrerank._choice('notice_level', jrerank._setting('notice_level'), 'notice', 'none', 'debug', 'log', 'info', 'warning');
  -- With a pooler in between, the next transaction of this session may be another client's
  kept text := jrerank._choice('status', jrerank._setting('status'), 'transaction', 'session');
  field_end constant text := chr(31);
  message text := format('jrerank: %s (%s)', attempt.outcome, concat_ws(': ', attempt.reason, attempt.detail));
BEGIN
  PERFORM set_config('jrerank.last_status', array_to_string(ARRAY[
    attempt.outcome, replace(attempt.reason, field_end, ' '), replace(attempt.detail, field_end, ' '), attempt.transport,
    replace(attempt.model, field_end, ' '), total::text, coalesce(cardinality(attempt.ranked), 0)::text,
    CASE WHEN attempt.missing IS NOT NULL THEN
      array_to_string('ids'::text || ARRAY(SELECT jrerank._kept_id(m) FROM unnest(attempt.missing[:100]) m), E'\x1e') END,
    jrerank._kept_ms(attempt.sidecar_ms), jrerank._kept_ms(extract(epoch FROM clock_timestamp() - started) * 1000),
    jrerank._kept_moment(clock_timestamp())
  ], field_end, ''), kept = 'transaction');
  CASE WHEN attempt.outcome = 'complete' OR level = 'none' THEN NULL;
    WHEN level = 'debug' THEN RAISE DEBUG '%', message;
    WHEN level = 'log' THEN RAISE LOG '%', message;
    WHEN level = 'info' THEN RAISE INFO '%', message;
    WHEN level = 'notice' THEN RAISE NOTICE '%', message;
    WHEN level = 'warning' THEN RAISE WARNING '%', message;
  END CASE;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._check_at_least_1(name text, given int) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF given < 1 THEN
    RAISE EXCEPTION '%: % is not at least 1', name, given USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;

-- Raises where the session would rather have an error than hits in their old order.
CREATE OR REPLACE FUNCTION jrerank._check_outcome(attempt jrerank._outcome) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  on_error text := jrerank._choice('on_error', jrerank._setting('on_error'), 'keep_order', 'error', 'error_unless_complete');
BEGIN
  IF attempt.outcome = 'passthrough' AND on_error = 'error' OR attempt.outcome <> 'complete' AND on_error = 'error_unless_complete' THEN
    RAISE EXCEPTION 'jrerank: %', concat_ws(': ', attempt.reason, attempt.detail)
      USING ERRCODE = 'external_routine_exception', DETAIL = format('The outcome is %s; jrerank.on_error is %s.', attempt.outcome, on_error);
  END IF;
END
$$;

-- The options of a request as the rest of its JSON, without its end.
CREATE OR REPLACE FUNCTION jrerank._options(store text, scores real[], top_n int, model text, fusion jsonb, max_tokens_per_doc int)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1  -- all of a score
AS $$
BEGIN
  PERFORM jrerank._check_at_least_1('top_n', top_n), jrerank._check_at_least_1('max_tokens_per_doc', max_tokens_per_doc);
  RETURN concat(',"scores":' || to_json(scores)::text, ',"store":' || to_json(store)::text, ',"top_n":' || top_n,
    ',"model":' || to_json(model)::text, ',"fusion":' || fusion::text, ',"max_tokens_per_doc":' || max_tokens_per_doc);
END
$$;

-- What became of one query, as it is reported: not complete where a hit had nothing that could be sent.
CREATE OR REPLACE FUNCTION jrerank._judged(attempt jrerank._outcome, sent int, total int) RETURNS jrerank._outcome
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF attempt.outcome = 'complete' AND sent < total THEN
    attempt.outcome := 'partial';
    attempt.reason := 'missing_passages';
  END IF;
  RETURN attempt;
END
$$;

-- Where there is nothing to ask.
CREATE OR REPLACE FUNCTION jrerank._unasked(query text, total int) RETURNS jrerank._outcome
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  attempt jrerank._outcome;
BEGIN
  attempt.outcome := CASE WHEN total = 0 THEN 'complete' ELSE 'passthrough' END;
  attempt.reason := CASE WHEN total = 0 THEN NULL WHEN query IS NULL THEN 'null_query' ELSE 'missing_passages' END;
  RETURN attempt;
END
$$;

-- The `top_n` first of all hits: those that were scored, by their places among all, then the others in their old order. `places`
-- are those of the hits that were sent; NULL where all were.
CREATE OR REPLACE FUNCTION jrerank._all_ranked(ranked jrerank._ranked[], places int[], total int, top_n int) RETURNS jrerank._ranked[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unscored int := least(coalesce(top_n, total), total) - coalesce(cardinality(ranked), 0);
BEGIN
  IF places IS NOT NULL THEN
    ranked := ARRAY(SELECT ROW(places[r.place], r.score)::jrerank._ranked
                    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank) ORDER BY r.rank);
  END IF;
  IF unscored > 0 THEN
    ranked := coalesce(ranked, '{}') || ARRAY(
      SELECT ROW(o.place, NULL)::jrerank._ranked
      FROM (SELECT generate_series(1, total) AS place EXCEPT SELECT r.place FROM unnest(ranked) r) o
      ORDER BY o.place LIMIT unscored
    );
  END IF;
  RETURN ranked;
END
$$;

-- The way through: what was asked goes in, and the places of the `top_n` first of all hits come out in their new order, with
-- the scores of those at the front that have one. `sent`, or `sent_json` where they are JSON already, are the texts or the ids of those of
-- the `total` that have one; `places` are theirs, and may be NULL where all have.
CREATE OR REPLACE FUNCTION jrerank._rank(
  query text, sent_as text, sent text[], places int[], total int, top_n int, timeout_ms int, options text, expected_model text,
  sent_json text DEFAULT NULL
) RETURNS jrerank._ranked[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  started timestamptz := clock_timestamp();
  deadline timestamptz := jrerank._deadline(timeout_ms);
  sent_count int := CASE WHEN sent_json IS NULL THEN coalesce(cardinality(sent), 0) ELSE coalesce(cardinality(places), total) END;
  attempt jrerank._outcome;
BEGIN
  PERFORM jrerank._check_outcome(attempt);
  IF sent_count > 0 AND query IS NOT NULL THEN
    attempt := jrerank._judged(
      (jrerank._attempt(ARRAY[query], sent_as, sent, sent_json, sent_count, options, deadline,
        least(coalesce(top_n, sent_count), sent_count), expected_model))[1], sent_count, total);
  ELSE
    attempt := jrerank._unasked(query, total);
  END IF;
  PERFORM jrerank._check_outcome(attempt);
  PERFORM jrerank._report(started, total, attempt);
  RETURN jrerank._all_ranked(attempt.ranked, CASE WHEN sent_count < total THEN places END, total, top_n);
END
$$;

-- Japanese text in the database itself ------------------------------------------------------------------------------------------------

-- Letters and digits by their code points (Unicode's categories L and N, without what NFKC takes away): a regular expression's own
-- class would depend on the database's locale, and an index could not be trusted. Nor is it for a column's collation to say what is lower
-- case: the query is of none, and expressions refuse one that isn't deterministic.
CREATE OR REPLACE FUNCTION jrerank._runs(document text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT r.run[1] FROM pg_catalog.regexp_matches(pg_catalog.lower(pg_catalog.normalize(document, 'NFKC') COLLATE pg_catalog."default"),
    '['
    '\u0030-\u0039\u0041-\u005A\u0061-\u007A\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02C1\u02C6-\u02D1\u02EC\u02EE'
    '\u0370-\u0373\u0376-\u03F3\u03F7-\u0481\u048A-\u0559\u0560-\u0588\u05D0-\u05F2\u0620-\u064A\u0660-\u0669'
    '\u066E-\u066F\u0671-\u06D3\u06D5\u06E5-\u06E6\u06EE-\u06FC\u06FF\u0710\u0712-\u072F\u074D-\u07A5\u07B1-\u07EA'
    '\u07F4-\u07F5\u07FA\u0800-\u0815\u081A\u0824\u0828\u0840-\u0858\u0860-\u0887\u0889-\u088E\u08A0-\u08C9'
    '\u0904-\u0939\u093D\u0950\u0960-\u0961\u0966-\u096F\u0971-\u0980\u0985-\u09B9\u09BD\u09CE\u09E0-\u09E1'
    '\u09E6-\u09F1\u09F4-\u09F9\u09FC\u0A05-\u0A39\u0A5C-\u0A6F\u0A72-\u0A74\u0A85-\u0AB9\u0ABD\u0AD0-\u0AE1'
    '\u0AE6-\u0AEF\u0AF9\u0B05-\u0B39\u0B3D\u0B5F-\u0B61\u0B66-\u0B6F\u0B71-\u0B77\u0B83-\u0BB9\u0BD0\u0BE6-\u0BF2'
    '\u0C05-\u0C39\u0C3D\u0C58-\u0C61\u0C66-\u0C6F\u0C78-\u0C7E\u0C80\u0C85-\u0CB9\u0CBD\u0CDD-\u0CE1\u0CE6-\u0CF2'
    '\u0D04-\u0D3A\u0D3D\u0D4E\u0D54-\u0D56\u0D58-\u0D61\u0D66-\u0D78\u0D7A-\u0D7F\u0D85-\u0DC6\u0DE6-\u0DEF'
    '\u0E01-\u0E30\u0E32\u0E40-\u0E46\u0E50-\u0E59\u0E81-\u0EB0\u0EB2\u0EBD-\u0EC6\u0ED0-\u0F00\u0F20-\u0F33'
    '\u0F40-\u0F6C\u0F88-\u0F8C\u1000-\u102A\u103F-\u1049\u1050-\u1055\u105A-\u105D\u1061\u1065-\u1066\u106E-\u1070'
    '\u1075-\u1081\u108E\u1090-\u1099\u10A0-\u10FA\u10FD-\u135A\u1369-\u138F\u13A0-\u13FD\u1401-\u166C\u166F-\u167F'
    '\u1681-\u169A\u16A0-\u16EA\u16EE-\u1711\u171F-\u1731\u1740-\u1751\u1760-\u1770\u1780-\u17B3\u17D7\u17DC'
    '\u17E0-\u17F9\u1810-\u1884\u1887-\u18A8\u18AA-\u191E\u1946-\u19DA\u1A00-\u1A16\u1A20-\u1A54\u1A80-\u1A99\u1AA7'
    '\u1B05-\u1B33\u1B45-\u1B59\u1B83-\u1BA0\u1BAE-\u1BE5\u1C00-\u1C23\u1C40-\u1C7D\u1C80-\u1CBF\u1CE9-\u1CEC'
    '\u1CEE-\u1CF3\u1CF5-\u1CF6\u1CFA-\u1D9A\u1E00-\u1FFC\u2132\u214E\u2180-\u2188\u24EB-\u24FF\u2776-\u2793'
    '\u2C00-\u2CE4\u2CEB-\u2CEE\u2CF2-\u2CF3\u2CFD\u2D00-\u2D67\u2D80-\u2DDE\u2E2F\u3005-\u3007\u3021-\u3029'
    '\u3031-\u3035\u303B-\u303C\u3041-\u3096\u309D-\u309E\u30A1-\u30FA\u30FC-\u312F\u31A0-\u31BF\u31F0-\u324F'
    '\u3400-\u4DBF\u4E00-\uA48C\uA4D0-\uA4FD\uA500-\uA60C\uA610-\uA66E\uA67F-\uA69B\uA6A0-\uA6EF\uA717-\uA71F'
    '\uA722-\uA788\uA78B-\uA801\uA803-\uA805\uA807-\uA80A\uA80C-\uA822\uA830-\uA835\uA840-\uA873\uA882-\uA8B3'
    '\uA8D0-\uA8D9\uA8F2-\uA8F7\uA8FB\uA8FD-\uA8FE\uA900-\uA925\uA930-\uA946\uA960-\uA97C\uA984-\uA9B2\uA9CF-\uA9D9'
    '\uA9E0-\uA9E4\uA9E6-\uAA28\uAA40-\uAA42\uAA44-\uAA4B\uAA50-\uAA59\uAA60-\uAA76\uAA7A\uAA7E-\uAAAF\uAAB1'
    '\uAAB5-\uAAB6\uAAB9-\uAABD\uAAC0\uAAC2-\uAADD\uAAE0-\uAAEA\uAAF2-\uAAF4\uAB01-\uAB5A\uAB60-\uAB68\uAB70-\uABE2'
    '\uABF0-\uFA29\uFE73\U00010000-\U000100FA\U00010107-\U00010133\U00010140-\U00010178\U0001018A-\U0001018B'
    '\U00010280-\U000102D0\U000102E1-\U00010375\U00010380-\U0001039D\U000103A0-\U000103CF\U000103D1-\U00010563'
    '\U00010570-\U00010855\U00010858-\U00010876\U00010879-\U0001091B\U00010920-\U00010939\U00010980-\U00010A00'
    '\U00010A10-\U00010A35\U00010A40-\U00010A48\U00010A60-\U00010A7E\U00010A80-\U00010AC7\U00010AC9-\U00010AE4'
    '\U00010AEB-\U00010AEF\U00010B00-\U00010B35\U00010B40-\U00010B91\U00010BA9-\U00010D23\U00010D30-\U00010EA9'
    '\U00010EB0-\U00010F45\U00010F51-\U00010F54\U00010F70-\U00010F81\U00010FB0-\U00010FF6\U00011003-\U00011037'
    '\U00011052-\U0001106F\U00011071-\U00011072\U00011075\U00011083-\U000110AF\U000110D0-\U000110F9'
    '\U00011103-\U00011126\U00011136-\U0001113F\U00011144\U00011147-\U00011172\U00011176\U00011183-\U000111B2'
    '\U000111C1-\U000111C4\U000111D0-\U000111DA\U000111DC\U000111E1-\U0001122B\U00011280-\U000112A8'
    '\U000112B0-\U000112DE\U000112F0-\U000112F9\U00011305-\U00011339\U0001133D\U00011350\U0001135D-\U00011361'
    '\U00011400-\U00011434\U00011447-\U0001144A\U00011450-\U00011459\U0001145F-\U000114AF\U000114C4-\U000114C5'
    '\U000114C7-\U000115AE\U000115D8-\U000115DB\U00011600-\U0001162F\U00011644-\U00011659\U00011680-\U000116AA'
    '\U000116B8\U000116C0-\U0001171A\U00011730-\U0001173B\U00011740-\U0001182B\U000118A0-\U0001192F\U0001193F'
    '\U00011941\U00011950-\U000119D0\U000119E1\U000119E3\U00011A00\U00011A0B-\U00011A32\U00011A3A\U00011A50'
    '\U00011A5C-\U00011A89\U00011A9D\U00011AB0-\U00011C2E\U00011C40\U00011C50-\U00011C6C\U00011C72-\U00011C8F'
    '\U00011D00-\U00011D30\U00011D46\U00011D50-\U00011D89\U00011D98-\U00011EF2\U00011FB0-\U00011FD4'
    '\U00012000-\U0001246E\U00012480-\U00012FF0\U00013000-\U0001342E\U00014400-\U00016A69\U00016A70-\U00016AED'
    '\U00016B00-\U00016B2F\U00016B40-\U00016B43\U00016B50-\U00016E96\U00016F00-\U00016F4A\U00016F50'
    '\U00016F93-\U00016FE1\U00016FE3\U00017000-\U0001BC99\U0001D2E0-\U0001D2F3\U0001D360-\U0001D378'
    '\U0001DF00-\U0001DF1E\U0001E100-\U0001E12C\U0001E137-\U0001E14E\U0001E290-\U0001E2AD\U0001E2C0-\U0001E2EB'
    '\U0001E2F0-\U0001E2F9\U0001E7E0-\U0001E8CF\U0001E900-\U0001E943\U0001E94B-\U0001E959\U0001EC71-\U0001ECAB'
    '\U0001ECAD-\U0001ECAF\U0001ECB1-\U0001ED2D\U0001ED2F-\U0001ED3D\U0001F10B-\U0001F10C\U00020000-\U0003134A'
    ']+', 'g') r(run)
$$;

CREATE OR REPLACE FUNCTION jrerank.bigrams(document text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT coalesce(pg_catalog.string_agg(pg_catalog.substr(r.run, i, 2), ' ' ORDER BY r.number, i), '')
  FROM jrerank._runs(document) WITH ORDINALITY r(run, number),
    pg_catalog.generate_series(1, greatest(pg_catalog.length(r.run) - 1, 1)) i
$$;
COMMENT ON FUNCTION jrerank.bigrams(text) IS
  'Pairs of neighbouring letters and digits, in NFKC and lower case: tokens for to_tsvector(''simple'', ...) and BM25.';

-- What is called ------------------------------------------------------------------------------------------------------------------

-- What comes in may have collations of columns, several, and ones that refuse regular expressions; and names of the catalog have one of
-- their own, with which theirs can't be compared. So from here on it is the database's.

-- An array that is subscripted from 1.
CREATE OR REPLACE FUNCTION jrerank._from_1(given anyarray) RETURNS anyarray
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN ARRAY(SELECT u FROM unnest(given) u);  -- a composite as a whole: WITH ORDINALITY would take it apart
END
$$;

-- Never IMMUTABLE or STABLE: EXPLAIN would run it. And no part of a parallel query: in those nothing may be set, so that there would be
-- no status, no timeout of http's, and each call of a LATERAL would wait for a sidecar that is gone; and before PostgreSQL 17 no error is
-- caught. With a plan that knew the array, which is what a session's first five calls would have, each subscript would walk through it
-- from its begin.
CREATE OR REPLACE FUNCTION jrerank.rerank(
  query text, documents text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (index int, score real, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  sent text[];
  places int[];
  ranked jrerank._ranked[];
BEGIN
  IF array_ndims(documents) > 1 OR array_lower(documents, 1) <> 1 THEN
    documents := jrerank._from_1(documents);
  END IF;
  IF array_position(documents, NULL) IS NULL THEN
    sent := documents;
  ELSE
    SELECT array_agg(d.document ORDER BY d.ordinal), array_agg(d.ordinal::int ORDER BY d.ordinal) INTO sent, places
      FROM unnest(documents) WITH ORDINALITY AS d(document, ordinal) WHERE d.document IS NOT NULL;
  END IF;
  ranked := jrerank._rank(query COLLATE "default", 'texts', sent, places, coalesce(cardinality(documents), 0), top_n, timeout_ms,
    jrerank._options(NULL, NULL, top_n, model, fusion, max_tokens_per_doc), model);
  RETURN QUERY
    SELECT r.place, r.score, documents[r.place] FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank) ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank(text, text[], int, int, text, jsonb, int) IS
  'The documents in their new order, the best first. index counts from 1; score is NULL where the model has not read a document.';

-- One text is what any driver sends as it is, where it writes an array element by element. It is counted, and goes on to the sidecar as it
-- came, who takes nothing in it but texts: to take it apart would cost PostgreSQL 15 as much as everything else here. So no element is
-- decoded or looked at but for a null, which an array may have: it is left out where its word is anywhere.
CREATE OR REPLACE FUNCTION jrerank.rerank_json(
  query text, documents text, top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (index int, score real)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  total constant int := coalesce(json_array_length(documents::json), 0);
  places int[];
  ranked jrerank._ranked[];
BEGIN
  IF strpos(documents COLLATE "C", 'null') > 0 THEN
    SELECT '[' || string_agg(e.element::text, ',' ORDER BY e.ordinal) || ']', array_agg(e.ordinal::int ORDER BY e.ordinal)
      INTO documents, places
      FROM json_array_elements(documents::json) WITH ORDINALITY AS e(element, ordinal) WHERE json_typeof(e.element) <> 'null';
  END IF;
  ranked := jrerank._rank(query COLLATE "default", 'texts', NULL, places, total, top_n, timeout_ms,
    jrerank._options(NULL, NULL, top_n, model, fusion, max_tokens_per_doc), model, documents);
  RETURN QUERY SELECT r.place, r.score FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank) ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_json(text, text, int, int, text, jsonb, int) IS
  'As rerank, of documents as one JSON array of texts: the form that costs an application least.';

CREATE OR REPLACE FUNCTION jrerank.rerank_hits(
  query text, hits jrerank.hit[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id text, score real, rank int, first_rank int, first_score real, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  sent text[];
  places int[];
  scores real[];
  ranked jrerank._ranked[];
BEGIN
  IF array_ndims(hits) > 1 OR array_lower(hits, 1) <> 1 THEN
    hits := jrerank._from_1(hits);
  END IF;
  SELECT array_agg(h.passage ORDER BY h.ordinal), array_agg(h.ordinal::int ORDER BY h.ordinal),
         array_agg(CASE WHEN h.score BETWEEN '-3.4e38' AND '3.4e38' THEN h.score END ORDER BY h.ordinal)
    INTO sent, places, scores
    FROM unnest(hits) WITH ORDINALITY AS h(id, passage, score, ordinal) WHERE h.passage IS NOT NULL;
  ranked := jrerank._rank(query COLLATE "default", 'texts', sent, places, coalesce(cardinality(hits), 0), top_n, timeout_ms,
    jrerank._options(NULL, scores, top_n, model, fusion, max_tokens_per_doc), model);
  RETURN QUERY
    SELECT (hits[r.place]).id, r.score, r.rank::int, r.place, (hits[r.place]).score, r.score IS NOT NULL
    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank) ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_hits(text, jrerank.hit[], int, int, text, jsonb, int) IS
  'The hits in their new order, the best first. Collect them with the aggregate jrerank.hits.';

CREATE OR REPLACE FUNCTION jrerank.rerank_hits(
  query text, ids anyarray, passages text[], scores double precision[] DEFAULT NULL, top_n int DEFAULT NULL,
  timeout_ms int DEFAULT NULL, model text DEFAULT NULL, fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id anyelement, score real, rank int, first_rank int, first_score double precision, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  IF cardinality(passages) <> cardinality(ids) OR cardinality(scores) <> cardinality(ids) THEN
    RAISE EXCEPTION 'ids, passages and scores have % elements, which must be equally many',
      concat_ws(', ', cardinality(ids), cardinality(passages), cardinality(scores)) USING ERRCODE = 'array_subscript_error';
  END IF;
  ids := jrerank._from_1(ids);
  scores := jrerank._from_1(scores);
  RETURN QUERY
    SELECT ids[h.first_rank], h.score, h.rank, h.first_rank, scores[h.first_rank], h.scored
    FROM jrerank.rerank_hits(
      query,
      ARRAY(SELECT ROW(NULL, p.passage, jrerank._first_score(p.score))::jrerank.hit
            FROM unnest(passages, scores) WITH ORDINALITY AS p(passage, score, place) ORDER BY p.place),
      top_n, timeout_ms, model, fusion, max_tokens_per_doc) h
    ORDER BY h.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_hits(text, anyarray, text[], double precision[], int, int, text, jsonb, int) IS
  'The same of arrays: each id comes back in its own type.';

CREATE OR REPLACE FUNCTION jrerank.rerank_ids(
  query text, store text, ids text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id text, score real, rank int, first_rank int, first_score real, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  sent text[];
  places int[];
  ranked jrerank._ranked[];
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store: NULL is not the name of a store' USING ERRCODE = 'null_value_not_allowed',
      HINT = 'The sidecar''s settings name the stores that passages are fetched from.';
  END IF;
  ids := jrerank._from_1(ids);
  SELECT array_agg(i.id ORDER BY i.ordinal), array_agg(i.ordinal::int ORDER BY i.ordinal) INTO sent, places
    FROM unnest(ids) WITH ORDINALITY AS i(id, ordinal) WHERE i.id IS NOT NULL;
  ranked := jrerank._rank(query COLLATE "default", 'ids', sent, places, cardinality(ids), top_n, timeout_ms,
    jrerank._options(store, NULL, top_n, model, fusion, max_tokens_per_doc), model);
  RETURN QUERY
    SELECT ids[r.place], r.score, r.rank::int, r.place, NULL::real, r.score IS NOT NULL
    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank) ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_ids(text, text, text[], int, int, text, jsonb, int) IS
  'Like rerank, of ids alone: the sidecar fetches the passages from a store that its settings name.';

CREATE OR REPLACE FUNCTION jrerank.rerank_scores(
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

-- Several queries in each request, of up to 1,000 pairs.
CREATE OR REPLACE FUNCTION jrerank._attempt_many(
  queries text[], sent text[], total int, top_n int, timeout_ms int, options text, expected_model text
) RETURNS jrerank._outcome[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  sent_count int := coalesce(cardinality(sent), 0);
  asked int[] := ARRAY(SELECT q.ordinal FROM unnest(queries) WITH ORDINALITY AS q(query, ordinal)
                       WHERE q.query IS NOT NULL AND sent_count > 0 ORDER BY q.ordinal);
  at_once int := greatest(1, 1000 / greatest(1, sent_count));
  attempts jrerank._outcome[] := ARRAY(SELECT jrerank._unasked(q.query, total) FROM unnest(queries) AS q(query));
  part int[];
  answered jrerank._outcome[];
BEGIN
  FOR lowest IN 1..cardinality(asked) BY at_once LOOP
    part := asked[lowest : lowest + at_once - 1];
    answered := jrerank._attempt(ARRAY(SELECT queries[p] FROM unnest(part) p) COLLATE "default", 'texts', sent, NULL, sent_count, options,
      jrerank._deadline(timeout_ms, cardinality(part)), least(coalesce(top_n, sent_count), sent_count), expected_model);
    FOR number IN 1..cardinality(part) LOOP
      attempts[part[number]] := jrerank._judged(answered[number], sent_count, total);
    END LOOP;
  END LOOP;
  RETURN attempts;
END
$$;

-- What became of all of them: the worst, with the hits of all.
CREATE OR REPLACE FUNCTION jrerank._worst(attempts jrerank._outcome[]) RETURNS jrerank._outcome
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  worst jrerank._outcome;
BEGIN
  SELECT a.* INTO worst FROM unnest(attempts) a
    ORDER BY array_position(ARRAY['passthrough', 'partial', 'complete'], a.outcome) LIMIT 1;
  worst.outcome := coalesce(worst.outcome, 'complete');
  worst.ranked := ARRAY(SELECT r FROM unnest(attempts) a, unnest(a.ranked) r);
  RETURN worst;
END
$$;

CREATE OR REPLACE FUNCTION jrerank.rerank_many(
  queries text[], documents text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (query_index int, index int, score real, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  started timestamptz := clock_timestamp();
  sent text[];
  places int[];
  attempts jrerank._outcome[];
  worst jrerank._outcome;
BEGIN
  PERFORM jrerank._deadline(timeout_ms), jrerank._check_outcome(NULL);
  documents := jrerank._from_1(documents);
  queries := jrerank._from_1(queries);
  SELECT array_agg(d.document ORDER BY d.ordinal), array_agg(d.ordinal::int ORDER BY d.ordinal) INTO sent, places
    FROM unnest(documents) WITH ORDINALITY AS d(document, ordinal) WHERE d.document IS NOT NULL;
  attempts := jrerank._attempt_many(queries, sent, cardinality(documents), top_n, timeout_ms,
    jrerank._options(NULL, NULL, top_n, model, NULL, max_tokens_per_doc), model);
  worst := jrerank._worst(attempts);
  PERFORM jrerank._check_outcome(worst);
  PERFORM jrerank._report(started, cardinality(queries) * cardinality(documents), worst);
  RETURN QUERY
    SELECT q.query_index, r.place, r.score, documents[r.place]
    FROM generate_series(1, cardinality(queries)) AS q(query_index)
    CROSS JOIN LATERAL unnest(jrerank._all_ranked(attempts[q.query_index].ranked, places, cardinality(documents), top_n))
      WITH ORDINALITY AS r(place, score, rank)
    ORDER BY q.query_index, r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_many(text[], text[], int, int, text, int) IS
  'The documents in an order for each query. A request has up to 1,000 pairs; timeout_ms is of each query in it.';

-- A score for each row, of one request for all of them ---------------------------------------------------------------------------

-- A plain function would ask once for each row. As an aggregate over a window whose head moves, from the current row to the end,
-- it has all rows when it is asked for the first row's score; the row that leaves the window takes the state on to the next.

CREATE OR REPLACE FUNCTION jrerank._window_add(state jrerank._window, query text, document text) RETURNS jrerank._window
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF state IS NULL THEN
    state := ROW(query, '{}', NULL, 1);
  ELSIF state.scores IS NOT NULL THEN
    PERFORM jrerank._window_misused(state);
  ELSIF state.query COLLATE "C" IS DISTINCT FROM query COLLATE "C" THEN
    RAISE EXCEPTION 'rerank_score: the query is the same for all rows of a window' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'PARTITION BY the query in the window makes a request for each query.';
  END IF;
  state.documents := array_append(state.documents, document);
  RETURN state;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._window_misused(state jrerank._window) RETURNS real
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'rerank_score(query, document) needs OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)'
    USING ERRCODE = 'windowing_error', HINT = 'So it asks once for all rows. Its arguments may call no volatile function.';
END
$$;

-- What the first row's score came with; a final function may not change the state, so it is handed on in a setting.
CREATE OR REPLACE FUNCTION jrerank._window_scores(state jrerank._window) RETURNS real[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1  -- what is read back shall be what was written, a NULL too
SET array_nulls = on
AS $$
DECLARE
  mark text := concat_ws(' ', statement_timestamp(), md5(ROW(state.query, state.documents)::text));
  kept text[] := string_to_array(current_setting('jrerank.window', true), '|');
  scores real[];
BEGIN
  IF kept[1] = mark THEN
    RETURN kept[2]::real[];
  END IF;
  scores := jrerank.rerank_scores(state.query, state.documents);
  PERFORM set_config('jrerank.window', concat_ws('|', mark, scores::text), true);
  RETURN scores;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._window_remove(state jrerank._window, query text, document text) RETURNS jrerank._window
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN ROW(state.query, NULL, coalesce(state.scores, jrerank._window_scores(state)), state.place + 1)::jrerank._window;
END
$$;

CREATE OR REPLACE FUNCTION jrerank._window_score(state jrerank._window) RETURNS real
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (coalesce(state.scores, jrerank._window_scores(state)))[state.place];
END
$$;

CREATE AGGREGATE jrerank.rerank_score(query text, document text) (
  SFUNC = jrerank._window_add, STYPE = jrerank._window, FINALFUNC = jrerank._window_misused,
  MSFUNC = jrerank._window_add, MINVFUNC = jrerank._window_remove, MSTYPE = jrerank._window, MFINALFUNC = jrerank._window_score
);
COMMENT ON AGGREGATE jrerank.rerank_score(text, text) IS
  'A row''s score, of one request for all rows: rerank_score(query, document) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING).';

-- Search and rerank in one call -------------------------------------------------------------------------------------------------------

-- A name as it is written in a statement; NULL where the relation has no such column.
CREATE OR REPLACE FUNCTION jrerank._column(relation regclass, name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT format('t.%I', a.attname) FROM pg_attribute a
          WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped);
END
$$;

CREATE OR REPLACE FUNCTION jrerank._required_column(relation regclass, parameter text, name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found text := jrerank._column(relation, name);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION '%: % has no column %', parameter, relation, quote_literal(name) USING ERRCODE = 'undefined_column';
  END IF;
  RETURN found;
END
$$;

-- Statements that give ids as text and their rank: by BM25 where an index of pg_textsearch is on the tokens, else by a tsvector. $1 is
-- the query's tokens, $2 how many hits.
CREATE OR REPLACE FUNCTION jrerank._text_stage(relation regclass, id text, tokens text, tokens_column text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bm25 record;
BEGIN
  SELECT i.indexrelid::regclass::text AS index, n.nspname AS schema INTO bm25
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    JOIN pg_extension e ON e.extname = 'pg_textsearch' JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE i.indrelid = relation AND am.amname = 'bm25' AND i.indisvalid AND a.attname = tokens_column
    ORDER BY i.indexrelid LIMIT 1;
  IF bm25.index IS NOT NULL THEN
    RETURN format(
      'SELECT h.id, row_number() OVER (ORDER BY h.distance, h.id) AS rank FROM (SELECT %1$s AS id, %2$s OPERATOR(%3$I.<@>) %3$I.to_bm25query($1, %4$L) AS distance'
      ' FROM %5$s t ORDER BY %2$s OPERATOR(%3$I.<@>) %3$I.to_bm25query($1, %4$L) LIMIT $2) h WHERE h.distance < 0',
      id, tokens, bm25.schema, bm25.index, relation);
  END IF;
  RETURN format(
    'SELECT h.id, row_number() OVER (ORDER BY h.score DESC, h.id) AS rank FROM (SELECT %1$s AS id, ts_rank(to_tsvector(''simple'', %2$s), q.q, 1) AS score'
    ' FROM %3$s t, cast(replace(plainto_tsquery(''simple'', $1)::text, ''&'', ''|'') AS tsquery) q(q) WHERE to_tsvector(''simple'', %2$s) @@ q.q'
    ' ORDER BY score DESC LIMIT $2) h', id, tokens, relation);
END
$$;

-- By pgvector's cosine distance. $3 is the query's vector.
CREATE OR REPLACE FUNCTION jrerank._vector_stage(relation regclass, id text, embedding text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  vector text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector');
BEGIN
  IF vector IS NULL THEN
    RAISE EXCEPTION 'vector: this database has no pgvector: CREATE EXTENSION vector' USING ERRCODE = 'undefined_object';
  END IF;
  RETURN format(
    'SELECT h.id, row_number() OVER (ORDER BY h.distance, h.id) AS rank FROM (SELECT %1$s AS id, %2$s OPERATOR(%3$I.<=>) $3::%3$I.vector AS distance'
    ' FROM %4$s t ORDER BY %2$s OPERATOR(%3$I.<=>) $3::%3$I.vector LIMIT $2) h', id, embedding, vector, relation);
END
$$;

-- With the caller's own rights; what comes in as a name goes into the statement as a quoted name, everything else as a parameter.
CREATE OR REPLACE FUNCTION jrerank.search(
  query text, relation regclass, vector text DEFAULT NULL, top_n int DEFAULT 10, candidates int DEFAULT 50,
  timeout_ms int DEFAULT NULL, id_column text DEFAULT 'id', text_column text DEFAULT 'text', tokens_column text DEFAULT 'tokens',
  vector_column text DEFAULT 'embedding'
)
RETURNS TABLE (id text, score real, rank int, first_rank int, scored boolean, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000 ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  id_sql text := jrerank._required_column(relation, 'id_column', id_column COLLATE "default");
  text_sql text := jrerank._required_column(relation, 'text_column', text_column COLLATE "default");
  tokens_sql text := coalesce(jrerank._column(relation, tokens_column COLLATE "default"), format('jrerank.bigrams(%s)', text_sql));
  stages text := jrerank._text_stage(relation, id_sql, tokens_sql, tokens_column COLLATE "default");
  found record;
BEGIN
  PERFORM jrerank._check_at_least_1('top_n', top_n), jrerank._check_at_least_1('candidates', candidates);
  IF vector IS NOT NULL THEN
    stages := format('(%s) UNION ALL (%s)', stages,
      jrerank._vector_stage(relation, id_sql, jrerank._required_column(relation, 'vector_column', vector_column COLLATE "default")));
  END IF;
  -- Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)
  EXECUTE format(
    'SELECT array_agg(f.id::text ORDER BY f.rrf DESC, f.id) AS ids, array_agg(%1$s::text ORDER BY f.rrf DESC, f.id) AS passages,'
    ' array_agg(f.rrf::float8 ORDER BY f.rrf DESC, f.id) AS scores'
    ' FROM (SELECT s.id, sum(1.0 / (60 + s.rank)) AS rrf FROM (%2$s) s GROUP BY s.id ORDER BY rrf DESC, s.id LIMIT $2) f'
    ' JOIN %3$s t ON %4$s = f.id', text_sql, stages, relation, id_sql)
    INTO found USING jrerank.bigrams(query), candidates, vector;
  RETURN QUERY
    SELECT h.id, h.score, h.rank, h.first_rank, h.scored, found.passages[h.first_rank]
    FROM jrerank.rerank_hits(query, found.ids, found.passages, found.scores, top_n, timeout_ms) h ORDER BY h.rank;
END
$$;
COMMENT ON FUNCTION jrerank.search(text, regclass, text, int, int, int, text, text, text, text) IS
  'Full text (BM25 or tsvector), fused with pgvector where a vector is given, and reranked.';

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
