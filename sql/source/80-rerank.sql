
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
