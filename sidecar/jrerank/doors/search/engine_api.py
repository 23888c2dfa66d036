"""Which requests of an engine's own API the door knows, and what it does with each; nothing that writes is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

_INDEX, _ID = "{index}", "{id}"
# Parts of a URL that lead elsewhere, also within an id where a proxy on the way unescapes its slashes
_ELSEWHERE = {".", ".."}
_SEARCHES = frozenset({"GET", "POST"})
_READS = frozenset({"GET", "HEAD"})


class Does(Enum):
    """What becomes of a request."""

    SEARCH = auto()
    MULTI_SEARCH = auto()
    TEMPLATE_SEARCH = auto()
    MULTI_TEMPLATE_SEARCH = auto()
    SCROLL = auto()
    OPEN_POINT_IN_TIME = auto()
    CLOSE_POINT_IN_TIME = auto()
    READ_DOCUMENTS = auto()
    READ = auto()
    INFO = auto()


@dataclass(frozen=True, slots=True)
class Api:
    """Requests of one kind: `pattern` without its `{index}` stands for all of the store's."""

    does: Does
    methods: frozenset[str]
    pattern: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A request as understood: `index` as it stands in the path, or None; `rest` is the path below it."""

    does: Does
    index: str | None
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not passed on; `allowed` are the methods that would be."""

    reason: str
    allowed: tuple[str, ...] = ()


def _apis(does: Does, methods: frozenset[str], *paths: str) -> list[Api]:
    """Each path also below an index; `/only` is there without one, `{index}` only with one."""
    found = []
    for path in paths:
        pattern = tuple(path.strip("/").split("/"))
        found.append(Api(does, methods, pattern))
        if not path.startswith("/") and pattern[0] != _INDEX:
            found.append(Api(does, methods, (_INDEX, *pattern)))
    return found


_APIS = [
    Api(Does.INFO, _READS, ()),
    *_apis(Does.SEARCH, _SEARCHES, "_search"),
    *_apis(Does.MULTI_SEARCH, _SEARCHES, "_msearch"),
    *_apis(Does.TEMPLATE_SEARCH, _SEARCHES, "_search/template"),
    *_apis(Does.MULTI_TEMPLATE_SEARCH, _SEARCHES, "_msearch/template"),
    *_apis(Does.SCROLL, _SEARCHES | {"DELETE"}, "/_search/scroll", "/_search/scroll/{id}"),
    *_apis(Does.OPEN_POINT_IN_TIME, frozenset({"POST"}), "{index}/_search/point_in_time", "{index}/_pit"),
    *_apis(Does.CLOSE_POINT_IN_TIME, frozenset({"DELETE"}), "/_search/point_in_time", "/_pit"),
    *_apis(Does.READ, _SEARCHES, "_count", "_field_caps", "_validate/query", "{index}/_explain/{id}"),
    *_apis(Does.READ, _READS, "_mapping", "{index}/_doc/{id}", "{index}/_source/{id}"),
    *_apis(Does.READ, frozenset({"HEAD"}), "{index}"),
    *_apis(Does.READ_DOCUMENTS, _SEARCHES, "_mget"),
]


def understood(method: str, path: Sequence[str]) -> Call | Refusal:
    """What a request below a store's address asks for."""
    known = [api for api in _APIS if _fits(api.pattern, path)]
    for api in known:
        if method in api.methods:
            has_index = api.pattern[:1] == (_INDEX,)
            return Call(api.does, path[0] if has_index else None, tuple(path[has_index:]))
    shown = "/".join(["", *path])[:200]
    if known:
        allowed = tuple(sorted(frozenset[str]().union(*(api.methods for api in known))))
        return Refusal(f"{method} {shown} is not passed on, only {', '.join(allowed)}", allowed)
    return Refusal(
        f"{method} {shown} is not passed on: this door takes searches and reads; ask the engine itself"
    )


def _fits(pattern: Sequence[str], path: Sequence[str]) -> bool:
    return len(pattern) == len(path) and all(map(_is_like, pattern, path))


def _is_like(expected: str, part: str) -> bool:
    if expected == _INDEX:
        return bool(part) and part[0] != "_"
    return part == expected or (expected == _ID and bool(part) and _ELSEWHERE.isdisjoint(part.split("/")))
