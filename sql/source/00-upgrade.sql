-- From 0.1.0 ------------------------------------------------------------------------------------------------------------------------

-- rerank(query, hits) has a name of its own: drivers send parameters of no type, and rerank($1, $2) was ambiguous. What uses it goes on.
ALTER FUNCTION jrerank.rerank(text, jrerank.hit[], int, int, text, jsonb, int) RENAME TO rerank_hits;

-- What only these functions call, but for what an aggregate is made of
DO $old$
DECLARE
  function pg_catalog.regprocedure;
BEGIN
  FOR function IN
    SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'jrerank'::pg_catalog.regnamespace AND p.proname ~ '^_' AND p.proname <> '_append_hit'
  LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', function);
  END LOOP;
END
$old$;
