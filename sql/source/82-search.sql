
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
