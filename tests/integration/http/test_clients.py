"""The clients that people have, unchanged, with nothing but a base URL."""

from __future__ import annotations

import os

import pytest

from integration.http.conftest import KEY
from integration.http.test_dialects import BEST, DOCUMENTS, QUERY
from sidecars import RunningSidecar

pytestmark = pytest.mark.filterwarnings("ignore")


def test_cohere_v1(sidecar: RunningSidecar) -> None:
    import cohere

    client = cohere.Client(KEY, base_url=sidecar.url)
    answer = client.rerank(model="m", query=QUERY, documents=list(DOCUMENTS), top_n=2, return_documents=True)
    assert next(result.index for result in answer.results) == BEST
    assert answer.results[0].document is not None
    assert answer.results[0].document.text == DOCUMENTS[BEST]


def test_cohere_v2(sidecar: RunningSidecar) -> None:
    import cohere

    answer = cohere.ClientV2(KEY, base_url=sidecar.url).rerank(model="m", query=QUERY, documents=DOCUMENTS)
    assert len(answer.results) == len(DOCUMENTS)
    assert answer.results[0].index == BEST


@pytest.mark.parametrize(
    "provider", ["cohere", "jina_ai", "hosted_vllm", "voyage", "huggingface"]
)  # the last one is a client of text-embeddings-inference
def test_litellm(provider: str, sidecar: RunningSidecar) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    paths = {"cohere": "/v2/rerank", "jina_ai": "/v1/rerank", "voyage": "/v1"}
    answer = litellm.rerank(
        model=f"{provider}/{'rerank-2.5' if provider == 'voyage' else 'm'}",
        query=QUERY,
        documents=DOCUMENTS,
        api_key=KEY,
        api_base=sidecar.url + paths.get(provider, ""),
    )
    assert answer.results[0]["index"] == BEST


def test_langchain_cohere(sidecar: RunningSidecar) -> None:
    from langchain_cohere import CohereRerank
    from langchain_core.documents import Document

    reranker = CohereRerank(model="m", cohere_api_key=KEY, base_url=sidecar.url, top_n=1)
    (best,) = reranker.compress_documents([Document(text) for text in DOCUMENTS], QUERY)
    assert best.page_content == DOCUMENTS[BEST]


def test_voyage(sidecar: RunningSidecar) -> None:
    import voyageai

    client = voyageai.Client(api_key=KEY, base_url=f"{sidecar.url}/v1")
    answer = client.rerank(QUERY, DOCUMENTS, model="m", top_k=2)
    assert next(result.index for result in answer.results) == BEST
    assert answer.results[0].document == DOCUMENTS[BEST]
