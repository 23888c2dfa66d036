
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
