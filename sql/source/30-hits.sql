
CREATE OR REPLACE FUNCTION jrerank.version() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '@VERSION@'::pg_catalog.text $$;
COMMENT ON FUNCTION jrerank.version() IS 'The version of these functions, also where they are no extension.';

-- A score that the type real can't hold: what is too large counts as none, what is too small as 0
CREATE OR REPLACE FUNCTION jrerank._first_score(score double precision) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN pg_catalog.abs(score) < 1e-44 THEN 0::pg_catalog.float4
              WHEN score BETWEEN -3.4e38 AND 3.4e38 THEN score::pg_catalog.float4 END
$$;

-- Not IMMUTABLE: how a timestamp is written is for the session to say
CREATE OR REPLACE FUNCTION jrerank.hit(id anyelement, passage text, score double precision DEFAULT NULL) RETURNS jrerank.hit
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT ROW(id::pg_catalog.text, passage, jrerank._first_score(score))::jrerank.hit $$;
COMMENT ON FUNCTION jrerank.hit(anyelement, text, double precision) IS 'One hit, of an id of any type.';

CREATE OR REPLACE FUNCTION jrerank._append_hit(hits jrerank.hit[], id anyelement, passage text, score double precision)
RETURNS jrerank.hit[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Assigned to itself it is appended to; returned at once, it would be copied for that, too
  hits := array_append(hits, ROW(id::text, passage, jrerank._first_score(score))::jrerank.hit);
  RETURN hits;
END
$$;

