
CREATE AGGREGATE jrerank.rerank_score(query text, document text) (
  SFUNC = jrerank._window_add, STYPE = jrerank._window, FINALFUNC = jrerank._window_misused,
  MSFUNC = jrerank._window_add, MINVFUNC = jrerank._window_remove, MSTYPE = jrerank._window, MFINALFUNC = jrerank._window_score
);
COMMENT ON AGGREGATE jrerank.rerank_score(text, text) IS
  'A row''s score, of one request for all rows: rerank_score(query, document) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING).';
