"""Files that ship beside the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank import shipped


def test_a_checkout_has_them_at_its_top() -> None:
    assert (shipped.shipped("connectors") / "hits-api.md").is_file()
    assert (shipped.shipped("sql") / "README.md").is_file()


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sql").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGED", tmp_path)
    assert shipped.shipped("sql") == tmp_path / "sql"


def test_it_is_known_which_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not shipped.is_installed()
    monkeypatch.setattr(shipped, "_PACKAGED", tmp_path)
    assert shipped.is_installed()
