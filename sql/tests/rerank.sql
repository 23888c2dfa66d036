-- rerank(query, documents), rerank(query, hits), rerank_ids, rerank_scores: what comes back, and in which order.
-- Run by pg_prove in a database where the extension asks a sidecar with the bundled model and no stores.
BEGIN;
SELECT plan(26);

PREPARE reranked AS SELECT index, document FROM jrerank.rerank('富士山の高さ', ARRAY['味噌汁の作り方', '富士山の標高は3776メートルである'], timeout_ms => 20000);
SELECT results_eq('reranked', $$VALUES (2, '富士山の標高は3776メートルである'), (1, '味噌汁の作り方')$$, 'the best document comes first, with its index from 1');
SELECT results_eq('SELECT outcome, reason, model, documents, scored FROM jrerank.rerank_status()', $$VALUES ('complete', NULL::text, 'bundled', 2, 2)$$, 'the status tells of the last call');
SELECT ok(bool_and(score BETWEEN 0 AND 1), 'scores are between 0 and 1') FROM jrerank.rerank('富士山', ARRAY['山', '川', '']);
SELECT is(count(*), 2::bigint, 'top_n rows come back') FROM jrerank.rerank('富士山', ARRAY['山', '川', '海'], top_n => 2);
SELECT is(count(*), 3::bigint, 'a top_n beyond the end is no mistake') FROM jrerank.rerank('富士山', ARRAY['山', '川', '海'], top_n => 20);
SELECT throws_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'], top_n => 0)$$, '22023', 'top_n: 0 is not at least 1');
SELECT throws_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'], timeout_ms => 0)$$, '22023', 'timeout_ms: 0 is not between 1 and 86400000');
SELECT throws_ok($$SELECT * FROM jrerank.rerank('q', ARRAY['a'], max_tokens_per_doc => -1)$$, '22023', 'max_tokens_per_doc: -1 is not at least 1');

-- NULL and nothing
SELECT is_empty($$SELECT * FROM jrerank.rerank('q', NULL::text[])$$, 'a NULL array has no rows');
SELECT is_empty($$SELECT * FROM jrerank.rerank('q', '{}'::text[])$$, 'an empty array has no rows');
SELECT is(outcome, 'complete', 'and nothing is missing from it') FROM jrerank.rerank_status();
SELECT results_eq($$SELECT index, score FROM jrerank.rerank(NULL, ARRAY['a', 'b'])$$, $$VALUES (1, NULL::real), (2, NULL)$$, 'a NULL query keeps the old order');
SELECT is(reason, 'null_query', 'and says why') FROM jrerank.rerank_status();
SELECT results_eq($$SELECT index FROM jrerank.rerank('q', ARRAY[NULL, NULL]::text[])$$, $$VALUES (1), (2)$$, 'nothing but NULL elements keep the old order');
SELECT results_eq($$SELECT index, score IS NULL FROM jrerank.rerank('q', ARRAY[NULL, 'a', NULL]::text[])$$, $$VALUES (2, false), (1, true), (3, true)$$, 'NULL elements come last, unscored, in their old order');
SELECT is(outcome || ' ' || reason, 'partial missing_passages', 'and are said to be missing') FROM jrerank.rerank_status();
SELECT results_eq($$SELECT index, score IS NULL FROM jrerank.rerank('q', ARRAY[NULL, 'a', NULL]::text[], top_n => 2)$$, $$VALUES (2, false), (1, true)$$, 'also below top_n');

-- Duplicates keep their order
SELECT results_eq($$SELECT index FROM jrerank.rerank('q', ARRAY['同じ', '同じ', '同じ'])$$, $$VALUES (1), (2), (3)$$, 'equal documents keep their order');
SELECT results_eq($$SELECT id, first_rank FROM jrerank.rerank_hits('q', ARRAY[ROW('x', '同じ', 2), ROW('x', '同じ', 1)]::jrerank.hit[])$$, $$VALUES ('x', 1), ('x', 2)$$, 'equal ids are hits of their own');

-- Hits
SELECT is(jrerank.hits(id, passage, score ORDER BY score DESC), ARRAY[ROW('2', 'b', 9), ROW('1', 'a', 0.5)]::jrerank.hit[], 'hits collects in order, ids of any type')
  FROM (VALUES (1, 'a', 0.5), (2, 'b', 9)) v(id, passage, score);
SELECT is(jrerank.hits(jrerank.hit(id, passage)), ARRAY[ROW('1', 'a', NULL), ROW('2', 'b', NULL)]::jrerank.hit[], 'scores may be left out')
  FROM (VALUES (1, 'a'), (2, 'b')) v(id, passage);
SELECT results_eq(
  $$SELECT id, rank, first_rank, first_score, scored FROM jrerank.rerank_hits('富士山の高さ', (
      SELECT jrerank.hits(id, passage, score ORDER BY score DESC) FROM (VALUES (7, '味噌汁の作り方', 2), (8, '富士山の標高は3776メートルである', 1)) v(id, passage, score)))$$,
  $$VALUES ('8', 1, 2, 1::real, true), ('7', 2, 1, 2, true)$$, 'a hit keeps its id, its first rank and its first score');
SELECT results_eq(
  $$SELECT id FROM jrerank.rerank_hits('富士山の高さ', ARRAY[ROW('a', '味噌汁の作り方', 1e6), ROW('b', '富士山の標高は3776メートルである', 'NaN')]::jrerank.hit[], fusion => '{"method": "linear", "weight": 1}')$$,
  $$VALUES ('a'), ('b')$$, 'fusion takes the first stage in; a score that is no number counts as none');

-- Stores, and scores alone
SELECT results_eq($$SELECT id, first_rank, scored FROM jrerank.rerank_ids('q', 'nowhere', ARRAY['x', NULL, 'y'])$$, $$VALUES ('x', 1, false), (NULL, 2, false), ('y', 3, false)$$, 'an unknown store keeps the old order');
SELECT is(reason, 'rejected', 'and is told of') FROM jrerank.rerank_status();
SELECT results_eq($$SELECT s[1] < s[3], s[2] IS NULL, cardinality(s) FROM jrerank.rerank_scores('富士山の高さ', ARRAY['味噌汁の作り方', NULL, '富士山の標高は3776メートルである']) s$$, $$VALUES (true, true, 3)$$, 'scores come in the order of the documents');

SELECT * FROM finish();
ROLLBACK;
