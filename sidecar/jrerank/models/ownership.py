"""Whether others could have written a file: a graph is as good as code, and its hashes lie beside it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection
from pathlib import Path

from jrerank.errors import ArtifactError

_ADVICE = "mend that, or set JRERANK_CACHE_DIR to a folder of your own"


def check_trusted(paths: Collection[Path]) -> None:
    """Refuse what this user, root and this user's groups have not written alone.

    Raises:
        ArtifactError: it belongs to somebody else, or others may write it; the message names the path.
    """
    if sys.platform == "win32":
        return
    uid, groups = os.geteuid(), {os.getegid(), *os.getgroups()}
    for path in paths:
        if (reason := distrust(path.stat(), uid, groups)) is not None:
            raise ArtifactError(f"{path} {reason}, so what is in it is not trusted: {_ADVICE}")


def distrust(found: os.stat_result, uid: int, groups: Collection[int]) -> str | None:
    """Why a process of `uid` and `groups` does not trust a file, or None if it does.

    A group of one's own may write: whoever has a group to themselves has it do so by default, and so have volumes of Kubernetes.
    """
    if found.st_uid not in {0, uid}:
        return f"belongs to uid {found.st_uid}, not to uid {uid} or root"
    if found.st_mode & stat.S_IWOTH:
        return f"can be written by everybody (mode {stat.S_IMODE(found.st_mode):o})"
    if found.st_mode & stat.S_IWGRP and found.st_gid not in groups:
        return f"can be written by a group that is not this process's (gid {found.st_gid})"
    return None
