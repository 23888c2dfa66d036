
CREATE OR REPLACE AGGREGATE jrerank.hits(jrerank.hit) (
  SFUNC = pg_catalog.array_append, STYPE = jrerank.hit[], INITCOND = '{}', PARALLEL = SAFE
);
COMMENT ON AGGREGATE jrerank.hits(jrerank.hit) IS
  'Collects any number of hits for rerank_hits, in the order of its input: hits(hit(id, passage, score) ORDER BY score DESC).';

-- A function of SQL copies what has been collected with each hit: 1 ms for 100 hits of 300 characters, 400 ms for 1,000
CREATE OR REPLACE AGGREGATE jrerank.hits(id anyelement, passage text, score double precision) (
  SFUNC = jrerank._append_hit, STYPE = jrerank.hit[], INITCOND = '{}', PARALLEL = SAFE
);
COMMENT ON AGGREGATE jrerank.hits(anyelement, text, double precision) IS
  'Collects at most a few hundred hits: hits(hit(id, passage, score)) is faster.';
