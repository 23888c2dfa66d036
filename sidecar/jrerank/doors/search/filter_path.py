"""`filter_path`: the parts of an answer that its caller wants to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

_Path = tuple[str, ...]
_ANY_DEPTH = "**"
_TWICE = (_ANY_DEPTH, _ANY_DEPTH)


class _Paths:
    """What is left of some paths at one place of an answer. What follows is made once for each name, however many hits have it."""

    __slots__ = ("_below", "are_at_end", "paths")

    def __init__(self, paths: Iterable[_Path]) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        self.are_at_end = any(path in {(), (_ANY_DEPTH,)} for path in self.paths)
        self._below: dict[str, _Paths] = {}

    def below(self, name: str) -> _Paths:
        """What is left of them below `name`."""
        found = self._below.get(name)
        if found is None:
            found = self._below[name] = _Paths(left for path in self.paths for left in _left(path, name))
        return found


def filtered(answer: Any, filter_path: str | None) -> Any:
    """The parts of `answer` at the comma-separated dotted paths; those at paths with a leading `-` are left out.

    `*` stands for (a part of) one name, `**` for any number of names; lists are no step of a path.
    """
    names = [name for part in (filter_path or "").split(",") if (name := part.strip())]
    kept = [_path(name) for name in names if not name.startswith("-")]
    dropped = [_path(name[1:]) for name in names if name.startswith("-")]
    if kept:
        answer = _kept(answer, _Paths(kept))
    return _without(answer, _Paths(dropped)) if dropped else answer


def _kept(value: Any, paths: _Paths) -> Any:
    """What of `value` lies at `paths`; an empty object or list where nothing does."""
    if isinstance(value, list):
        parts = [_kept(one, paths) for one in value if isinstance(one, (dict, list))]
        return [part for part in parts if part]
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, inner in value.items():
        below = paths.below(name)
        if below.are_at_end:
            found[name] = inner
        elif below.paths and (part := _kept(inner, below)):
            found[name] = part
    return found


def _without(value: Any, paths: _Paths) -> Any:
    if isinstance(value, list):
        return [_without(one, paths) for one in value]
    if not isinstance(value, dict) or not paths.paths:
        return value
    return {
        name: _without(inner, paths.below(name))
        for name, inner in value.items()
        if not paths.below(name).are_at_end
    }


def _path(name: str) -> _Path:
    """Its parts; `**` after `**` says nothing more."""
    parts = name.split(".")
    return tuple(part for before, part in zip(["", *parts], parts, strict=False) if (before, part) != _TWICE)


def _left(path: _Path, name: str) -> Iterator[_Path]:
    """What is left of one path below `name`: `**` may stay, or end before any of what follows it."""
    if path and path[0] == _ANY_DEPTH:
        yield path
        path = path[1:]
    if path and fnmatchcase(name, path[0].replace("[", "[[]")):
        yield path[1:]
