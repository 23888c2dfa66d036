"""Cluster settings by which ML Commons may call the sidecar."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json, Request

_ML = "plugins.ml_commons."
TRUSTED = f"{_ML}trusted_connector_endpoints_regex"
TRUSTED_PRIVATE = f"{_ML}trusted_connector_private_endpoints_regex"
PRIVATE_IP = f"{_ML}connector.private_ip_enabled"
ONLY_ML_NODES = f"{_ML}only_run_on_ml_node"
_PRIVATE_REGEX_SINCE = (3, 7)
_NOTE = (
    f"put what {TRUSTED} lists now in front of it, or it is lost; "
    f"before OpenSearch 3.7 leave out {TRUSTED_PRIVATE}; without ML nodes add {ONLY_ML_NODES}: false"
)


def trusted_pattern(url: str) -> str:
    """The regular expression, of Java and of Python, that matches what is below this address and nothing else."""
    return f"^{re.escape(url)}/.*$"


def is_private(url: str) -> bool:
    """Loopback, a private address, or a bare name such as `sidecar`, which only a private network can resolve."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


def trust(cluster: Cluster, url: str, private: bool, say: Callable[[str], object]) -> bool:
    """Let connectors call what is below `url`: whether anything had to be written. What is allowed already stays so."""
    scopes = _scopes(cluster)
    pattern = trusted_pattern(url)
    wanted: Json = {TRUSTED: [*_listed(scopes, TRUSTED, pattern), pattern]}
    if private:
        wanted[PRIVATE_IP] = True
        if _version(cluster) >= _PRIVATE_REGEX_SINCE:
            wanted[TRUSTED_PRIVATE] = [*_listed(scopes, TRUSTED_PRIVATE, pattern), pattern]
    if _has_no_ml_node(cluster):
        wanted[ONLY_ML_NODES] = False
    changed = {key: value for key, value in wanted.items() if not _same(_value(scopes, key), value)}
    _write(cluster, scopes, changed)
    say(f"settings  {', '.join(changed) if changed else 'as they should be'}")
    return bool(changed)


def distrust(cluster: Cluster, url: str, say: Callable[[str], object]) -> None:
    """Take the address out of the lists again. Private addresses stay allowed: other connectors may need them."""
    scopes = _scopes(cluster)
    pattern = trusted_pattern(url)
    changed = {
        key: _listed(scopes, key, pattern) or None
        for key in (TRUSTED, TRUSTED_PRIVATE)
        if pattern in _list(_value(scopes, key))
    }
    _write(cluster, scopes, changed)
    say(f"settings  {url} is trusted no more; {PRIVATE_IP} and {ONLY_ML_NODES} stay as they are")


def what_is_missing(cluster: Cluster, url: str) -> list[str]:
    """The settings without which a connector to `url` is refused."""
    scopes = _scopes(cluster)
    missing = [] if _trusts(scopes, TRUSTED, url) else [TRUSTED]
    if is_private(url):
        missing += [] if _same(_value(scopes, PRIVATE_IP), True) else [PRIVATE_IP]
        missing += (
            []
            if _version(cluster) < _PRIVATE_REGEX_SINCE or _trusts(scopes, TRUSTED_PRIVATE, url)
            else [TRUSTED_PRIVATE]
        )
    return missing


def _scopes(cluster: Cluster) -> Json:
    return cluster.look("/_cluster/settings", include_defaults="true", flat_settings="true") or {}


def _value(scopes: Json, key: str) -> Any:
    for scope in ("transient", "persistent", "defaults"):
        if key in scopes.get(scope, {}):
            return scopes[scope][key]
    return None


def _list(value: Any) -> list[str]:
    if isinstance(value, str):  # a list that was set as a text
        return [one.strip() for one in value.strip("[]").split(",") if one.strip()]
    return list(value or [])


def _listed(scopes: Json, key: str, pattern: str) -> list[str]:
    return [one for one in _list(_value(scopes, key)) if one != pattern]


def _same(now: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return set(_list(now)) == set(wanted)
    return str(now).lower() == str(wanted).lower()


def _trusts(scopes: Json, key: str, url: str) -> bool:
    return any(_matches(pattern, url) for pattern in _list(_value(scopes, key)))


def _matches(pattern: str, url: str) -> bool:
    try:
        return re.fullmatch(pattern, f"{url}/v1/rerank") is not None
    except re.error:  # Java's own syntax
        return False


def _write(cluster: Cluster, scopes: Json, changed: Json) -> None:
    transient = {key: value for key, value in changed.items() if key in scopes.get("transient", {})}
    persistent = {key: value for key, value in changed.items() if key not in transient}
    body = {
        scope: values for scope, values in (("persistent", persistent), ("transient", transient)) if values
    }
    if body:
        note = _NOTE if cluster.is_dry_run else ""
        cluster.ask(Request("PUT", "/_cluster/settings", body, note=note))


def _version(cluster: Cluster) -> tuple[int, ...]:
    """Of a cluster that is only pretended, the newest."""
    number = (cluster.look("/") or {}).get("version", {}).get("number", "999")
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])


def _has_no_ml_node(cluster: Cluster) -> bool:
    nodes = (cluster.look("/_nodes", filter_path="nodes.*.roles") or {}).get("nodes", {})
    return bool(nodes) and not any("ml" in node["roles"] for node in nodes.values())
