
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
