"""What the README of `compose/` says, held to what is there. Its searches are run by the tests of the loaders."""

from __future__ import annotations

import re

import pytest

from integration.compose.files import COMPOSE, ROOT, Dockerfile, compose_file

README = (COMPOSE / "README.md").read_text(encoding="utf-8")
SERVICES = compose_file()["services"]
COMMANDS = [
    line for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("docker compose")])
def test_the_services_that_it_names_are_there(command: str) -> None:
    verb, *words = command.split()[2:]
    named = words[:1] if verb == "exec" else [word for word in words if not word.startswith("-")]
    assert all(name in SERVICES for name in named)


def test_the_build_command_names_a_dockerfile() -> None:
    (build,) = [line.split() for line in COMMANDS if line.startswith("docker build")]
    assert (ROOT / build[build.index("-f") + 1]).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_the_table_says_what_is_published_and_how_much_memory_it_may_take(name: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` ")]
    for port in SERVICES[name].get("ports", []):
        variable, published = re.findall(r"\{(\w+):-(\d+)\}", port)[0]
        assert f"{published} " in row
        assert f"(`{variable}`)" in row
    assert {"512m": "512 MB", "1g": "1 GB", "2g": "2 GB"}[SERVICES[name]["mem_limit"]] in row


def test_the_base_images_that_it_names_are_those_of_the_dockerfiles() -> None:
    opensearch = Dockerfile.read("compose/opensearch/Dockerfile").defaults()["OPENSEARCH_VERSION"]
    assert f"opensearchproject/opensearch:{opensearch}" in README
    assert Dockerfile.read("compose/postgres/Dockerfile").defaults()["POSTGRES"] in README


def test_every_secret_is_explained() -> None:
    for name in compose_file()["secrets"]:
        assert f"| `{name}` |" in README


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (COMPOSE / target).exists(), target
