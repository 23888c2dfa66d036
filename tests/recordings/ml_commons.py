"""ML Commons and the stock `rerank` processor, as the stock flow was seen on 3.4.0 and read in the sources.

The real plugins are not to be had from the package registries. What the model predicts is real: the connector's request, filled in
as ML Commons does it, goes to whatever sidecar its URL names, and the answer is read as strictly as ML Commons reads it.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from recordings.server import Answer, Asked, Json, RecordedServer, engine_error

_ML = "plugins.ml_commons."
_DEFAULT_TRUSTED = [r"^https://runtime\.sagemaker\..*[a-z0-9-]\.amazonaws\.com/.*$"]
_LONGEST_LITERAL = 17


class MlCommons(RecordedServer):
    """A cluster of one node with an index `passages`."""

    def __init__(self, version: str = "3.8.0", **options: Any) -> None:
        super().__init__(**options)
        self.lock = threading.RLock()
        self.version = version
        self.settings: Json = {
            "persistent": {},
            "transient": {},
            "defaults": {
                f"{_ML}trusted_connector_endpoints_regex": _DEFAULT_TRUSTED,
                f"{_ML}connector.private_ip_enabled": "false",
                f"{_ML}only_run_on_ml_node": "true",
            },
        }
        self.connectors: dict[str, Json] = {}
        self.models: dict[str, Json] = {}
        self.deployed: dict[str, Json] = {}  # what a deployed model knows, until it is deployed anew
        self.pipelines: dict[str, Json] = {}
        self.defaults: dict[str, str] = {}
        self.passages: dict[str, Json] = {}
        self.polls_until_deployed = 2
        self.number_from_one()
        self.routes = [
            ("GET /", lambda asked: {"version": {"number": self.version, "distribution": "opensearch"}}),
            ("GET /_cluster/health", lambda asked: {"status": "green"}),
            ("GET /_cluster/settings", lambda asked: self.settings),
            ("PUT /_cluster/settings", self._put_settings),
            ("GET /_nodes", lambda asked: {"nodes": {"n": {"roles": ["data", "ingest"]}}}),
            ("GET /_all/_settings/index.search.default_pipeline", self._index_defaults),
            ("PUT /([^_][^/]*)/_settings", self._put_index_settings),
            ("GET /(passages)/_mapping", self._mapping),
            ("GET /_search/pipeline", lambda asked: self.pipelines),
            ("GET /_search/pipeline/([^/]+)", self._get_pipeline),
            ("PUT /_search/pipeline/([^/]+)", self._put_pipeline),
            ("DELETE /_search/pipeline/([^/]+)", self._delete_pipeline),
            ("POST /_plugins/_ml/connectors/_create", self._create_connector),
            ("POST /_plugins/_ml/(connectors|models)/_search", self._search_objects),
            ("GET /_plugins/_ml/connectors/([^/]+)", self._get_connector),
            ("PUT /_plugins/_ml/connectors/([^/]+)", self._update_connector),
            ("DELETE /_plugins/_ml/connectors/([^/]+)", self._delete_connector),
            ("POST /_plugins/_ml/models/_register", self._register),
            ("GET /_plugins/_ml/models/([^/]+)", self._get_model),
            ("POST /_plugins/_ml/models/([^/]+)/_deploy", self._deploy),
            ("POST /_plugins/_ml/models/([^/]+)/_undeploy", self._undeploy),
            ("DELETE /_plugins/_ml/models/([^/]+)", self._delete_model),
            ("POST /_plugins/_ml/_predict/text_similarity/([^/]+)", self._predict),
            ("POST /(passages)/_search", self._search),
        ]

    def number_from_one(self) -> None:
        """Connectors are c1, c2 and so on, models m1: no id comes twice, though some are deleted."""
        self.numbers = {kind: itertools.count(1) for kind in ("c", "m")}

    def setting(self, name: str) -> Any:
        key = _ML + name
        for scope in ("transient", "persistent", "defaults"):
            if key in self.settings[scope]:
                return self.settings[scope][key]
        return None

    def _put_settings(self, asked: Asked) -> Json:
        for scope, values in asked.body.items():
            for key, value in values.items():
                if value is None:
                    self.settings[scope].pop(key, None)
                else:
                    self.settings[scope][key] = value if isinstance(value, list) else str(value).lower()
        return {"acknowledged": True}

    def _index_defaults(self, asked: Asked) -> Json:
        key = "index.search.default_pipeline"
        return {index: {"settings": {key: name}} for index, name in self.defaults.items()}

    def _put_index_settings(self, asked: Asked) -> Json:
        name = asked.body["index.search.default_pipeline"]
        self.defaults.pop(asked.match[0], None)
        if name is not None:
            self.defaults[asked.match[0]] = name
        return {"acknowledged": True}

    def _mapping(self, asked: Asked) -> Json:
        """Dynamic mapping: every field that a passage has had, as text."""
        fields = {"text", *(field for passage in self.passages.values() for field in passage)}
        properties = {field: {"type": "text"} for field in sorted(fields)}
        return {asked.match[0]: {"mappings": {"properties": properties}}}

    def _get_pipeline(self, asked: Asked) -> Json:
        return {asked.match[0]: _there(self.pipelines, asked)}

    def _put_pipeline(self, asked: Asked) -> Json:
        self.pipelines[asked.match[0]] = asked.body
        return {"acknowledged": True}

    def _delete_pipeline(self, asked: Asked) -> Json:
        if asked.match[0] in self.defaults.values():
            raise engine_error(400, "Cannot delete the pipeline, it is a default")
        _there(self.pipelines, asked)
        del self.pipelines[asked.match[0]]
        return {"acknowledged": True}

    def _check_url(self, connector: Json) -> None:
        url = connector["actions"][0]["url"].replace(
            "${parameters.endpoint}", connector["parameters"]["endpoint"]
        )
        if not any(
            re.fullmatch(pattern, url) for pattern in self.setting("trusted_connector_endpoints_regex")
        ):
            raise engine_error(
                400, f"Connector URL is not matching the trusted connector endpoint regex, URL is: {url}"
            )

    def _create_connector(self, asked: Asked) -> Json:
        self._check_url(asked.body)
        key = f"c{next(self.numbers['c'])}"
        self.connectors[key] = asked.body
        return {"connector_id": key}

    def _search_objects(self, asked: Asked) -> Json:
        objects = self.connectors if asked.match[0] == "connectors" else self.models
        if not objects:
            raise engine_error(404, f"no such index [.plugins-ml-{asked.match[0]}]")
        return {"hits": {"hits": [{"_id": key, "_source": _shown(one)} for key, one in objects.items()]}}

    def _get_connector(self, asked: Asked) -> Json:
        return _shown(_there(self.connectors, asked))

    def _update_connector(self, asked: Asked) -> Json:
        connector = _there(self.connectors, asked)
        using = [key for key in self.deployed if self.models[key]["connector_id"] == asked.match[0]]
        if using:
            raise engine_error(
                400,
                f"{len(using)} models are still using this connector, please undeploy the models first: {using}",
            )
        self._check_url(connector | asked.body)
        connector.update(asked.body)
        return {"result": "updated"}

    def _delete_connector(self, asked: Asked) -> Json:
        _there(self.connectors, asked)
        using = [key for key, one in self.models.items() if one["connector_id"] == asked.match[0]]
        if using:
            raise engine_error(
                409,
                f"{len(using)} models are still using this connector, please delete or update the models first",
            )
        del self.connectors[asked.match[0]]
        return {"result": "deleted"}

    def _register(self, asked: Asked) -> Json:
        assert asked.body["connector_id"] in self.connectors
        key = f"m{next(self.numbers['m'])}"
        self.models[key] = asked.body | {"model_state": "REGISTERED"}
        return {"task_id": "t", "status": "CREATED", "model_id": key}

    def _get_model(self, asked: Asked) -> Json:
        with self.lock:
            model = _there(self.models, asked)
            shown = dict(model)
            if model["model_state"] == "DEPLOYING":
                model["polls"] -= 1
                if model["polls"] <= 0:
                    model["model_state"] = "DEPLOYED"
            return shown

    def _deploy(self, asked: Asked) -> Json:
        model = _there(self.models, asked)
        model |= {"model_state": "DEPLOYING", "polls": self.polls_until_deployed}
        known = copy.deepcopy(self.connectors[model["connector_id"]])
        self.deployed[asked.match[0]] = known | {"private": self.setting("connector.private_ip_enabled")}
        return {"task_id": "t", "task_type": "DEPLOY_MODEL", "status": "COMPLETED"}

    def _undeploy(self, asked: Asked) -> Json:
        _there(self.models, asked)["model_state"] = "UNDEPLOYED"
        self.deployed.pop(asked.match[0], None)
        return {"n": {"stats": {asked.match[0]: "undeployed"}}}

    def _delete_model(self, asked: Asked) -> Json:
        if _there(self.models, asked)["model_state"] in {"DEPLOYED", "DEPLOYING"}:
            raise engine_error(
                400,
                "Model cannot be deleted in deploying or deployed state. Try undeploy model first then delete",
            )
        del self.models[asked.match[0]]
        return {"result": "deleted"}

    def _predict(self, asked: Asked) -> Json:
        scores = self.scores(asked.match[0], asked.body["query_text"], asked.body["text_docs"])
        outputs = [
            {"name": "similarity", "data_type": "FLOAT32", "shape": [1], "data": [score]} for score in scores
        ]
        return {"inference_results": [{"output": outputs, "status_code": 200}]}

    def scores(self, model_id: str, query: str, documents: list[str]) -> list[float]:
        """What the connector's own request gets from the sidecar that it names."""
        if self.models.get(model_id, {}).get("model_state") != "DEPLOYED":
            raise engine_error(400, f"Model not ready yet. Please deploy the model first: {model_id}")
        connector = self.deployed[model_id]
        host = urlsplit(connector["parameters"]["endpoint"]).hostname
        if connector["private"] != "true" and host == "127.0.0.1":
            raise engine_error(400, f"Remote inference host name has private ip address: {host}")
        return _read_results(_call(connector, query, documents), len(documents))

    def _search(self, asked: Asked) -> Json:
        name = asked.parameters.get("search_pipeline") or self.defaults.get(asked.match[0], "_none")
        body = asked.body
        size = body.get("size", 10)
        pipeline = self.pipelines.get(name)
        factor = pipeline["request_processors"][0]["oversample"]["sample_factor"] if pipeline else 1
        hits = [
            {"_id": key, "_score": 9.0 - place / 10, "_source": content}
            for place, (key, content) in enumerate(self.passages.items())
        ][: int(size * factor)]
        if pipeline:
            hits = self._reranked(hits, body, pipeline["response_processors"][0]["rerank"])[:size]
        return {"took": 1, "hits": {"total": {"value": len(self.passages)}, "hits": hits}}

    def _reranked(self, hits: list[Json], body: Json, rerank: Json) -> list[Json]:
        fields = rerank["context"]["document_fields"]
        texts = ["".join(str(hit["_source"].get(field, "")) for field in fields) for hit in hits]
        try:
            query = body["ext"]["rerank"]["query_context"]["query_text"]
            scores = self.scores(rerank["ml_opensearch"]["model_id"], query, texts)
        except (KeyError, Answer):
            assert rerank["ignore_failure"], "without it, this search had failed"
            return hits
        for hit, score in zip(hits, scores, strict=True):
            hit["_score"] = score
        return sorted(hits, key=lambda hit: -hit["_score"])


