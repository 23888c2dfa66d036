"""The extension's files, and the scripts from version to version."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.postgres.files import Script, newest_script
from jrerank.errors import ConfigurationError


def test_the_newest_script_ships() -> None:
    script = newest_script()
    assert script.path.name == f"jrerank--{script.version}.sql"
    assert f"SELECT '{script.version}'" in script.text


def test_scripts_lead_from_version_to_version(tmp_path: Path) -> None:
    for name in ("1.0--1.1", "1.1--2.0", "0.9--0.9.1"):
        (tmp_path / f"jrerank--{name}.sql").write_text(name)
    newest = Script("2.0", tmp_path / "jrerank--2.0.sql")
    assert [one.text for one in newest.upgrades_from("1.0")] == ["1.0--1.1", "1.1--2.0"]
    assert newest.upgrades_from("2.0") == []
    for nowhere in ("0.9", "3.0"):
        with pytest.raises(ConfigurationError, match=f"of version {nowhere}"):
            newest.upgrades_from(nowhere)
