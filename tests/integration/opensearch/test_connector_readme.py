"""Every command in connectors/opensearch/README.md, run as it stands there; every option and reason of the code in its tables."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from integration.opensearch.conftest import need
from integration.opensearch.search import Engine, ids, marker
from jrerank.admin.app import app
from jrerank.admin.opensearch_node.build import plugin_zip, sources
from jrerank.admin.opensearch_node.jdk import find_jdk
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3, RELEASES
from sidecars import running_sidecar

pytestmark = pytest.mark.node

CONNECTOR = sources("plugin").parent
ROOT = CONNECTOR.parents[1]
README = (CONNECTOR / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
CURLS = [command for command in COMMANDS if command.startswith("curl")]
JAVA = "\n".join(path.read_text() for path in sources("plugin").glob("src/main/java/**/*.java"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[httpx.Response]]:
    """What the README's requests get, one after the other, from a node with its settings."""
    need(OPENSEARCH_3)
    lines, _of_prometheus = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    with running_sidecar(tmp_path_factory.mktemp("sidecar")) as sidecar:
        settings = dict(line.split(": ", 1) for line in lines.strip().splitlines())
        settings = {
            name: value.replace("http://127.0.0.1:8080", sidecar.url) for name, value in settings.items()
        }
        with Node(settings=settings) as node, Engine(node.url) as engine:
            yield [_run(engine.http, curl.replace("http://127.0.0.1:8080", sidecar.url)) for curl in CURLS]


def _run(http: httpx.Client, curl: str) -> httpx.Response:
    words = iter(shlex.split(curl)[1:])
    method, url, headers, body = "GET", "", {}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words).encode()
        elif word != "-s":
            url = word
    assert url.startswith("localhost:9200/")
    return http.request(method, url.removeprefix("localhost:9200/"), headers=headers, content=body)


def test_its_requests_are_answered(answers: list[httpx.Response]) -> None:
    assert [answer.status_code for answer in answers] == [200] * len(CURLS)


def test_its_searches_are_reranked_as_it_says(answers: list[httpx.Response]) -> None:
    searched = [answer.json() for answer in answers[:-1] if "hits" in answer.json()]
    assert len(searched) == 2
    first, second = searched
    assert sorted(ids(first)) == ["a", "b"]
    (shown,) = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    assert marker(first) | {"took_ms": 0} == shown | {"took_ms": 0}
    assert [hit["_source"].keys() for hit in second["hits"]["hits"]] == [{"title"}]
    assert second["hits"]["hits"][0]["fields"]["_jrerank"][0]["first_rank"] == 1


def test_its_last_requests_show_the_counts(answers: list[httpx.Response]) -> None:
    *_, stats, metrics = answers
    ((node_id, counted),) = stats.json()["nodes"].items()
    assert counted["searches"]["outcomes"] == {"complete": 2}
    assert counted["endpoints"]["main"][0]["circuit"] == "closed"
    assert (
        f'jrerank_plugin_searches_total{{node="{counted["name"]}",node_id="{node_id}",outcome="complete"}} 2\n'
        in metrics.text
    )


@pytest.mark.parametrize(
    ("version", "command"), re.findall(r"^\| (\S+) \| .*`(mvn .*)` \|$", README, re.MULTILINE)
)
def test_its_build_commands_make_the_zip(version: str, command: str, tmp_path: Path) -> None:
    release = RELEASES[version]
    need(release)
    jdk = find_jdk(release.java, release.newest_java, compiles=True)
    subprocess.run(
        [*shlex.split(command), "-o", f"-Dtarget.folder={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "JAVA_HOME": str(jdk.home)},
        check=True,
        capture_output=True,
    )
    assert (tmp_path / f"opensearch-{version}" / plugin_zip(release).name).is_file()


def test_the_zip_that_it_installs_has_its_name() -> None:
    (install,) = [command for command in COMMANDS if command.startswith("bin/opensearch-plugin")]
    assert Path(install.strip()).name == plugin_zip(OPENSEARCH_3).name


def test_it_names_every_option_and_setting() -> None:
    options = re.findall(r'(?:config|type, tag, config), "(\w+)"', JAVA)
    settings = re.findall(r'affix\(\s*"([\w.]+)"', JAVA)
    assert len(options) > 10
    assert len(settings) == 5
    assert [name for name in {*options, *settings} if f"`{name}`" not in README] == []


def test_it_names_every_reason() -> None:
    reasons = re.findall(r'String [A-Z_]+ = "([a-z][a-z_]+[a-z])";', JAVA) + re.findall(
        r'new Failure\("(\w+)"', JAVA
    )
    tables = README.partition("## What became of a search")[2]
    assert len(reasons) > 15
    # an outcome, two that are only counted, names of processors, and one whose number is still to come
    left_out = {"passthrough", "overtaken", "other", "jrerank_window", "jrerank", "status_"}
    assert [reason for reason in set(reasons) - left_out if f"`{reason}`" not in tables] == []


@pytest.mark.parametrize("command", re.findall(r"`(jrerank-admin [^`]+)`", README))
def test_its_admin_commands_are_understood(command: str) -> None:
    result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (CONNECTOR / target).exists(), target
