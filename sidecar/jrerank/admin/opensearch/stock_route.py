"""Reranking without the plugin: a connector and a model of ML Commons, and a pipeline of stock processors.

Connector and model are found again by their names, so that any machine can replace or remove what another has set up, and
a run that was cut off is taken up where it ended. What searches use is never changed: another one is made beside it, and
takes its place once it has scored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch import ml_commons
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch.existing import DESCRIPTIONS
from jrerank.admin.opensearch.fingerprint import fingerprint, is_of
from jrerank.admin.opensearch.leftovers import Leftovers, remove_leftovers, remove_model
from jrerank.admin.opensearch.pipelines import pipelines_by_model, put_pipeline
from jrerank.admin.opensearch.trust import trust
from jrerank.errors import ConfigurationError, JrerankError, Refused

Say = Callable[[str], object]
_CONNECT_TIMEOUT_S = 1
_MAX_CONNECTIONS = 30


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
    """Make what is lacking or differs, prove that it scores, only then write the pipeline, and take away what it used before.

    Raises:
        ConfigurationError: the cluster refuses something; the message is its own.
        Unavailable: the model was not deployed in time.
    """
    before = Leftovers(
        ml_commons.models_named(cluster, route.name), ml_commons.connectors_named(cluster, route.name)
    )
    # A deployed model does not hear of new settings
    are_settings_new = route.with_settings and trust(cluster, route.sidecar_url, route.private, say)
    connector_id = _connector(cluster, route, before, say)
    models = {key: one for key, one in before.models.items() if one.get("connector_id") == connector_id}
    proven = None if are_settings_new else _deployed_model(cluster, models, say)
    model_id = proven or _new_model(cluster, route, connector_id, models, say)
    put_pipeline(cluster, route.pipeline, pipeline_body(route, model_id))
    say(
        f"pipeline  {route.pipeline}: reranks {route.oversample:g} times what a search asks for, model {model_id}"
    )
    _remove_others(cluster, route, before, connector_id, model_id, say)


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


def remove_stock(
    cluster: Cluster, pipeline: str, with_settings: bool, undeploy_timeout_s: float, say: Say
) -> None:
    """Take away the model, the connector, and the trust in its address if no other connector needs it."""
    name = object_name(pipeline)
    made = Leftovers(ml_commons.models_named(cluster, name), ml_commons.connectors_named(cluster, name))
    remove_leftovers(cluster, made, with_settings, undeploy_timeout_s, say)


def _bare_connector(route: StockRoute) -> Json:
    made = body(
        "opensearch/bodies/stock-connector.json",
        name=route.name,
        description=None,
        endpoint=route.sidecar_url + ml_commons.RERANK_PATH,
        api_key=route.sidecar_key,
        timeout_ms=route.timeout_ms,
        connection_timeout_s=_CONNECT_TIMEOUT_S,
        read_timeout_s=route.read_timeout_s,
        max_connections=_MAX_CONNECTIONS,
    )
    if route.sidecar_key is None:
        del made["actions"][0]["headers"]["Authorization"]
    return made


def _connector(cluster: Cluster, route: StockRoute, before: Leftovers, say: Say) -> str:
    wanted = _bare_connector(route)
    right = {key for key, one in before.connectors.items() if is_of(str(one.get("description")), wanted)}
    if not right:
        connector_id = ml_commons.create_connector(cluster, connector_body(route))
        say(f"connector {connector_id} created")
        return connector_id
    used = [str(model.get("connector_id")) for model in before.models.values()]
    connector_id = next((one for one in used if one in right), min(right))
    say(f"connector {connector_id} as it should be")
    return connector_id


def _deployed_model(cluster: Cluster, models: Mapping[str, Json], say: Say) -> str | None:
    """One that is deployed and scores: one that was deployed before the settings allowed its address does not."""
    for model_id in sorted(key for key, model in models.items() if model.get("model_state") == "DEPLOYED"):
        try:
            scores = _proof(cluster, model_id)
        except ConfigurationError:
            continue
        say(f"model     {model_id} is deployed")
        _say_scores(scores, say)
        return model_id
    return None


def _new_model(
    cluster: Cluster, route: StockRoute, connector_id: str, models: Mapping[str, Json], say: Say
) -> str:
    """Deployed, and proven to score. One of a run that was cut off will do; one that is deployed is left alone."""
    idle = sorted(key for key, model in models.items() if model.get("model_state") != "DEPLOYED")
    model_id = idle[0] if idle else ml_commons.register(cluster, _model_body(route, connector_id))
    ml_commons.deploy(cluster, model_id, route.deploy_timeout_s)
    say(f"model     {model_id} {'deployed anew' if idle else 'created and deployed'}")
    try:
        scores = _proof(cluster, model_id)
    except ConfigurationError:
        if not idle:  # else each failed run would leave one
            with suppress(JrerankError):
                remove_model(cluster, model_id, {}, route.deploy_timeout_s)
        raise
    _say_scores(scores, say)
    return model_id


def _remove_others(
    cluster: Cluster, route: StockRoute, before: Leftovers, connector_id: str, model_id: str, say: Say
) -> None:
    kept = {model_id, *_models_of_others(cluster, route, before, say)}
    used = {connector_id, *(str(before.models.get(key, {}).get("connector_id")) for key in kept)}
    models = {key: one for key, one in before.models.items() if key not in kept}
    connectors = {key: one for key, one in before.connectors.items() if key not in used}
    remove_leftovers(cluster, Leftovers(models, connectors), route.with_settings, route.deploy_timeout_s, say)


def _models_of_others(cluster: Cluster, route: StockRoute, before: Leftovers, say: Say) -> list[str]:
    """Models of ours that somebody has put into a pipeline of his own."""
    pipelines = pipelines_by_model(cluster) if before.models else {}
    found = []
    for model_id in before.models:
        if others := [name for name in pipelines.get(model_id, []) if name != route.pipeline]:
            say(f"model     {model_id} stays: {', '.join(others)} uses it")
            found.append(model_id)
    return found


def _model_body(route: StockRoute, connector_id: str) -> Json:
    description = f"jrerank for the search pipeline {route.pipeline}"
    return body(
        "opensearch/bodies/stock-model.json",
        name=route.name,
        description=description,
        connector_id=connector_id,
    )


def _proof(cluster: Cluster, model_id: str) -> list[float]:
    """The scores of two passages; none from a pretended cluster."""
    try:
        scores = ml_commons.predict(cluster, model_id)
    except Refused as refused:
        raise ConfigurationError(f"the model cannot score, so no search was changed: {refused}") from None
    if not cluster.is_dry_run and len(scores) != len(ml_commons.PROOF_PASSAGES):
        raise ConfigurationError(
            f"the model gave {len(scores)} scores for {len(ml_commons.PROOF_PASSAGES)} passages, so no search was changed"
        )
    return scores


def _say_scores(scores: Sequence[float], say: Say) -> None:
    if scores:
        say(f"predict   two passages scored: {scores[0]:.4f} and {scores[1]:.4f}")
