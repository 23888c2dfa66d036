"""`/rerank`, where the body tells the dialect, for errors too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"query": "空", "texts": ["空"]}, None),
        ({"query": "空", "documents": ["空"]}, {"id", "object", "model", "results", "meta", "usage"}),
        ({"query": "空", "documents": ["空"], "texts": ["空"]}, None),
    ],
)
async def test_texts_speak_one_dialect_and_documents_the_other(
    body: dict[str, Any], keys: set[str] | None, http: httpx.AsyncClient
) -> None:
    content = (await http.post("/rerank", json=body)).json()
    assert isinstance(content, list) if keys is None else set(content) == keys


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"texts": ["空"]}, "query: Field required"),
        ({"query": "空", "texts": [5]}, "texts.0: Input should be a valid string (got 5)"),
    ],
)
async def test_an_error_about_texts_is_text_embeddings_inferences(
    body: dict[str, Any], message: str, http: httpx.AsyncClient
) -> None:
    response = await http.post("/rerank", json=body)
    assert response.status_code == 422
    assert response.json() == {"error": message, "error_type": "Validation"}


@pytest.mark.parametrize("body", [{}, {"query": 1, "documents": []}, [], None, "texts"])
async def test_any_other_error_is_coheres(body: object, http: httpx.AsyncClient) -> None:
    response = await http.post("/rerank", json=body)
    assert response.status_code == 422
    assert set(response.json()) == {"message", "detail"}
    assert "body with" not in response.text, "how we tell the shapes apart is not the caller's concern"
