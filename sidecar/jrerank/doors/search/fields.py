"""Which fields of the searched indexes hold text that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

_TEXT_TYPES = frozenset(
    {"text", "match_only_text", "search_as_you_type", "annotated_text", "semantic", "semantic_text"}
)


class FieldKind(IntEnum):
    """How likely a query on a field is what its caller asks; the smallest is the likeliest."""

    PASSAGE = 0
    TEXT = 1
    UNKNOWN = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class Fields:
    """`types` are the mappings' own, by dotted path; a field that is in none is of unknown kind."""

    passage_fields: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)

    def kind(self, name: str) -> FieldKind:
        """The kind of one field; a sub-field of a passage field is the same text, unless its type says otherwise."""
        kind = self._by_type(name)
        if kind is FieldKind.OTHER and name not in self.passage_fields:
            return kind
        is_passage = any(name == one or name.startswith(f"{one}.") for one in self.passage_fields)
        return FieldKind.PASSAGE if is_passage else kind

    def likeliest(self, names: Sequence[object]) -> FieldKind:
        """The kind of a query on several fields, each with a boost or without; on all fields where none is named."""
        kinds = (self.kind(name.partition("^")[0]) for name in names if isinstance(name, str))
        return min(kinds, default=FieldKind.TEXT)

    def _by_type(self, name: str) -> FieldKind:
        if name.startswith("_"):  # such as _id: an engine's own
            return FieldKind.OTHER
        if name not in self.types:
            return FieldKind.UNKNOWN
        return FieldKind.TEXT if self.types[name] in _TEXT_TYPES else FieldKind.OTHER
