"""The sidecar's image, built and run as compose runs it: read-only, without root, without a capability."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from integration.compose.engine import Engine
from jrerank.admin.ports import free_port

KEY = "secret-of-the-file"
HARDENED = [
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
    "--memory=1g",
    "--pids-limit=256",
]
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
QUESTION = {
    "query": "富士山の高さ",
    "hits": [
        {"id": "a", "text": "味噌汁の作り方", "score": 7.1},
        {"id": "b", "text": "富士山の標高は3776メートルである", "score": 6.8},
    ],
}
_START_S = 60


@dataclass(frozen=True)
class Container:
    name: str
    url: str


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Readable by whoever the container runs as, as compose mounts secrets."""
    file = tmp_path_factory.mktemp("secrets") / "key"
    file.write_text(KEY)
    file.chmod(0o444)
    return file


@contextmanager
def container(engine: Engine, image: str, key_file: Path, *options: str) -> Iterator[Container]:
    """Started, and healthy."""
    name, port = f"jrerank-test-{time.monotonic_ns()}", free_port()
    # On the host's network, since an engine of our own has no other
    place = ["--network=host", "--env=JRERANK_HOST=127.0.0.1", f"--env=JRERANK_PORT={port}"]
    secret = [f"--volume={key_file}:/run/secrets/key:ro", "--env=JRERANK_API_KEYS_FILE=/run/secrets/key"]
    engine.run("run", "--detach", "--name", name, *HARDENED, *place, *secret, *options, image)
    try:
        await_health(engine, name)
        yield Container(name, f"http://127.0.0.1:{port}")
    finally:
        engine.run("rm", "--force", "--volumes", name)


def await_health(engine: Engine, name: str) -> None:
    deadline = time.monotonic() + _START_S
    while (state := engine.inspect(name)["State"])["Health"]["Status"] != "healthy":
        assert state["Running"], engine.run("logs", name).stdout
        assert time.monotonic() < deadline, engine.run("logs", name).stdout
        time.sleep(0.2)


@pytest.fixture(scope="module")
def running(engine: Engine, image: str, key_file: Path) -> Iterator[Container]:
    """With a volume that is filled from the image but can't be written to: what isn't in the image can't be made."""
    volume = f"jrerank-test-{time.monotonic_ns()}"
    mount = f"--mount=type=volume,source={volume},destination=/var/cache/jrerank,readonly"
    try:
        with container(engine, image, key_file, mount) as started:
            yield started
    finally:
        engine.run("volume", "rm", "--force", volume)


def test_it_reranks_with_the_graph_that_is_in_it(running: Container) -> None:
    answer = httpx.post(f"{running.url}/v1/hits", json=QUESTION, headers=AUTHORIZED).json()
    assert answer["outcome"] == "complete"
    assert [hit["id"] for hit in answer["hits"]] == ["b", "a"]


def test_it_tokenizes_by_the_kernel(engine: Engine, running: Container) -> None:
    code = (
        "from jrerank.assembly import load_checkpoint; from jrerank.settings import Settings;"
        " from jrerank.tokenization.windows import Tokenization;"
        " print(Tokenization(load_checkpoint(Settings()), 512).slow_because)"
    )
    done = engine.run("exec", running.name, "/opt/jrerank/bin/python", "-c", code)
    assert done.stdout.strip() == "None"


def test_without_the_key_nobody_is_answered(running: Container) -> None:
    assert httpx.post(f"{running.url}/v1/hits", json=QUESTION).status_code == 401


def test_it_is_not_root(engine: Engine, running: Container) -> None:
    assert engine.inspect(running.name)["Config"]["User"] == "10001:10001"
    assert engine.run("exec", running.name, "id", "-u").stdout.strip() == "10001"


def test_another_models_graph_is_built_into_the_volume(engine: Engine, image: str, key_file: Path) -> None:
    with container(engine, image, key_file, "--env=JRERANK_MODEL=random:tiny-v2", "--tmpfs=/tmp") as other:
        info = httpx.get(f"{other.url}/info", headers=AUTHORIZED).json()
        graphs = engine.run(
            "exec", other.name, "sh", "-c", "ls -d /var/cache/jrerank/artifacts/*/model.onnx"
        ).stdout
    assert info["model_id"] == "random:tiny-v2"
    assert len(graphs.split()) == 2


def test_it_does_not_start_without_a_key(engine: Engine, image: str) -> None:
    done = engine.run("run", "--rm", *HARDENED, "--network=none", image, check=False)
    assert done.returncode == 3
    assert "JRERANK_API_KEYS_FILE" in done.stdout
    assert "Traceback" not in done.stdout


def test_it_stops_when_it_is_told_to(engine: Engine, running: Container) -> None:
    engine.run("stop", "--time", "30", running.name)
    state = engine.inspect(running.name)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_it_holds_what_serving_needs_and_no_more(engine: Engine, image: str) -> None:
    code = (
        "import importlib.util as u; print(*[n for n in ('torch', 'transformers', 'pip', 'pytest', 'pgserver',"
        " 'opensearchpy', 'psycopg', 'opentelemetry.sdk') if u.find_spec(n)])"
    )
    done = engine.run(
        "run", "--rm", "--network=none", "--entrypoint=/opt/jrerank/bin/python", image, "-c", code
    )
    assert done.stdout.split() == ["opensearchpy", "psycopg", "opentelemetry.sdk"]
