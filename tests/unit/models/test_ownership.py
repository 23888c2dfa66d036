"""Which files are trusted."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from jrerank.errors import ArtifactError
from jrerank.models.ownership import check_trusted, distrust

FOLDER = stat.S_IFDIR


def found(mode: int, uid: int, gid: int = 100) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "uid", "gid"),
    [(0o755, 1000, 100), (0o644, 0, 0), (0o775, 1000, 1000), (0o2775, 0, 2000), (0o700, 1000, 100)],
    ids=["one's own", "root's", "with one's own group", "a volume with fsGroup", "private"],
)
def test_what_only_one_self_and_root_have_written_is_trusted(mode: int, uid: int, gid: int) -> None:
    assert distrust(found(FOLDER | mode, uid, gid), 1000, {1000, 2000}) is None


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "said"),
    [
        (0o755, 1001, 1000, "belongs to uid 1001, not to uid 1000 or root"),
        (0o757, 1000, 1000, "by everybody (mode 757)"),
        (0o1777, 0, 0, "by everybody (mode 1777)"),
        (0o775, 1000, 50, r"by a group that is not this process's (gid 50)"),
    ],
)
def test_what_others_could_have_written_is_not(mode: int, uid: int, gid: int, said: str) -> None:
    reason = distrust(found(FOLDER | mode, uid, gid), 1000, {1000, 2000})
    assert reason is not None
    assert said in reason


def test_the_error_names_the_path_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "fine").write_text("")
    (tmp_path / "open").write_text("")
    (tmp_path / "open").chmod(0o666)
    check_trusted([tmp_path, tmp_path / "fine"])
    with pytest.raises(ArtifactError, match=r"open can be written by everybody.*set JRERANK_CACHE_DIR"):
        check_trusted([tmp_path / "fine", tmp_path / "open"])


def test_where_there_are_no_owners_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "geteuid")
    check_trusted([tmp_path / "missing"])
