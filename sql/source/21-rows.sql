
-- What goes to the sidecar and what comes back: rows, in place of arrays that would have to be kept in step

CREATE TYPE jrerank._answered AS (outcome text, reason text, missing text[], first_ranks int[], scores double precision[]);
CREATE TYPE jrerank._ranked AS (place int, score real);
CREATE TYPE jrerank._outcome AS (
  ranked jrerank._ranked[], outcome text, reason text, detail text, transport text, model text, sidecar_ms real, missing text[]
);
CREATE TYPE jrerank._window AS (query text, documents text[], scores real[], place int);
