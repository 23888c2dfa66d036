"""Every rerank shape that is spoken. A new one is an entry here, and its client in `tests/integration/http/test_clients.py`.

Where dialects share a path, the name of the documents tells them apart; the last is meant where none fits. Nothing else is
guessed: where clients of one shape look for different keys, the answer has them all.
"""

from __future__ import annotations

import math

from jrerank.doors.http import error_shapes
from jrerank.doors.http.dialects.dialect import Answer, Dialect, Json, Row

_DOCUMENTS_PER_SEARCH_UNIT = 100
# What every dialect may say beside its own words
_OURS = {"model": ("model",), "timeout_ms": ("timeout_ms",)}


def _usage(answer: Answer) -> Json:
    return {"prompt_tokens": answer.tokens, "completion_tokens": 0, "total_tokens": answer.tokens}


def _object_of(row: Row) -> object:
    """Cohere, Jina, vLLM: a string comes back as `text`, an object as it was sent."""
    return row.document if isinstance(row.document, dict) else {"text": row.text}


def _bare(row: Row) -> object:
    """Voyage, Infinity: a string comes back as a string; Pinecone: an object as an object."""
    return row.document if isinstance(row.document, dict) else row.text


def _documents(answer: Answer) -> Json:
    """`results` is Cohere's, Jina's, vLLM's and Together's, `data` Voyage's and Pinecone's. vLLM returns documents always, Jina
    by default; to Cohere's clients they are no harm."""
    search_units = max(1, math.ceil(answer.documents / _DOCUMENTS_PER_SEARCH_UNIT))
    version = "2" if answer.path.startswith("/v2/") else "1"
    return {
        "id": answer.id,
        "object": "rerank",
        "created": answer.created,
        "model": answer.model,
        "results": [
            {"index": row.index, "relevance_score": row.score}
            | ({"document": _object_of(row)} if answer.echo is not False else {})
            for row in answer.rows
        ],
        "data": [
            {"index": row.index, "relevance_score": row.score, "score": row.score}
            | ({"document": _bare(row)} if answer.echo else {})
            for row in answer.rows
        ],
        "meta": {
            "api_version": {"version": version},
            "billed_units": {"search_units": search_units},
            "tokens": {"input_tokens": answer.tokens, "output_tokens": 0},
        },
        "usage": _usage(answer) | {"rerank_units": search_units},
    }


DOCUMENTS = Dialect(
    name="rerank",
    summary="Rerank documents: Cohere, Jina, vLLM, Voyage, Pinecone, Together, llama.cpp, Xinference",
    paths=("/rerank", "/v1/rerank", "/v2/rerank", "/reranking", "/v1/reranking", "/reranks", "/v1/reranks"),
    request=_OURS
    | {
        "query": ("query",),
        "documents": ("documents",),
        "top_n": ("top_n", "top_k"),
        "echo": ("return_documents",),
        "rank_fields": ("rank_fields",),
        "max_tokens_per_doc": ("max_tokens_per_doc",),
        "max_chunks_per_doc": ("max_chunks_per_doc",),
        "truncate": ("truncation", "truncate", "parameters.truncate"),
        "side": ("truncation_side",),
        "raw_scores": ("raw_scores",),
        "activation": ("use_activation", "activation"),
        "prompt_tokens": ("truncate_prompt_tokens",),
        "query_tokens": ("max_tokens_per_query",),
        "instruction": ("instruction",),
        "embeddings": ("return_embeddings",),
    },
    answer=_documents,
    errors=error_shapes.cohere,
)

TEI = Dialect(
    name="tei",
    summary="Rerank texts: text-embeddings-inference, and Elasticsearch's hugging_face service",
    paths=("/rerank", "/v1/rerank", "/reranking", "/v1/reranking"),
    request=_OURS
    | {
        "query": ("query",),
        "documents": ("texts",),
        "top_n": ("top_n",),
        "echo": ("return_text",),
        "raw_scores": ("raw_scores",),
        "truncate": ("truncate",),
        "side": ("truncation_direction",),
    },
    answer=lambda answer: [
        {"index": row.index, "score": row.score} | ({"text": row.text} if answer.echo else {})
        for row in answer.rows
    ],
    errors=error_shapes.tei,
)

