"""The SQL of `postgres index`. {table} and {index} are names, quoted; everything else is a parameter."""

from __future__ import annotations

# Tokens are made outside, since no configuration that ships with PostgreSQL divides Japanese into words
CREATE_TABLE = "create table if not exists {table} (id text primary key, text text not null)"
ADD_TOKENS = "alter table {table} add column if not exists tokens text not null default ''"
ADD_VECTORS = "alter table {table} add column if not exists embedding vector({dimensions})"

# What is there already, in the same words, is not tokenized and sent again: so a load that broke off is resumed
KNOWN = "select id, md5(text), {embedding} from {table} where id = any(%(ids)s)"

STAGE = "create temp table if not exists jrerank_staged (id text, text text, tokens text, embedding text)"
COPY = "copy jrerank_staged (id, text, tokens, embedding) from stdin"
MERGE = """
with staged as (delete from jrerank_staged returning *)
insert into {table} (id, text, tokens) select id, text, tokens from staged
on conflict (id) do update set text = excluded.text, tokens = excluded.tokens
"""
MERGE_WITH_VECTORS = """
with staged as (delete from jrerank_staged returning *)
insert into {table} (id, text, tokens, embedding) select id, text, tokens, embedding::vector from staged
on conflict (id) do update set text = excluded.text, tokens = excluded.tokens, embedding = excluded.embedding
"""

# Real BM25 where the server has it, else an inverted index whose ranking knows no document frequency
BM25_INDEX = "create index if not exists {index} on {table} using bm25 (tokens) with (text_config = 'simple')"
GIN_INDEX = "create index if not exists {index} on {table} using gin (to_tsvector('simple', tokens))"
VECTOR_INDEX = "create index if not exists {index} on {table} using hnsw (embedding vector_cosine_ops)"
ANALYZE = "analyze {table}"

IS_OFFERED = "select exists (select from pg_available_extensions where name = %s)"
# The table's index of a kind, by the name that `to_bm25query` reads
FIND_INDEX = """
select i.indexrelid::regclass::text
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
where i.indrelid = %(table)s::regclass and a.amname = %(kind)s and i.indisvalid
order by i.indexrelid limit 1
"""
