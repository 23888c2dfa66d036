
-- What is called ------------------------------------------------------------------------------------------------------------------

-- Never IMMUTABLE or STABLE: EXPLAIN would run it. And no part of a parallel query: in those nothing may be set, and before
-- PostgreSQL 17 no error caught. Without nested loops 10,000 documents take milliseconds. The planner then
-- takes small statements for expensive ones and would compile them: for seconds, on PostgreSQL 15.
CREATE OR REPLACE FUNCTION jrerank.rerank(
  query text, documents text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (index int, score real, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
AS $$
DECLARE
  elements text;
  sent jrerank._sent[];
  ranked jrerank._ranked[];
BEGIN
  SELECT string_agg('{"id":"' || d.ordinal || '","text":' || to_json(d.document)::text || '}', ','),
         array_agg(ROW(d.ordinal, d.ordinal)::jrerank._sent)
    INTO elements, sent
    FROM unnest(documents) WITH ORDINALITY AS d(document, ordinal) WHERE d.document IS NOT NULL;
  ranked := jrerank._rank(query, elements, sent, coalesce(cardinality(documents), 0),
    NULL, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT r.place, r.score, d.document
    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(documents) WITH ORDINALITY AS d(document, ordinal) ON d.ordinal = r.place
    ORDER BY r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank(text, text[], int, int, text, jsonb, int) IS
  'The documents in their new order, the best first. index counts from 1; score is NULL where the model has not read a document.';

CREATE OR REPLACE FUNCTION jrerank.rerank_hits(
  query text, hits jrerank.hit[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  fusion jsonb DEFAULT NULL, max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (id text, score real, rank int, first_rank int, first_score real, scored boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  elements text;
  sent jrerank._sent[];
  ranked jrerank._ranked[];
BEGIN
  SELECT string_agg('{"id":"' || h.ordinal || '","text":' || to_json(h.passage)::text
           || CASE WHEN h.score BETWEEN '-3.4e38' AND '3.4e38' THEN ',"score":' || h.score ELSE '' END || '}', ','),
         array_agg(ROW(h.ordinal, h.ordinal)::jrerank._sent)
    INTO elements, sent
    FROM unnest(hits) WITH ORDINALITY AS h(id, passage, score, ordinal) WHERE h.passage IS NOT NULL;
  ranked := jrerank._rank(query, elements, sent, coalesce(cardinality(hits), 0),
    NULL, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT h.id, r.score, r.rank::int, r.place, h.score, r.score IS NOT NULL
    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(hits) WITH ORDINALITY AS h(id, passage, score, ordinal) ON h.ordinal = r.place
    ORDER BY r.rank;
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
AS $$
#variable_conflict use_column
BEGIN
  IF cardinality(passages) <> cardinality(ids) OR cardinality(scores) <> cardinality(ids) THEN
    RAISE EXCEPTION 'ids, passages and scores have % elements, which must be equally many',
      concat_ws(', ', cardinality(ids), cardinality(passages), cardinality(scores)) USING ERRCODE = 'array_subscript_error';
  END IF;
  RETURN QUERY
    SELECT ids[h.first_rank + array_lower(ids, 1) - 1], h.score, h.rank, h.first_rank,
      scores[h.first_rank + array_lower(scores, 1) - 1], h.scored
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
SET enable_nestloop = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  elements text;
  sent jrerank._sent[];
  ranked jrerank._ranked[];
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store: NULL is not the name of a store' USING ERRCODE = 'null_value_not_allowed',
      HINT = 'The sidecar''s settings name the stores that passages are fetched from.';
  END IF;
  SELECT string_agg('{"id":' || to_json(i.id)::text || '}', ','), array_agg(ROW(i.ordinal, i.id)::jrerank._sent)
    INTO elements, sent
    FROM unnest(ids) WITH ORDINALITY AS i(id, ordinal) WHERE i.id IS NOT NULL;
  ranked := jrerank._rank(query, elements, sent, coalesce(cardinality(ids), 0),
    store, top_n, timeout_ms, model, fusion, max_tokens_per_doc);
  RETURN QUERY
    SELECT i.id, r.score, r.rank::int, r.place, NULL::real, r.score IS NOT NULL
    FROM unnest(ranked) WITH ORDINALITY AS r(place, score, rank)
    JOIN unnest(ids) WITH ORDINALITY AS i(id, ordinal) ON i.ordinal = r.place
    ORDER BY r.rank;
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

CREATE OR REPLACE FUNCTION jrerank.rerank_many(
  queries text[], documents text[], top_n int DEFAULT NULL, timeout_ms int DEFAULT NULL, model text DEFAULT NULL,
  max_tokens_per_doc int DEFAULT NULL
)
RETURNS TABLE (query_index int, index int, score real, document text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT q.ordinal::int, r.index, r.score, r.document
    FROM unnest(queries) WITH ORDINALITY AS q(query, ordinal)
    CROSS JOIN LATERAL jrerank.rerank(q.query, documents, top_n, timeout_ms, model, NULL, max_tokens_per_doc)
      WITH ORDINALITY AS r(index, score, document, rank)
    ORDER BY q.ordinal, r.rank;
END
$$;
COMMENT ON FUNCTION jrerank.rerank_many(text[], text[], int, int, text, int) IS
  'The documents in an order for each query. A request for each; timeout_ms is of each.';

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
  ELSIF state.query IS DISTINCT FROM query THEN
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
