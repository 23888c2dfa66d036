
-- What became of it ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION jrerank.rerank_status()
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
COMMENT ON FUNCTION jrerank.rerank_status() IS
  'What became of the last call of this transaction, or of this session with jrerank.status = session; no row before the first one.';

-- The sidecar's answer, checked: the hits that it scored, in their new order. It raises an error, of whatever kind, when the answer
-- is not one for these hits: each place once, with its id, and a finite score where it says that there is one.
CREATE OR REPLACE FUNCTION jrerank._read_answer(answer text, sent jrerank._sent[], expected int) RETURNS jrerank._outcome
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
  result jrerank._outcome;
  hits json;
  valid boolean;
BEGIN
  SELECT a.outcome, a.reason, a.model, a.took_ms, a.missing, a.hits
    INTO result.outcome, result.reason, result.model, result.sidecar_ms, result.missing, hits
    FROM json_to_record(answer::json) AS a(outcome text, reason text, model text, took_ms real, missing text[], hits json);
  SELECT
    count(*) = expected AND count(DISTINCT h.first_rank) = expected
      AND count(DISTINCT h.rank) = expected AND min(h.rank) = 1 AND max(h.rank) = expected
      AND bool_and(coalesce(h.id = s.id, false))
      AND bool_and(coalesce(CASE WHEN h.scored THEN h.score BETWEEN '-3e38' AND '3e38' ELSE h.score IS NULL END, false))
      AND bool_and(h.scored IS NOT NULL)
      AND CASE result.outcome WHEN 'complete' THEN bool_and(h.scored) WHEN 'passthrough' THEN NOT bool_or(h.scored)
        ELSE result.outcome = 'partial' END,
    coalesce(array_agg(ROW(s.place, jrerank._first_score(h.score))::jrerank._ranked ORDER BY h.rank) FILTER (WHERE h.scored), '{}')
    INTO valid, result.ranked
    FROM json_to_recordset(hits) AS h(id text, score double precision, rank int, first_rank int, scored boolean)
    LEFT JOIN unnest(sent) WITH ORDINALITY AS s(place, id, number) ON s.number = h.first_rank;
  IF valid IS NOT TRUE THEN
    RAISE EXCEPTION 'the answer does not fit the hits that were sent';
  END IF;
  RETURN result;
END
$$;

-- A statement that calls many times (LATERAL) must not wait for a sidecar that is gone each time: when a call of it got no answer,
-- the others of the next 5 s don't ask.
CREATE OR REPLACE FUNCTION jrerank._gave_up() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mark text[] := string_to_array(nullif(current_setting('jrerank.gave_up', true), ''), '|');
BEGIN
  RETURN CASE WHEN mark[1]::timestamptz = statement_timestamp() AND mark[2]::timestamptz > clock_timestamp() - interval '5 s'
    THEN mark[3] END;
END
$$;

-- One attempt at the sidecar. Nothing that it does raises an error here: `reason` says what was wrong, and then nothing is ranked.
CREATE OR REPLACE FUNCTION jrerank._attempt(
  body text, deadline timestamptz, sent jrerank._sent[], expected int, expected_model text
) RETURNS jrerank._outcome
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  route record := jrerank._route();
  failed jrerank._outcome;
  read jrerank._outcome;
  answer text;
