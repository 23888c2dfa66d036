"""One node for each OpenSearch release, shared by all tests, and fake sidecars for it to ask."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.search import Engine, marker
from jrerank.admin.opensearch_node.build import build
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, Release
from jrerank.admin.ports import free_port
from jrerank.cpu import usable_cores
from jrerank.errors import MissingTool
from sidecars import RunningSidecar, running_sidecar

API_KEY = "secret-of-the-keystore"
TIMEOUT_MS = 300
# What a node fetches for reranking is bounded by them: with more, the tests' clients would not keep it busy
PROCESSORS = min(2, usable_cores())
BREAKER = {"breaker.failures": 5, "breaker.probe_interval_ms": 100}


class Sidecars:
    """By the name of the endpoint that they stand behind; `pair` has two."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.main = FakeSidecar()
        self.second = FakeSidecar()
        self.third = FakeSidecar()
        self.tls = FakeSidecar(certificate)
        self.all = (self.main, self.second, self.third, self.tls)

    def settings(self) -> dict[str, object]:
        urls = {
            "main": self.main.url,
            "keyed": self.main.url,
            "pair": f'["{self.second.url}", "{self.third.url}"]',
            "tls": self.tls.url,
            "untrusted": self.tls.url,
            "nobody": "http://127.0.0.1:9",
        }
        settings: dict[str, object] = {f"jrerank.endpoint.{name}.urls": url for name, url in urls.items()}
        settings |= {
            f"jrerank.endpoint.{name}.{key}": value for name in urls for key, value in BREAKER.items()
        }
        return settings | {"jrerank.endpoint.tls.certificate_authorities": "sidecar-ca.pem"}


def need(release: Release) -> None:
    """Skips where the tools are missing, but for CI, where that is a failure."""
    try:
        build(release)
    except MissingTool as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "sidecar.pem", folder / "sidecar.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=sidecar",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    return pem, key


@pytest.fixture(scope="session")
def sidecars(certificate: tuple[Path, Path]) -> Iterator[Sidecars]:
    fakes = Sidecars(certificate)
    try:
        for fake in fakes.all:
            fake.start()
        yield fakes
    finally:
        for fake in fakes.all:
            fake.kill()


@pytest.fixture(scope="session", params=[OPENSEARCH_3, OPENSEARCH_2], ids=lambda release: release.version)
def release(request: pytest.FixtureRequest) -> Release:
    asked: Release = request.param
    need(asked)
    return asked


@pytest.fixture(scope="session")
def real_sidecar(
    release: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningSidecar, int]]:
    """A sidecar with the bundled model, and the port of the node that its store `docs` is on."""
    port = free_port()
    docs = {"urls": f"http://127.0.0.1:{port}", "index": ["docs", "narrow"], "text_fields": PASSAGE_FIELDS}
    stores = {
        "docs": {"kind": "opensearch", "returns_text": True, **docs},
        # Of its own, since a store remembers for a while what an index can give, and other tests make `narrow` anew
        "clients": {"kind": "opensearch", "returns_text": True, **docs},
        "elastic": {
            "kind": "elasticsearch",
            "returns_text": True,
            **docs,
        },  # as Elasticsearch's clients need it
    }
    with running_sidecar(tmp_path_factory.mktemp("sidecar"), stores=json.dumps(stores)) as running:
        yield running, port


@pytest.fixture(scope="session")
def node(
    release: Release,
    sidecars: Sidecars,
    certificate: tuple[Path, Path],
    real_sidecar: tuple[RunningSidecar, int],
) -> Iterator[Node]:
    running, port = real_sidecar
    settings = sidecars.settings() | {
        "jrerank.endpoint.real.urls": running.url,
        "node.processors": PROCESSORS,
    }
    files = {"sidecar-ca.pem": certificate[0].read_text()}
    secrets = {"jrerank.endpoint.keyed.api_key": API_KEY}
    with Node(release, settings, secrets, files, port=port) as node:
        yield node


@pytest.fixture(scope="session")
def loaded(node: Node) -> Iterator[Engine]:
    """The engine, with the corpus in the index `docs`, whose default pipeline reranks."""
    with Engine(node.url) as engine:
        engine.put_pipeline("rerank", endpoint="main", timeout_ms=TIMEOUT_MS, passage_fields=PASSAGE_FIELDS)
        load(engine, "docs", kuromoji=bool(node.release.plugins), default_pipeline="rerank")
        _warm(engine)
        yield engine


def _warm(engine: Engine) -> None:
    """A Java process compiles what it runs, which counts for the first searches' time."""
    for _ in range(20):
        if marker(engine.search({"query": {"match": {"body": QUERY}}}))["outcome"] == "complete":
            return


@pytest.fixture
def engine(loaded: Engine, sidecars: Sidecars) -> Engine:
    """The engine, and all sidecars well."""
    for fake in sidecars.all:
        fake.start()
        fake.behave("ok")
    loaded.await_closed_circuits()
    return loaded
