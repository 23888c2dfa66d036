
-- dblink: the sidecar's PostgreSQL-wire door ------------------------------------------------------------------------------------

-- Waits until dblink has a result, or until the deadline. dblink itself waits without looking at statement_timeout before
-- PostgreSQL 17, and at no deadline of ours ever, so that it is polled: at first without sleeping, then more and more calmly, ten
-- times in one statement, since most of what a poll costs is to begin one.
CREATE OR REPLACE FUNCTION jrerank._dblink_wait(dblink text, connection text, deadline timestamptz) RETURNS boolean
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
CREATE OR REPLACE FUNCTION jrerank._dblink_result(
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

-- One text to the sidecar, and its answer. `state` is an SQLSTATE, or timeout.
CREATE OR REPLACE FUNCTION jrerank._dblink_query(
  dblink text, connection text, query text, deadline timestamptz, OUT answer text, OUT state text, OUT message text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  sent int;
BEGIN
  EXECUTE format('SELECT %I.dblink_send_query($1, $2)', dblink) INTO sent USING connection, query;
  IF sent = 0 THEN
    state := '08006';
    EXECUTE format('SELECT %I.dblink_error_message($1)', dblink) INTO message USING connection;
    RETURN;
  END IF;
  SELECT * INTO answer, state, message FROM jrerank._dblink_result(dblink, connection, deadline);
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
LANGUAGE sql VOLATILE
AS $$
  SELECT greatest(1, ms - least(greatest(ms / 10, 5), 200)) FROM (SELECT jrerank._remaining_ms(deadline) AS ms) remaining
$$;
