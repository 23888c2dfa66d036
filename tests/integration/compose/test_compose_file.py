"""What `compose.yaml` may do to the machine that it runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from integration.compose.files import COMPOSE, compose_file
from jrerank import __version__

FILE = compose_file()
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
# OpenSearch's own image writes beside its program: its configuration, its keystore, its logs
WRITES_TO_ITS_IMAGE = {"opensearch"}


def compose_command() -> list[str]:
    """The plugin of docker's command line, or Debian's program."""
    plugin = ["docker", "compose"]
    if (
        shutil.which("docker")
        and subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode == 0
    ):
        return plugin
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if os.environ.get("CI") == "true":
        raise AssertionError("neither docker compose nor docker-compose is there")
    pytest.skip("neither docker compose nor docker-compose is there")


def test_compose_accepts_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [*compose_command(), "-f", COMPOSE / "compose.yaml", "--project-directory", COMPOSE, "config"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@each_service
def test_nothing_is_published_beyond_loopback(service: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:\d+", port) for port in service.get("ports", []))
    assert not {"network_mode", "pid", "ipc", "privileged", "devices", "cap_add"} & service.keys()


@each_service
def test_it_runs_with_no_capability_and_can_gain_none(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_it_can_take_only_so_much_of_the_machine(service: dict[str, Any]) -> None:
    assert service["mem_limit"]
    assert service["pids_limit"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - WRITES_TO_ITS_IMAGE))
def test_it_can_write_only_to_its_volumes(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@each_service
def test_nothing_of_the_machine_is_mounted_but_for_reading(service: dict[str, Any]) -> None:
    for volume in service.get("volumes", []):
        source, _, *mode = volume.split(":")
        assert source in FILE["volumes"] or (source.startswith("./") and mode == ["ro"])


@each_service
def test_secrets_come_as_files(service: dict[str, Any]) -> None:
    for name in service.get("environment", {}):
        assert not re.search("PASSWORD|SECRET|TOKEN|_KEY", name) or name.endswith("_FILE"), name
    assert set(service.get("secrets", [])) <= FILE["secrets"].keys()
    assert all(secret == {"file": f"./secrets/{name}"} for name, secret in FILE["secrets"].items())


@each_service
def test_it_waits_for_health_or_for_an_end_not_for_a_start(service: dict[str, Any]) -> None:
    for needed in service.get("depends_on", {}).values():
        assert needed["condition"] in {"service_healthy", "service_completed_successfully"}


@each_service
def test_the_images_are_of_this_release(service: dict[str, Any]) -> None:
    assert service["image"].endswith(f":{__version__}")


def test_the_secrets_are_made_once_and_are_readable_in_the_container_only(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() == FILE["secrets"].keys()
    assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in made.values())
    assert len(set(made.values())) == len(made)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run([tmp_path / "make-secrets"], check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_git_and_the_build_context_leave_the_secrets_out() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "secrets/jrerank_api_key"], cwd=COMPOSE, check=False
    )
    assert ignored.returncode == 0
    first, *others = [
        line
        for line in (COMPOSE.parent / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    assert not [line for line in others if line in {"!compose", "!compose/", "!compose/secrets"}]