INFINITY = Dialect(
    name="infinity",
    summary="Rerank documents: Infinity's clients, whose documents come back as bare strings",
    paths=("/infinity/rerank", "/infinity/v1/rerank"),
    request=_OURS
    | {
        "query": ("query",),
        "documents": ("documents",),
        "top_n": ("top_n",),
        "echo": ("return_documents",),
        "raw_scores": ("raw_scores",),
    },
    answer=lambda answer: {
        "id": answer.id,
        "object": "rerank",
        "created": answer.created,
        "model": answer.model,
        "results": [
            {"index": row.index, "relevance_score": row.score, "document": row.text if answer.echo else None}
            for row in answer.rows
        ],
        "usage": {"prompt_tokens": answer.tokens, "total_tokens": answer.tokens},
    },
    errors=error_shapes.openai,
)

MIXEDBREAD = Dialect(
    name="mixedbread",
    summary="Rerank input: Mixedbread",
    paths=("/v1/reranking",),
    request=_OURS
    | {
        "query": ("query",),
        "documents": ("input",),
        "top_n": ("top_k",),
        "echo": ("return_input",),
        "rank_fields": ("rank_fields",),
        "instruction": ("instruction",),
    },
    answer=lambda answer: {
        "object": "list",
        "model": answer.model,
        "data": [
            {"object": "rank_result", "index": row.index, "score": row.score}
            | ({"input": row.document} if answer.echo else {})
            for row in answer.rows
        ],
        "usage": _usage(answer),
        "top_k": len(answer.rows),
        "return_input": bool(answer.echo),
    },
    errors=error_shapes.cohere,
)

NIM = Dialect(
    name="nim",
    summary="Rank passages by logit: NVIDIA NIM",
    paths=("/v1/ranking", "/v1/retrieval/{model:path}/reranking"),
    request=_OURS
    | {
        "query": ("query",),
        "documents": ("passages",),
        "top_n": ("top_k", "top_n"),
        "truncate": ("truncate",),
    },
    defaults={"raw_scores": True},
    answer=lambda answer: {
        "rankings": [{"index": row.index, "logit": row.score} for row in answer.rows],
        "usage": {"prompt_tokens": answer.tokens, "total_tokens": answer.tokens},
    },
    errors=error_shapes.cohere,
)

DASHSCOPE = Dialect(
    name="dashscope",
    summary="Rerank documents: DashScope",
    paths=("/api/v1/services/rerank/text-rerank/text-rerank",),
    request=_OURS
    | {
        "query": ("input.query",),
        "documents": ("input.documents",),
        "top_n": ("parameters.top_n",),
        "echo": ("parameters.return_documents",),
        "instruction": ("parameters.instruct",),
    },
    answer=lambda answer: {
        "output": {
            "results": [
                {"index": row.index, "relevance_score": row.score}
                | ({"document": _object_of(row)} if answer.echo else {})
                for row in answer.rows
            ]
        },
        "usage": {"total_tokens": answer.tokens},
        "request_id": answer.id,
    },
    errors=error_shapes.dashscope,
)

DEEPINFRA = Dialect(
    name="deepinfra",
    summary="Score documents in input order: DeepInfra",
    paths=("/v1/inference/{model:path}",),
    request=_OURS | {"query": ("queries",), "documents": ("documents",), "instruction": ("instruction",)},
    order="input",
    answer=lambda answer: {
        "scores": [row.score for row in answer.rows],
        "input_tokens": answer.tokens,
        "request_id": answer.id,
        "inference_status": {
            "status": "succeeded",
            "runtime_ms": round(answer.took_ms),
            "cost": 0.0,
            "tokens_generated": 0,
            "tokens_input": answer.tokens,
        },
    },
    errors=error_shapes.cohere,
)

SCORE = Dialect(
    name="score",
    summary="Score pairs in input order: vLLM",
    paths=("/score", "/v1/score"),
    request=_OURS
    | {
        "query": ("text_1", "queries", "data_1"),
        "documents": ("text_2", "documents", "items", "data_2"),
        "activation": ("use_activation", "activation"),
        "prompt_tokens": ("truncate_prompt_tokens",),
        "query_tokens": ("max_tokens_per_query",),
        "max_tokens_per_doc": ("max_tokens_per_doc",),
        "side": ("truncation_side",),
        "instruction": ("instruction",),
    },
    order="input",
    answer=lambda answer: {
        "id": f"score-{answer.id}",
        "object": "list",
        "created": answer.created,
        "model": answer.model,
        "data": [{"index": row.index, "object": "score", "score": row.score} for row in answer.rows],
        "usage": _usage(answer),
    },
    errors=error_shapes.openai,
)

DIALECTS = (TEI, MIXEDBREAD, DOCUMENTS, INFINITY, NIM, DASHSCOPE, DEEPINFRA, SCORE)
