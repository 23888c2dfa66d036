"""Connectors and models of ML Commons that carry our names."""

from __future__ import annotations

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json, Request

_ML = "/_plugins/_ml"
_MANY = 1000
RERANK_PATH = "/v1/rerank"
# A pair that no model that reads Japanese takes the wrong way round
PROOF_QUERY = "富士山の高さ"
PROOF_PASSAGES = ("富士山の標高は3776メートルで、日本で最も高い山である。", "味噌汁の作り方を紹介します。")


def connectors(cluster: Cluster) -> dict[str, Json]:
    """All of the cluster's, by id."""
    return _found(cluster, "connectors", {"match_all": {}})


def models_named(cluster: Cluster, name: str) -> dict[str, Json]:
    """Those of exactly that name, by id. Their chunks, which local models have, are left out."""
    query = {
        "bool": {
            "must": [{"match_phrase": {"name": name}}],
            "must_not": [{"exists": {"field": "chunk_number"}}],
        }
    }
    return {
        key: model for key, model in _found(cluster, "models", query).items() if model.get("name") == name
    }


def connectors_named(cluster: Cluster, name: str) -> dict[str, Json]:
    """Those of exactly that name, by id."""
    return {key: one for key, one in connectors(cluster).items() if one.get("name") == name}


def connector_of(cluster: Cluster, model_id: str) -> Json:
    """The connector that a model uses; empty where either is gone."""
    model = cluster.look(f"{_ML}/models/{model_id}") or {}
    return cluster.look(f"{_ML}/connectors/{model.get('connector_id')}") or {}


def address_of(connector: Json) -> str:
    """The sidecar's address that a connector of ours calls, or nothing."""
    return str((connector.get("parameters") or {}).get("endpoint", "")).removesuffix(RERANK_PATH)


def create_connector(cluster: Cluster, body: Json) -> str:
    """Its id."""
    answer = cluster.ask(Request("POST", f"{_ML}/connectors/_create", body, remember="connector_id"))
    return str(answer["connector_id"])


def register(cluster: Cluster, body: Json) -> str:
    """The id of a new model, which is not deployed."""
    answer = cluster.ask(Request("POST", f"{_ML}/models/_register", body, remember="model_id"))
    return str(answer["model_id"])


def deploy(cluster: Cluster, model_id: str, timeout_s: float) -> None:
    """Deploy, and wait until it is.

    Raises:
        Unavailable: it did not get there in time.
    """
    cluster.ask(Request("POST", f"{_ML}/models/{model_id}/_deploy"))
    cluster.wait_for(f"{_ML}/models/{model_id}", "model_state", "DEPLOYED", {"DEPLOY_FAILED"}, timeout_s)


def undeploy(cluster: Cluster, model_id: str, timeout_s: float) -> None:
    """Undeploy, and wait until it is."""
    cluster.ask(Request("POST", f"{_ML}/models/{model_id}/_undeploy"))
    cluster.wait_for(f"{_ML}/models/{model_id}", "model_state", "UNDEPLOYED", (), timeout_s)


def delete_model(cluster: Cluster, model_id: str) -> None:
    """It must not be deployed."""
    cluster.ask(Request("DELETE", f"{_ML}/models/{model_id}"))


def delete_connector(cluster: Cluster, connector_id: str) -> None:
    """No model may use it."""
    cluster.ask(Request("DELETE", f"{_ML}/connectors/{connector_id}"))


def predict(cluster: Cluster, model_id: str) -> list[float]:
    """The scores of the two passages, by way of the model and the sidecar; none from a pretended cluster."""
    body: Json = {"query_text": PROOF_QUERY, "text_docs": list(PROOF_PASSAGES)}
    answer = cluster.ask(Request("POST", f"{_ML}/_predict/text_similarity/{model_id}", body))
    outputs = [
        output for result in answer.get("inference_results", []) for output in result.get("output", [])
    ]
    return [float(output["data"][0]) for output in outputs]


def _found(cluster: Cluster, kind: str, query: Json) -> dict[str, Json]:
    answer = cluster.look(f"{_ML}/{kind}/_search", {"query": query, "size": _MANY})
    if answer is None:  # the index comes with the first of them
        return {}
    return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}
