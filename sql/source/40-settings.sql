
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
