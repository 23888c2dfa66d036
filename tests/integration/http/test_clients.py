"""The clients that people have, unchanged, with nothing but a base URL and whatever model name."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration.http.conftest import KEY
from integration.http.test_dialects import BEST, DOCUMENTS, QUERY
from jrerank.admin.opensearch_node.jdk import find_jdk
from node_packages import installed, run
from sidecars import RunningSidecar

pytestmark = pytest.mark.filterwarnings("ignore")
MODELS = ["m", "rerank-v3.5", "rerank-2.5"]
any_model = pytest.mark.parametrize("model", MODELS)


@any_model
def test_cohere_v1(model: str, sidecar: RunningSidecar) -> None:
    import cohere

    client = cohere.Client(KEY, base_url=sidecar.url)
    answer = client.rerank(
        model=model, query=QUERY, documents=list(DOCUMENTS), top_n=2, return_documents=True
    )
    assert answer.results[0].index == BEST
    assert len(answer.results) == 2
    assert answer.results[0].document is not None
    assert answer.results[0].document.text == DOCUMENTS[BEST]


@any_model
def test_cohere_v2(model: str, sidecar: RunningSidecar) -> None:
    import cohere

    answer = cohere.ClientV2(KEY, base_url=sidecar.url).rerank(model=model, query=QUERY, documents=DOCUMENTS)
    assert len(answer.results) == len(DOCUMENTS)
    assert answer.results[0].index == BEST


LITELLM = {
    "cohere": "/v2/rerank",
    "jina_ai": "/v1/rerank",
    "hosted_vllm": "",
    "voyage": "/v1",
    "huggingface": "",  # a client of text-embeddings-inference
    "infinity": "/infinity",
    "dashscope": "/v1",
    "deepinfra": "/v1",
    "nvidia_nim": "",
    "nvidia_nim/ranking": "",
}


@pytest.mark.parametrize("provider", LITELLM)
@pytest.mark.parametrize("model", MODELS[1:3])
def test_litellm(provider: str, model: str, sidecar: RunningSidecar) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    answer = litellm.rerank(
        model=f"{provider}/{model}",
        query=QUERY,
        documents=DOCUMENTS,
        api_key=KEY,
        api_base=sidecar.url + LITELLM[provider],
        top_n=3,
    )
    best = max(answer.results, key=lambda result: result["relevance_score"])
    assert (len(answer.results), best["index"]) == (3, BEST)


@any_model
def test_langchain_cohere(model: str, sidecar: RunningSidecar) -> None:
    from langchain_cohere import CohereRerank
    from langchain_core.documents import Document

    reranker = CohereRerank(model=model, cohere_api_key=KEY, base_url=sidecar.url, top_n=1)
    (best,) = reranker.compress_documents([Document(text) for text in DOCUMENTS], QUERY)
    assert best.page_content == DOCUMENTS[BEST]


@any_model
def test_langchain_voyage(model: str, sidecar: RunningSidecar) -> None:
    from langchain_core.documents import Document
    from langchain_voyageai import VoyageAIRerank

    reranker = VoyageAIRerank(model=model, api_key=KEY, base_url=f"{sidecar.url}/v1", top_k=1)
    (best,) = reranker.compress_documents([Document(text) for text in DOCUMENTS], QUERY)
    assert best.page_content == DOCUMENTS[BEST]


@any_model
def test_voyage(model: str, sidecar: RunningSidecar) -> None:
    import voyageai

    client = voyageai.Client(api_key=KEY, base_url=f"{sidecar.url}/v1")
    answer = client.rerank(QUERY, DOCUMENTS, model=model, top_k=2)
    assert answer.results[0].index == BEST
    assert answer.results[0].document == DOCUMENTS[BEST]


@any_model
@pytest.mark.parametrize("kind", ["cohere", "jina", "tei"])
def test_llama_index(kind: str, model: str, sidecar: RunningSidecar) -> None:
    from llama_index.core.schema import NodeWithScore, TextNode

    nodes = [NodeWithScore(node=TextNode(text=text)) for text in DOCUMENTS]
    (best,) = llama_index_reranker(kind, model, sidecar.url).postprocess_nodes(nodes, query_str=QUERY)
    assert best.node.get_content() == DOCUMENTS[BEST]


def llama_index_reranker(kind: str, model: str, url: str) -> Any:
    if kind == "cohere":
        from llama_index.postprocessor.cohere_rerank import CohereRerank

        return CohereRerank(top_n=1, model=model, api_key=KEY, base_url=url)
    if kind == "jina":
        from llama_index.postprocessor.jinaai_rerank import JinaRerank

        return JinaRerank(top_n=1, model=model, api_key=KEY, base_url=f"{url}/v1")
    from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

    return TextEmbeddingInference(top_n=1, base_url=url, auth_token=f"Bearer {KEY}", model_name=model)


@any_model
@pytest.mark.parametrize("kind", ["cohere", "jina"])
def test_haystack(kind: str, model: str, sidecar: RunningSidecar) -> None:
    from haystack import Document
    from haystack.utils import Secret

    key: dict[str, Any] = {"model": model, "api_key": Secret.from_token(KEY), "top_k": 1}
    if kind == "cohere":
        from haystack_integrations.components.rankers.cohere import CohereRanker

        ranker: Any = CohereRanker(api_base_url=sidecar.url, **key)
    else:
        from haystack_integrations.components.rankers.jina import JinaRanker

        ranker = JinaRanker(base_url=f"{sidecar.url}/v1/rerank", **key)
    (best,) = ranker.run(query=QUERY, documents=[Document(content=text) for text in DOCUMENTS])["documents"]
    assert best.content == DOCUMENTS[BEST]


RERANKERS = {
    "cohere": "/v1/rerank",
    "jina": "/v1/rerank",
    "voyage": "/v1/rerank",
    "mixedbread.ai": "/v1/reranking",
    "text-embeddings-inference": "/rerank",
    "pinecone": "/rerank",
}
# It imports what is installed for rerankers that it isn't told to run, which takes far longer than to rerank
WITH_RERANKERS = """
import json, sys
sys.modules.update(litellm=None, torch=None, transformers=None)
from rerankers.models.api_rankers import APIRanker
url, key, query, documents, paths = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])
rankers = {name: APIRanker("m", key, name, url=url + path) for name, path in paths.items()}
print(json.dumps({name: [hit.text for hit in ranker.rank(query, documents)] for name, ranker in rankers.items()}))
"""


def test_rerankers(sidecar: RunningSidecar) -> None:
    arguments = [json.dumps(argument) for argument in (QUERY, DOCUMENTS, RERANKERS)]
    ranked = json.loads(
        run([sys.executable, "-c", WITH_RERANKERS, sidecar.url, KEY, *arguments]).splitlines()[-1]
    )
    assert {name: texts[0] for name, texts in ranked.items()} == dict.fromkeys(RERANKERS, DOCUMENTS[BEST])
    assert all(len(texts) == len(DOCUMENTS) for texts in ranked.values())


@any_model
def test_mixedbread(model: str, sidecar: RunningSidecar) -> None:
    from mixedbread import Mixedbread

    client = Mixedbread(api_key=KEY, base_url=sidecar.url)
    answer = client.rerank(model=model, query=QUERY, input=DOCUMENTS, top_k=2, return_input=True)
    assert (answer.data[0].index, answer.data[0].input, len(answer.data)) == (BEST, DOCUMENTS[BEST], 2)


@any_model
def test_pinecone(model: str, sidecar: RunningSidecar) -> None:
    from pinecone import Pinecone

    documents = [{"id": f"{place}", "text": text} for place, text in enumerate(DOCUMENTS)]
    client = Pinecone(api_key=KEY, host=sidecar.url)
    answer = client.inference.rerank(model=model, query=QUERY, documents=documents, top_n=2)
    assert (answer.data[0].index, answer.data[0].document, len(answer.data)) == (BEST, documents[BEST], 2)
    assert answer.usage.rerank_units == 1


@any_model
def test_together(model: str, sidecar: RunningSidecar) -> None:
    from together import Together

    client = Together(api_key=KEY, base_url=f"{sidecar.url}/v1")
    answer = client.rerank.create(model=model, query=QUERY, documents=DOCUMENTS, top_n=2)
    assert (answer.results[0].index, answer.results[0].document.text) == (BEST, DOCUMENTS[BEST])


@any_model
def test_xinference(model: str, sidecar: RunningSidecar) -> None:
    from xinference_client.client.restful.restful_client import RESTfulRerankModelHandle

    handle = RESTfulRerankModelHandle(model, sidecar.url, {"Authorization": f"Bearer {KEY}"})
    answer = handle.rerank(DOCUMENTS, QUERY, top_n=2, return_documents=True, return_len=True)
    handle.close()
    assert answer["results"][0]["index"] == BEST
    assert answer["results"][0]["document"]["text"] == DOCUMENTS[BEST]


def test_java(sidecar: RunningSidecar) -> None:
    """Single-file source: compiled as it is run."""
    body = json.dumps({"model": "m", "query": QUERY, "documents": DOCUMENTS})
    java = find_jdk(11, 99, compiles=True).java
    source = Path(__file__).parent / "clients" / "Client.java"
    said = run([str(java), "-Dfile.encoding=UTF-8", str(source), sidecar.url, KEY, body]).splitlines()
    assert [line.split(" ", 2)[:2] for line in said] == [["200", "HTTP_1_1"]] * 2
    assert {json.loads(line.split(" ", 2)[2])["results"][0]["index"] for line in said} == {BEST}


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """The packages of npm's that Node's clients are in, fetched once."""
    return installed(Path(__file__).parent / "clients")


@any_model
def test_node(model: str, node_clients: Path, sidecar: RunningSidecar) -> None:
    said = run(["node", str(node_clients / "clients.mjs"), sidecar.url, KEY, model, QUERY, *DOCUMENTS])
    assert json.loads(said) == dict.fromkeys(["fetch", "http", "cohere", "cohere v2", "voyage"], BEST)


@pytest.mark.parametrize("header", ["api-key", "x-api-key"])
def test_a_key_may_stand_where_other_apis_have_it(header: str, sidecar: RunningSidecar) -> None:
    body = {"query": QUERY, "documents": DOCUMENTS}
    answer = httpx.post(f"{sidecar.url}/v1/rerank", json=body, headers={header: KEY})
    assert answer.json()["results"][0]["index"] == BEST
