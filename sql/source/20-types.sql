
-- What a search found -----------------------------------------------------------------------------------------------------

CREATE TYPE jrerank.hit AS (id text, passage text, score real);
COMMENT ON TYPE jrerank.hit IS 'A hit of the first stage: its id, its passage, and its score there, if it has one.';
