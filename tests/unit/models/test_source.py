"""What `--model` may say, against a hub of our own."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from builders import random_tensors, tiny_architecture, tiny_config, write_checkpoint
from jrerank.errors import CorruptModel, ModelNotFound
from jrerank.models.source import BUNDLED, cached_models, open_checkpoint
from jrerank.settings import DEFAULT_MODEL

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "someone/tiny-reranker"


class Hub(ThreadingHTTPServer):
    """Answers as the hub does, for one repository; `asked` are the paths of the requests."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.asked = folder, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def downloads(self) -> set[str]:
        """Files that were sent."""
        return {
            path.partition("/resolve/")[2].partition("/")[2] for path in self.asked if "/resolve/" in path
        }


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if path.startswith("/api/models/gated/"):
            self._send(403, b"", {"X-Error-Code": "GatedRepo"}, body)
        elif path.startswith(f"/api/models/{REPO}/"):
            self._repository(path, body)
        elif path.startswith(f"/{REPO}/resolve/"):
            self._file(path.partition("/resolve/")[2].partition("/")[2], body)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)

    def _repository(self, path: str, body: bool) -> None:
        if path.rpartition("/")[2] not in {"main", "v1", COMMIT}:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
            return
        folder = self.server.folder
        files = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file()]
        content = {
            "id": REPO,
            "modelId": REPO,
            "sha": COMMIT,
            "siblings": [{"rfilename": file} for file in files],
        }
        if "/tree/" in path:
            sizes = [(file, (folder / file).stat().st_size) for file in files]
            tree = [{"type": "file", "path": file, "size": size, "oid": file} for file, size in sizes]
            self._send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"}, body)
        else:
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"}, body)

    def _file(self, name: str, body: bool) -> None:
        content = (self.server.folder / name).read_bytes()
        tag = hashlib.sha256(content).hexdigest()
        self._send(200, content, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}, body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """As HF_ENDPOINT does, which the library reads when it is imported."""
    template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = write_checkpoint(tmp_path / "repository", tiny_config())
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"a graph")
    (folder / "README.md").write_text("not needed")
    return folder


