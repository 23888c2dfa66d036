"""Which part of a document is fetched so that its passage can be read, and which part of that the caller sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from jrerank.doors.search.source_patterns import Patterns
from jrerank.errors import InvalidInput
from jrerank.stores.passage import passage_text

Json = dict[str, Any]
MAX_PATTERNS, MAX_STARS, MAX_PATTERN_CHARS = 1_000, 50, 500


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """An engine's `_source` filter; without `fetches` nothing is shown."""

    fetches: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    @classmethod
    def shown(cls, body: Mapping[str, Any]) -> Self:
        """What the caller of a search asked for, with the engine's own defaults."""
        asked = cls._asked(body.get("_source"))
        stored = body.get("stored_fields")
        if stored is not None and "_source" in _listed(stored):
            return cls(True, *((asked.includes, asked.excludes) if asked else ()))
        if asked is not None:
            return asked
        return cls(fetches=stored is None and not body.get("script_fields"))

    @classmethod
    def _asked(cls, source: object) -> Self | None:
        if isinstance(source, bool):
            return cls(fetches=source)
        if isinstance(source, (str, list)):
            return cls(True, _listed(source))
        if isinstance(source, dict):
            includes = source.get("includes", source.get("include"))
            excludes = source.get("excludes", source.get("exclude"))
            return cls(True, _listed(includes), _listed(excludes))
        return None

    def check(self) -> None:
        """Refuse what would take long to apply to each document.

        Raises:
            InvalidInput: there are too many patterns, or too many stars in them.
        """
        patterns = {*self.includes, *self.excludes}
        if len(patterns) > MAX_PATTERNS or sum(pattern.count("*") for pattern in patterns) > MAX_STARS:
            raise InvalidInput(
                f"_source: at most {MAX_PATTERNS} patterns with {MAX_STARS} stars can be kept to in a reranked search",
                field="_source",
            )
        if max(map(len, patterns), default=0) > MAX_PATTERN_CHARS:
            raise InvalidInput(
                f"_source: a pattern has at most {MAX_PATTERN_CHARS} characters in a reranked search",
                field="_source",
            )

    def leaves_in(self, fields: Sequence[str]) -> bool:
        """Whether every one of the fields gets through."""
        return not fields or (self.fetches and all(map(self._leaves_in, fields)))

    def _leaves_in(self, field: str) -> bool:
        return passage_text(self.apply(_document_with(field)), [field]) is not None

    def opened(self, fields: Sequence[str]) -> SourceFilter:
        """Opened for the fields; excludes that don't touch them stay (a vector is dear to fetch)."""
        if not self.fetches:
            return SourceFilter(True, tuple(fields))
        excludes = tuple(one for one in self.excludes if SourceFilter(True, (), (one,)).leaves_in(fields))
        includes = tuple(dict.fromkeys((*self.includes, *fields))) if self.includes else ()
        return SourceFilter(True, includes, excludes)

    def apply(self, source: Json) -> Json:
        """The part of a document that gets through, as the engine itself filters."""
        return _filtered(source, Patterns.of(self.includes or ("*",)), Patterns.of(self.excludes))

    def as_json(self) -> Json:
        """As a search body takes it."""
        return {"includes": list(self.includes), "excludes": list(self.excludes)}


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _document_with(field: str) -> Json:
    first, _, rest = field.partition(".")
    return {first: _document_with(rest) if rest else "text"}


def _filtered(source: Json, included: Patterns, excluded: Patterns) -> Json:
    kept: Json = {}
    for key, value in source.items():
        within, without = included.step(key), excluded.step(key)
        if not within.is_alive or without.is_met:
            continue
        is_whole = within.is_met and not without.step(".").is_alive
        inner = value if is_whole else _inner(value, within, without)
        if within.is_met or inner:
            kept[key] = inner
    return kept


def _inner(value: Any, within: Patterns, without: Patterns) -> Any:
    if isinstance(value, dict):
        return _filtered(value, within.step("."), without.step("."))
    if isinstance(value, list):
        kept = ((one, _inner(one, within, without)) for one in value)
        return [
            inner for one, inner in kept if inner or (within.is_met and not isinstance(one, (dict, list)))
        ]
    return value if within.is_met else None
