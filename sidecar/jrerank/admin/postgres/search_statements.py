"""The SQL of a search, stage by stage; put together it is one statement.

Each stage is a common table expression with the columns id, score and rank (from 1), best first. {table} is a name, quoted.
Parameters: `tokens` (the query's, with spaces between), `vector`, `window` (hits that a stage hands on), `query`, `top_n`,
`timeout_ms`.
"""

from __future__ import annotations

# The operator gives the negative BM25 score, so that an ascending index scan has the best first; 0 is no match
BY_BM25 = """
text_hits as (
    select id, -distance as score, row_number() over (order by distance, id) as rank
    from (
        select id, tokens <@> to_bm25query(%(tokens)s, {index}) as distance
        from {table} order by tokens <@> to_bm25query(%(tokens)s, {index}) limit %(window)s
    ) found
    where distance < 0
)"""

# Any of the tokens will do, as with BM25; plainto_tsquery wants all, so its `&` become `|`
BY_TSVECTOR = """
text_hits as (
    select id, score, row_number() over (order by score desc, id) as rank
    from (
        select id, ts_rank(to_tsvector('simple', tokens), asked, 1)::double precision as score
        from {table}, cast(replace(plainto_tsquery('simple', %(tokens)s)::text, '&', '|') as tsquery) as asked
        where to_tsvector('simple', tokens) @@ asked
        order by score desc, id limit %(window)s
    ) found
)"""

BY_VECTOR = """
vector_hits as (
    select id, 1 - distance as score, row_number() over (order by distance, id) as rank
    from (
        select id, embedding <=> %(vector)s::vector as distance
        from {table} order by embedding <=> %(vector)s::vector limit %(window)s
    ) found
)"""

TEXT_ALONE = """
first_stage as (
    select id, score, rank from text_hits
)"""

# Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)
BOTH_FUSED = """
first_stage as (
    select id, score, row_number() over (order by score desc, id) as rank
    from (
        select id, sum(1.0 / (60 + rank))::double precision as score
        from (select id, rank from text_hits union all select id, rank from vector_hits) ranks
        group by id order by score desc, id limit %(window)s
    ) fused
)"""

SHOW_FIRST_STAGE = """
select first_stage.rank, first_stage.rank as first_rank, first_stage.score, passages.id, passages.text
from first_stage join {table} passages using (id)
order by first_stage.rank limit %(top_n)s"""

# Hits that could not be reranked come back in the order they had; jrerank.rerank_status() says why
RERANK = """
select hits.rank, hits.first_rank, hits.score, passages.id, passages.text
from jrerank.rerank_hits(
    %(query)s,
    (
        select jrerank.hits(jrerank.hit(id, text, first_stage.score) order by first_stage.rank)
        from first_stage join {table} using (id)
    ),
    top_n => %(top_n)s::int, timeout_ms => %(timeout_ms)s::int
) hits join {table} passages using (id)
order by hits.rank"""


# For measuring: where each stage puts a hit, NULL where it does not have it
RANKS = """,
reranked as (
    select id, rank from jrerank.rerank_hits(
        %(query)s,
        (
        select jrerank.hits(jrerank.hit(id, text, first_stage.score) order by first_stage.rank)
        from first_stage join {table} using (id)
    ),
        timeout_ms => %(timeout_ms)s::int
    )
),
fused as (
    select id, rank from jrerank.rerank_hits(
        %(query)s,
        (
        select jrerank.hits(jrerank.hit(id, text, first_stage.score) order by first_stage.rank)
        from first_stage join {table} using (id)
    ),
        timeout_ms => %(timeout_ms)s::int, fusion => '{{"method": "rrf"}}'
    )
)
select id, text_hits.rank, vector_hits.rank, first_stage.rank, reranked.rank, fused.rank
from text_hits full join vector_hits using (id) full join first_stage using (id)
    full join reranked using (id) full join fused using (id)"""

KEEP_STATUS = "set jrerank.status = 'session'"  # nobody else uses this connection
OUTCOME = "select outcome, reason, detail from jrerank.rerank_status()"