BEGIN
  failed.outcome := 'passthrough';
  failed.reason := jrerank._gave_up();
  IF failed.reason IS NOT NULL THEN
    failed.detail := 'a call of the same statement got no answer just now';
    RETURN failed;
  END IF;
  SELECT a.* INTO answer, failed.reason, failed.detail, failed.transport
    FROM jrerank._ask(body, deadline, route.transport, route.server, route.url) a;
  IF failed.reason IN ('timeout', 'unreachable') THEN
    PERFORM set_config('jrerank.gave_up', concat_ws('|', statement_timestamp(), clock_timestamp(), failed.reason), true);
  END IF;
  IF failed.reason IS NOT NULL THEN
    RETURN failed;
  END IF;
  BEGIN
    read := jrerank._read_answer(answer, sent, expected);
    read.transport := failed.transport;
    IF read.model IS NOT DISTINCT FROM coalesce(expected_model, read.model) THEN
      RETURN read;
    END IF;
    failed.reason := 'wrong_model';
    failed.model := read.model;
    failed.detail := format('the sidecar scored with %s, not with %s', read.model, expected_model);
  EXCEPTION WHEN OTHERS THEN
    failed.reason := 'bad_answer';
    failed.detail := SQLERRM;
  END;
  RETURN failed;
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
  message text := format('jrerank: %s (%s)', attempt.outcome, concat_ws(': ', attempt.reason, attempt.detail));
BEGIN
  PERFORM set_config('jrerank.last_status', json_build_object(
    'outcome', attempt.outcome, 'reason', attempt.reason, 'detail', attempt.detail, 'transport', attempt.transport,
    'model', attempt.model, 'documents', total, 'scored', coalesce(cardinality(attempt.ranked), 0),
    'missing', attempt.missing[:100], 'sidecar_ms', attempt.sidecar_ms,
    'elapsed_ms', extract(epoch FROM clock_timestamp() - started) * 1000, 'at', clock_timestamp()
  )::text, kept = 'transaction');
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

-- The way through: what was asked goes in, and the places of the `top_n` first of all hits come out in their new order, with
-- the scores of those at the front that have one. `elements` are the hits as JSON, `sent` which of the `total` they are.
CREATE OR REPLACE FUNCTION jrerank._rank(
  query text, elements text, sent jrerank._sent[], total int,
  store text, top_n int, timeout_ms int, expected_model text, fusion jsonb, max_tokens_per_doc int
) RETURNS jrerank._ranked[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  started timestamptz := clock_timestamp();
  deadline timestamptz := jrerank._deadline(timeout_ms);
  sent_count int := coalesce(cardinality(sent), 0);
  wanted int := least(coalesce(top_n, total), total);
  attempt jrerank._outcome;
  ranked jrerank._ranked[];
BEGIN
  PERFORM jrerank._check_at_least_1('top_n', top_n), jrerank._check_at_least_1('max_tokens_per_doc', max_tokens_per_doc);
  PERFORM jrerank._check_outcome(attempt);
  IF total > 0 AND sent_count > 0 AND query IS NOT NULL THEN
    attempt := jrerank._attempt(
      '{"query":' || to_json(query)::text || ',"hits":[' || elements || ']'
        || coalesce(',"store":' || to_json(store)::text, '') || coalesce(',"top_n":' || top_n, '')
        || coalesce(',"model":' || to_json(expected_model)::text, '') || coalesce(',"fusion":' || fusion::text, '')
        || coalesce(',"max_tokens_per_doc":' || max_tokens_per_doc, ''),
      deadline, sent, least(coalesce(top_n, sent_count), sent_count), expected_model);
    IF attempt.outcome = 'complete' AND sent_count < total THEN
      attempt.outcome := 'partial';
      attempt.reason := 'missing_passages';
    END IF;
  ELSE
    attempt.outcome := CASE WHEN total = 0 THEN 'complete' ELSE 'passthrough' END;
    attempt.reason := CASE WHEN total = 0 THEN NULL WHEN query IS NULL THEN 'null_query' ELSE 'missing_passages' END;
  END IF;
  PERFORM jrerank._check_outcome(attempt);
  PERFORM jrerank._report(started, total, attempt);
  ranked := coalesce(attempt.ranked, '{}');
  IF cardinality(ranked) < wanted THEN
    ranked := ranked || ARRAY(
      SELECT ROW(o.place, NULL)::jrerank._ranked
      FROM (SELECT generate_series(1, total) AS place EXCEPT SELECT r.place FROM unnest(ranked) r) o
      ORDER BY o.place LIMIT wanted - cardinality(ranked)
    );
  END IF;
  RETURN ranked;
END
$$;