@pytest.fixture
def hub(repository: Path, hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(repository)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    use_hub(monkeypatch, server.url)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    return tmp_path / "hub"


@pytest.fixture
def no_hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub is at a port where nobody listens; gives the cache."""
    use_hub(monkeypatch, f"http://127.0.0.1:{closed_port()}")
    return hub_cache


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def lay_out_cache(cache: Path, revision: str = "main") -> Path:
    """What an earlier download has left."""
    folder = cache / f"models--{REPO.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / revision).write_text(COMMIT)
    return write_checkpoint(folder / "snapshots" / COMMIT, tiny_config())


def test_bundled_is_in_the_package() -> None:
    checkpoint = open_checkpoint("bundled")
    assert (checkpoint.name, checkpoint.folder, checkpoint.locator) == ("bundled", BUNDLED, str(BUNDLED))


def test_a_folder_is_opened_where_it_is(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.parent)
    checkpoint = open_checkpoint("repository")
    assert checkpoint.name == "repository"
    assert checkpoint.locator == str(repository), "another process may have another working directory"


def test_a_folder_comes_before_a_hub_id(
    repository: Path, no_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.parent.parent)
    assert open_checkpoint(f"{repository.parent.name}/repository").folder == repository


def test_random_and_a_size() -> None:
    assert open_checkpoint("random:tiny-v2").locator == "random:tiny-v2"


@pytest.mark.parametrize("model", ["random:huge-v2", "random:"])
def test_an_unknown_random_size_names_those_there_are(model: str) -> None:
    with pytest.raises(ModelNotFound, match="choose one of random:tiny-v2"):
        open_checkpoint(model)


@pytest.mark.parametrize(
    "model", ["", "nonsense", "/no/such/folder", "a/b/c", "../up", "a b/c", "owner/", "~"]
)
def test_what_is_neither_folder_nor_hub_id_is_refused(model: str) -> None:
    with pytest.raises(ModelNotFound, match="neither a folder nor a hub id"):
        open_checkpoint(model)


def test_a_hub_id_is_fetched_and_only_what_is_needed(hub: Hub) -> None:
    checkpoint = open_checkpoint(REPO)
    assert checkpoint.name == REPO
    assert checkpoint.architecture.summary.startswith("4 layers")
    assert hub.downloads() == {"config.json", "model.safetensors", "tokenizer.json"}


def test_of_weights_in_two_kinds_of_files_only_the_safetensors_are_fetched(hub: Hub) -> None:
    (hub.folder / "pytorch_model.bin").write_bytes(b"not needed")
    assert open_checkpoint(REPO).folder
    assert "pytorch_model.bin" not in hub.downloads()


def test_weights_that_are_only_in_torchs_format_are_fetched(hub: Hub) -> None:
    tensors = {name: torch.from_numpy(tensor) for name, tensor in random_tensors(tiny_architecture()).items()}
    torch.save(tensors, hub.folder / "pytorch_model.bin")
    (hub.folder / "model.safetensors").unlink()
    assert open_checkpoint(REPO).weights().keys() == tensors.keys()
    assert hub.downloads() == {"config.json", "pytorch_model.bin", "tokenizer.json"}


def test_a_model_in_a_folder_of_sentence_transformers_is_fetched_from_there(hub: Hub) -> None:
    within = hub.folder / "0_Transformer"
    within.mkdir()
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        (hub.folder / file).rename(within / file)
    (hub.folder / "modules.json").write_text('[{"path": "0_Transformer", "type": "x.Transformer"}]')
    assert open_checkpoint(REPO).architecture.summary.startswith("4 layers")


def test_prebuilt_graphs_are_fetched_when_asked_for(hub: Hub) -> None:
    folder = open_checkpoint(REPO, prebuilt_graphs=True).folder
    assert folder is not None
    assert (folder / "onnx" / "model.onnx").read_bytes() == b"a graph"


@pytest.mark.parametrize("revision", [None, "v1", COMMIT])
def test_a_revision_can_be_pinned(revision: str | None, hub: Hub) -> None:
    assert open_checkpoint(REPO, revision).folder
    assert any((revision or "main") in path.split("/") for path in hub.asked if path.startswith("/api/"))


@pytest.mark.parametrize(
    ("model", "revision", "said"),
    [
        ("someone/else", None, "the hub has no model someone/else"),
        ("gated/model", None, "gated/model is gated: .*HF_TOKEN"),
        (REPO, "v9", f"{REPO} has no revision 'v9'"),
        ("a/b--c", None, "the hub has no model a/b--c"),
    ],
)
def test_the_hubs_no_is_passed_on(model: str, revision: str | None, said: str, hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match=said):
        open_checkpoint(model, revision)


def test_a_repository_without_weights_is_an_error(hub: Hub) -> None:
    (hub.folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match=r"has no model\.safetensors"):
        open_checkpoint(REPO)


def test_damaged_weights_from_the_hub_are_an_error(hub: Hub) -> None:
    (hub.folder / "model.safetensors").write_bytes(b"<html>")
    with pytest.raises(CorruptModel, match="safetensors"):
        open_checkpoint(REPO)


def test_an_unreachable_hub_says_what_can_be_done(no_hub: Path) -> None:
    with pytest.raises(
        ModelNotFound, match=r"not in the local hub cache .*models pull.*--model bundled"
    ) as caught:
        open_checkpoint(DEFAULT_MODEL)
    assert "\n" not in str(caught.value)


def test_what_was_fetched_once_needs_no_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = open_checkpoint(REPO)
    use_hub(monkeypatch, f"http://127.0.0.1:{closed_port()}")
    assert open_checkpoint(REPO).fingerprint == fetched.fingerprint


@pytest.mark.parametrize("revision", ["main", "v1"])
def test_the_hubs_cache_is_honoured_offline(revision: str, tmp_path: Path) -> None:
    """As an operator has it: a copied cache and an environment variable."""
    snapshot = lay_out_cache(tmp_path / "hub", revision)
    program = f"from jrerank.models.source import *; print(open_checkpoint({REPO!r}, {revision!r}).folder)"
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:1"}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == str(snapshot)


def test_offline_without_a_cache_is_an_error(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="not in the local hub cache"):
        open_checkpoint(REPO)


def test_the_hubs_cache_tells_which_rerankers_are_here(hub_cache: Path) -> None:
    assert cached_models() == {}
    snapshot = lay_out_cache(hub_cache)
    other = hub_cache / "models--some--bert" / "snapshots" / COMMIT
    other.mkdir(parents=True)
    (other / "config.json").write_text('{"architectures": ["BertModel"]}')
    assert cached_models() == {REPO: snapshot}
