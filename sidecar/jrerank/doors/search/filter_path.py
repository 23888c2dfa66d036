"""`filter_path`: the parts of an answer that its caller wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

_Path = tuple[str, ...]
_ANY_DEPTH = "**"
_MAX_PATHS = 100


def filtered(answer: Any, filter_path: str | None) -> Any:
    """The parts of `answer` at the comma-separated dotted paths; those at paths with a leading `-` are left out.

    `*` stands for (a part of) one name, `**` for any number of names; lists are no step of a path.
    """
    names = [name.strip() for name in (filter_path or "").split(",")][:_MAX_PATHS]
    kept = [tuple(name.split(".")) for name in names if name and not name.startswith("-")]
    dropped = [tuple(name[1:].split(".")) for name in names if name.startswith("-")]
    if kept:
        answer = _kept(answer, kept)
    return _without(answer, dropped) if dropped else answer


def _kept(value: Any, paths: Sequence[_Path]) -> Any:
    """What of `value` lies at `paths`; an empty object or list where nothing does."""
    if isinstance(value, list):
        parts = [_kept(one, paths) for one in value if isinstance(one, (dict, list))]
        return [part for part in parts if part]
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, inner in value.items():
        following = _following(paths, name)
        if _is_reached(following):
            found[name] = inner
        elif following and (part := _kept(inner, following)):
            found[name] = part
    return found


def _without(value: Any, paths: Sequence[_Path]) -> Any:
    if isinstance(value, list):
        return [_without(one, paths) for one in value]
    if not isinstance(value, dict):
        return value
    following = {name: _following(paths, name) for name in value}
    return {
        name: _without(inner, following[name])
        for name, inner in value.items()
        if not _is_reached(following[name])
    }


def _following(paths: Sequence[_Path], name: str) -> list[_Path]:
    """What is left of each path below `name`."""
    left: list[_Path] = []
    for path in paths:
        if path and path[0] == _ANY_DEPTH:
            left += [path, *_following([path[1:]], name)]
        elif path and fnmatchcase(name, path[0].replace("[", "[[]")):
            left.append(path[1:])
    return left


def _is_reached(paths: Sequence[_Path]) -> bool:
    return any(path in {(), (_ANY_DEPTH,)} for path in paths)