def _there(objects: dict[str, Json], asked: Asked) -> Json:
    if asked.match[0] not in objects:
        raise engine_error(404, f"Failed to find {asked.match[0]}")
    return objects[asked.match[0]]


def _shown(one: Json) -> Json:
    return {key: value for key, value in one.items() if key not in {"credential", "polls"}}


def _call(connector: Json, query: str, documents: list[str]) -> str:
    action = connector["actions"][0]
    places = {
        "parameters.endpoint": connector["parameters"]["endpoint"],
        "parameters.documents": json.dumps(documents, ensure_ascii=False),
        "parameters.query": json.dumps(query)[1:-1],  # \uXXXX
        "parameters.top_n": str(len(documents)),
        "credential.key": connector.get("credential", {}).get("key", ""),
    }
    fill: Callable[[str], str] = lambda text: re.sub(r"\$\{([^}]+)\}", lambda place: places[place[1]], text)  # noqa: E731
    payload = fill(action["request_body"])
    headers = {name: fill(value) for name, value in action["headers"].items()}
    request = urllib.request.Request(fill(action["url"]), payload.encode(), headers, method=action["method"])
    try:
        with urllib.request.urlopen(request, timeout=connector["client_config"]["read_timeout"]) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise engine_error(500, f"Error from remote service: {error.read().decode()}") from None
    except OSError as error:
        raise engine_error(500, f"Error communicating with remote model: {error}") from None


def _read_results(text: str, count: int) -> list[float]:
    """The casts and counts that the post-processor fails on."""

    def cast_float(literal: str) -> float:
        if len(literal) > _LONGEST_LITERAL:
            raise engine_error(500, "ClassCastException: BigDecimal cannot be cast to Double")
        return float(literal)

    results = json.loads(text, parse_float=cast_float)["results"]
    scores: list[float | None] = [None] * count
    for one in results:
        if not isinstance(one["relevance_score"], float):
            raise engine_error(500, "ClassCastException: Integer cannot be cast to Double")
        scores[one["index"]] = one["relevance_score"]
    if len(results) != count or None in scores:
        raise engine_error(500, "scores and hits are not the same length")
    return [score for score in scores if score is not None]
