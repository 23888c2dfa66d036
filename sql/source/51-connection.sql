
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
