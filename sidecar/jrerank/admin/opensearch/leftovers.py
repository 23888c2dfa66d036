"""Models and connectors of ML Commons that nothing needs any more, taken away with the trust in their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch import ml_commons
from jrerank.admin.opensearch.trust import TRUSTED, TRUSTED_PRIVATE, distrust, trusted_pattern
from jrerank.errors import Refused

_NOT_DEPLOYED = {"UNDEPLOYED", "REGISTERED", "DEPLOY_FAILED"}
_FORBIDDEN = 403
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """By their ids."""

    models: Mapping[str, Json]
    connectors: Mapping[str, Json]


def remove_leftovers(
    cluster: Cluster, leftovers: Leftovers, with_settings: bool, undeploy_timeout_s: float, say: Say
) -> None:
    """Take them away. An address that no other connector calls is trusted no more, or, not `with_settings`, is said."""
    for model_id, model in leftovers.models.items():
        remove_model(cluster, model_id, model, undeploy_timeout_s)
        say(f"model     {model_id} removed")
    for url in _addresses_of_no_other(cluster, leftovers.connectors):
        _distrust(cluster, url, with_settings, say)
    for connector_id in leftovers.connectors:  # last, since only they know the address
        ml_commons.delete_connector(cluster, connector_id)
        say(f"connector {connector_id} removed")


def remove_model(cluster: Cluster, model_id: str, model: Json, undeploy_timeout_s: float) -> None:
    """Undeploy it where it is deployed, and delete it."""
    if model.get("model_state") not in _NOT_DEPLOYED:
        ml_commons.undeploy(cluster, model_id, undeploy_timeout_s)
    ml_commons.delete_model(cluster, model_id)


def _addresses_of_no_other(cluster: Cluster, connectors: Mapping[str, Json]) -> set[str]:
    if not connectors:
        return set()
    others = {key: one for key, one in ml_commons.connectors(cluster).items() if key not in connectors}
    called, needed = ({ml_commons.address_of(one) for one in some.values()} for some in (connectors, others))
    return called - needed


def _distrust(cluster: Cluster, url: str, with_settings: bool, say: Say) -> None:
    """Where the settings are the operator's, what is left to him to do is said: the connector, which knew the address, goes."""
    if with_settings:
        try:
            distrust(cluster, url, say)
            return
        except Refused as refused:
            if refused.status != _FORBIDDEN:
                raise
    say(
        f"settings  left as they are: let the operator take {trusted_pattern(url)} out of {TRUSTED} and {TRUSTED_PRIVATE}, "
        "if nothing else calls this address"
    )
