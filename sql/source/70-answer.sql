
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
