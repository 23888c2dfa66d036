"""An inference endpoint of task `rerank` that asks the sidecar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json, Request
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch.ml_commons import PROOF_PASSAGES, PROOF_QUERY
from jrerank.errors import ConfigurationError, InvalidInput

SERVICES = {"hugging_face": "hugging-face.json", "custom": "custom.json"}
_PATHS = ("/v1/rerank", "/rerank")
_NO_KEY = "none"  # the service insists on one; a sidecar without keys does not look at it


@dataclass(frozen=True, slots=True)
class InferenceEndpoint:
    """`service` is `hugging_face`, which speaks `/rerank`, or `custom`, which speaks `/v1/rerank` with a deadline."""

    id: str
    service: str
    sidecar_url: str
    sidecar_key: str | None = field(default=None, repr=False)
    timeout_ms: int = 500

    @property
    def path(self) -> str:
        """Where the cluster has it."""
        return inference_path(self.id)


def inference_path(inference_id: str) -> str:
    """Where the cluster has the endpoint of that name."""
    return f"/_inference/rerank/{inference_id}"


def checked_service(word: str) -> str:
    """One of the services.

    Raises:
        InvalidInput: it is none.
    """
    if word not in SERVICES:
        raise InvalidInput(f"--service {word}: there are {' and '.join(SERVICES)}", field="service")
    return word


def endpoint_body(endpoint: InferenceEndpoint) -> Json:
    """As the cluster takes it."""
    made = body(
        f"elasticsearch/bodies/{SERVICES[endpoint.service]}",
        sidecar_url=endpoint.sidecar_url,
        api_key=endpoint.sidecar_key or (_NO_KEY if endpoint.service == "hugging_face" else None),
        timeout_ms=endpoint.timeout_ms,
    )
    if endpoint.service == "custom" and endpoint.sidecar_key is None:
        del made["service_settings"]["headers"]["Authorization"]
    return made


def retriever_body(inference_id: str, field: str, query: str, window: int = 100) -> Json:
    """A search that reranks the `window` best hits of a match query; where the sidecar fails, in their old order."""
    return body(
        "elasticsearch/bodies/retriever.json",
        inference_id=inference_id,
        field=field,
        query=query,
        window=window,
    )


def set_up_inference(
    cluster: Cluster, endpoint: InferenceEndpoint, force: bool, say: Callable[[str], object]
) -> None:
    """Create it, or where it differs, remove it and create it anew, since its address and key cannot be changed.

    `force`: make it anew though it is the same, and though `setup` did not make it.

    Raises:
        InvalidInput: the one that is there was not made by `setup`.
        ConfigurationError: the cluster refuses it, or it does not score; one that it should replace is still there.
    """
    found = find_inference(cluster, endpoint.id)
    if found is not None and not force and _is_same(found, endpoint_body(endpoint)):
        say(f"endpoint  {endpoint.id} as it should be; --replace if its key is another")
    elif found is not None:
        if not force:
            check_ours(endpoint.id, found, "--replace")
        _check_replacement(cluster, endpoint)
        remove_inference(cluster, endpoint.id)
        _create(cluster, endpoint)
        say(f"endpoint  {endpoint.id} replaced: {endpoint.service}")
    else:
        _create(cluster, endpoint)
        say(f"endpoint  {endpoint.id} created: {endpoint.service}")
    scores = _proof(cluster, endpoint.id)
    if scores:
        say(f"infer     two passages scored: {scores[0]:.4f} and {scores[1]:.4f}")


def check_ours(inference_id: str, found: Json, option: str) -> None:
    """The endpoint is one that asks a sidecar.

    Raises:
        InvalidInput: it is another's; the message names the option by which to go on.
    """
    service, url = found.get("service"), str(found.get("service_settings", {}).get("url", ""))
    if service not in SERVICES or not url.endswith(_PATHS):
        raise InvalidInput(
            f"the inference endpoint {inference_id} was not made by setup ({service}{f', {url}' if url else ''}), and its key "
            f"cannot be read back: choose another --inference-id, or go on by {option}",
            field="inference_id",
        )


def find_inference(cluster: Cluster, inference_id: str) -> Json | None:
    """The endpoint as the cluster shows it, without its key."""
    found = (cluster.look(inference_path(inference_id)) or {}).get("endpoints") or [None]
    first: Json | None = found[0]
    return first


def remove_inference(cluster: Cluster, inference_id: str) -> None:
    """Also where an index or a pipeline still names it."""
    cluster.ask(Request("DELETE", inference_path(inference_id), parameters={"force": "true"}))


def infer(cluster: Cluster, inference_id: str) -> list[float]:
    """The scores of two passages, by way of the cluster and the sidecar, in the order of the passages."""
    body: Json = {"query": PROOF_QUERY, "input": list(PROOF_PASSAGES)}
    answer = cluster.ask(Request("POST", inference_path(inference_id), body))
    return [
        one["relevance_score"] for one in sorted(answer.get("rerank", []), key=lambda one: int(one["index"]))
    ]


def _create(cluster: Cluster, endpoint: InferenceEndpoint) -> None:
    cluster.ask(Request("PUT", endpoint.path, endpoint_body(endpoint)))


def _check_replacement(cluster: Cluster, endpoint: InferenceEndpoint) -> None:
    """It scores under another name, so that the endpoint in use is not lost for one that the cluster refuses."""
    trial = replace(endpoint, id=f"{endpoint.id}-jrerank-trial")
    _remove_if_there(cluster, trial.id)  # of a run that was cut off
    try:
        _create(cluster, trial)
        _proof(cluster, trial.id)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{endpoint.id} stays as it was, since its replacement cannot score: {error}"
        ) from None
    finally:
        _remove_if_there(cluster, trial.id)


def _remove_if_there(cluster: Cluster, inference_id: str) -> None:
    if find_inference(cluster, inference_id) is not None:
        remove_inference(cluster, inference_id)


def _proof(cluster: Cluster, inference_id: str) -> list[float]:
    """Its scores of two passages; none from a pretended cluster."""
    scores = infer(cluster, inference_id)
    if not cluster.is_dry_run and len(scores) != len(PROOF_PASSAGES):
        raise ConfigurationError(
            f"{inference_id} gave {len(scores)} scores for {len(PROOF_PASSAGES)} passages"
        )
    return scores


def _is_same(found: Json, wanted: Json) -> bool:
    """In all that the cluster shows of it: keys are not, and it may show more than it was given."""
    shown = found.get("service_settings", {})
    settings = wanted["service_settings"]
    keys = [key for key in settings if key not in {"api_key", "secret_parameters", "headers"}]
    return found.get("service") == wanted["service"] and all(shown.get(key) == settings[key] for key in keys)
