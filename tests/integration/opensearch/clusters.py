"""A second cluster beside a node: one of its nodes has the plugin, the other hasn't, and both clusters search each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from integration.opensearch.search import Engine, Json
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.ports import free_port


@dataclass(frozen=True)
class Other:
    """A node with the plugin and one without it, of one cluster that is called `other`."""

    plugged: Engine
    bare: Engine


@contextmanager
def other_cluster(sidecar_url: str, prepare: Callable[[Engine], object]) -> Iterator[Other]:
    """Two OpenSearch nodes; the endpoint of the one with the plugin is `main`.

    Args:
        prepare: makes pipelines as long as that node is alone: OpenSearch refuses those that some node doesn't know.
    """
    ports = [free_port(), free_port()]
    common: Json = {
        "cluster.name": "other",
        "discovery.type": "zen",
        "discovery.seed_hosts": f"127.0.0.1:{ports[0]}",
        "cluster.initial_cluster_manager_nodes": "plugged",
    }
    own: Json = {
        "node.name": "plugged",
        "transport.port": ports[0],
        "jrerank.endpoint.main.urls": sidecar_url,
    }
    with Node(settings=common | own) as plugged, Engine(plugged.url) as plugged_engine:
        prepare(plugged_engine)
        own = {"node.name": "bare", "transport.port": ports[1]}
        with Node(settings=common | own, has_plugin=False) as bare, Engine(bare.url) as bare_engine:
            yield Other(plugged_engine, bare_engine)


@contextmanager
def known_to_each_other(home: Engine, other: Engine) -> Iterator[None]:
    """They are `home` and `other` to each other."""
    for engine, name, remote in ((home, "other", other), (other, "home", home)):
        nodes = remote.http.get("_nodes/_local/transport").json()["nodes"].values()
        (address,) = [node["transport_address"] for node in nodes]
        # through this node alone: one without the plugin cannot answer for an index whose default pipeline needs it
        remote_settings = {"mode": "proxy", "proxy_address": address}
        engine.put("_cluster/settings", {"persistent": {f"cluster.remote.{name}": remote_settings}})
    yield
    home.put("_cluster/settings", {"persistent": {"cluster.remote.*": None}})
