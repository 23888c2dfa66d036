"""Reranking without the plugin: a connector and a model of ML Commons, and a pipeline of stock processors.

Connector and model are found again by their names, so that any machine can change or remove what another has set up, and
a run that was cut off is taken up where it ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch import ml_commons
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch.existing import DESCRIPTIONS
from jrerank.admin.opensearch.fingerprint import fingerprint, is_of
from jrerank.admin.opensearch.pipelines import put_pipeline
from jrerank.admin.opensearch.trust import distrust, trust
from jrerank.errors import ConfigurationError, Refused

Say = Callable[[str], object]
_CONNECT_TIMEOUT_S = 1
_MAX_CONNECTIONS = 30
_PATH = "/v1/rerank"


@dataclass(frozen=True, slots=True)
class StockRoute:
    """`oversample` hits are reranked for each one that a search asks for; `sidecar_url` as the nodes reach it."""

    pipeline: str
    passage_fields: tuple[str, ...]
    sidecar_url: str
    sidecar_key: str | None = field(default=None, repr=False)
    private: bool = False
    oversample: float = 10.0
    timeout_ms: int = 1000
    with_settings: bool = True
    deploy_timeout_s: float = 60.0

    @property
    def name(self) -> str:
        """Of the connector and of the model."""
        return object_name(self.pipeline)

    @property
    def read_timeout_s(self) -> int:
        """ML Commons knows whole seconds: enough for the sidecar to answer in its own time."""
        return math.ceil(self.timeout_ms / 1000 + 0.5)


def object_name(pipeline: str) -> str:
    """What the connector and the model of a pipeline are called."""
    return f"jrerank-{pipeline}"


def set_up_stock(cluster: Cluster, route: StockRoute, say: Say) -> None:
    """Make or change what differs, prove that it scores, and only then write the pipeline.

    Raises:
        ConfigurationError: the cluster refuses something; the message is its own.
        Unavailable: the model was not deployed in time.
    """
    models = ml_commons.models_named(cluster, route.name)
    if route.with_settings and trust(cluster, route.sidecar_url, route.private, say):
        _undeploy_all(cluster, route, models)  # a deployed model does not hear of it
    connector_id = _connector(cluster, route, models, say)
    model_id = _model(cluster, route, connector_id, models, say)
    _prove(cluster, model_id, say)
    put_pipeline(cluster, route.pipeline, pipeline_body(route, model_id))
    say(
        f"pipeline  {route.pipeline}: reranks {route.oversample:g} times what a search asks for, model {model_id}"
    )


def connector_body(route: StockRoute) -> Json:
    """As ML Commons takes it; its description holds the fingerprint of the rest."""
    bare = _bare_connector(route)
    return bare | {"description": f"jrerank for the search pipeline {route.pipeline} {fingerprint(bare)}"}


def pipeline_body(route: StockRoute, model_id: str) -> Json:
    """As the cluster takes it."""
    return body(
        "opensearch/bodies/stock-pipeline.json",
        description=DESCRIPTIONS["stock"],
        oversample=route.oversample,
        model_id=model_id,
        passage_fields=list(route.passage_fields),
    )


def remove_stock(cluster: Cluster, pipeline: str, deploy_timeout_s: float, say: Say) -> None:
    """Take away the model, the connector, and the trust in its address if no other connector of ours needs it."""
    name = object_name(pipeline)
    for model_id, model in ml_commons.models_named(cluster, name).items():
        _undeploy_if_needed(cluster, model_id, model, deploy_timeout_s)
        ml_commons.delete_model(cluster, model_id)
        say(f"model     {model_id} removed")
    known = ml_commons.connectors(cluster)
    ours = {key: one for key, one in known.items() if one.get("name") == name}
    needed = {address_of(one) for key, one in known.items() if key not in ours}
    for url in {address_of(one) for one in ours.values()} - needed:
        distrust(cluster, url, say)
    for connector_id in ours:  # last, since only they know the address
        ml_commons.delete_connector(cluster, connector_id)
        say(f"connector {connector_id} removed")


def address_of(connector: Json) -> str:
    """The sidecar's address that a connector of ours calls, or nothing."""
    return str((connector.get("parameters") or {}).get("endpoint", "")).removesuffix(_PATH)


def _bare_connector(route: StockRoute) -> Json:
    made = body(
        "opensearch/bodies/stock-connector.json",
        name=route.name,
        description=None,
        endpoint=route.sidecar_url + _PATH,
        api_key=route.sidecar_key,
        timeout_ms=route.timeout_ms,
        connection_timeout_s=_CONNECT_TIMEOUT_S,
        read_timeout_s=route.read_timeout_s,
        max_connections=_MAX_CONNECTIONS,
    )
    if route.sidecar_key is None:
        del made["actions"][0]["headers"]["Authorization"]
    return made


def _connector(cluster: Cluster, route: StockRoute, models: dict[str, Json], say: Say) -> str:
    found = {key: one for key, one in ml_commons.connectors(cluster).items() if one.get("name") == route.name}
    if not found:
        connector_id = ml_commons.create_connector(cluster, connector_body(route))
        say(f"connector {connector_id} created")
        return connector_id
    used = [str(model.get("connector_id")) for model in models.values()]
    connector_id = next((one for one in used if one in found), min(found))
    if is_of(str(found[connector_id].get("description")), _bare_connector(route)):
        say(f"connector {connector_id} as it should be")
        return connector_id
    _undeploy_all(cluster, route, models)  # a connector in use cannot be changed
    ml_commons.update_connector(cluster, connector_id, connector_body(route))
    say(f"connector {connector_id} changed")
    return connector_id


def _model(cluster: Cluster, route: StockRoute, connector_id: str, models: dict[str, Json], say: Say) -> str:
    ours = {key: model for key, model in models.items() if model.get("connector_id") == connector_id}
    model_id = min(ours) if ours else ml_commons.register(cluster, _model_body(route, connector_id))
    if ours and ours[model_id].get("model_state") == "DEPLOYED":
        say(f"model     {model_id} is deployed")
        return model_id
    ml_commons.deploy(cluster, model_id, route.deploy_timeout_s)
    say(f"model     {model_id} {'deployed anew' if ours else 'created and deployed'}")
    return model_id


def _model_body(route: StockRoute, connector_id: str) -> Json:
    description = f"jrerank for the search pipeline {route.pipeline}"
    return body(
        "opensearch/bodies/stock-model.json",
        name=route.name,
        description=description,
        connector_id=connector_id,
    )


def _undeploy_all(cluster: Cluster, route: StockRoute, models: dict[str, Json]) -> None:
    for model_id, model in models.items():
        _undeploy_if_needed(cluster, model_id, model, route.deploy_timeout_s)
        model["model_state"] = "UNDEPLOYED"


def _undeploy_if_needed(cluster: Cluster, model_id: str, model: Json, timeout_s: float) -> None:
    if model.get("model_state") not in {"UNDEPLOYED", "REGISTERED", "DEPLOY_FAILED"}:
        ml_commons.undeploy(cluster, model_id, timeout_s)


def _prove(cluster: Cluster, model_id: str, say: Say) -> None:
    try:
        scores = ml_commons.predict(cluster, model_id)
    except Refused as refused:
        raise ConfigurationError(f"the model cannot score, so no search was changed: {refused}") from None
    if cluster.is_dry_run:
        return
    if len(scores) != len(ml_commons.PROOF_PASSAGES):
        raise ConfigurationError(
            f"the model gave {len(scores)} scores for {len(ml_commons.PROOF_PASSAGES)} passages"
        )
    say(f"predict   two passages scored: {scores[0]:.4f} and {scores[1]:.4f}")
