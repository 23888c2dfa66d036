"""Secrets come from files or from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.secrets import secret
from jrerank.errors import ConfigurationError


def test_a_file_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "of the variable")
    assert secret("THE_KEY", None) == "of the variable"
    (tmp_path / "key").write_text("of the file\n# and a remark\n")
    assert secret("THE_KEY", tmp_path / "key") == "of the file"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "")
    assert secret("THE_KEY", None) is None


def test_a_file_without_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    for file, said in ((tmp_path / "key", "THE_KEY"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(ConfigurationError, match=said):
            secret("THE_KEY", file)
