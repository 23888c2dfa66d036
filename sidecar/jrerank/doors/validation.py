"""What a validation error means to the caller, by the names that they gave things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_CHOICES = {"str", "bool", "int"}


def described(errors: Sequence[Mapping[str, Any]], place: str = "") -> tuple[str, str]:
    """What is wrong, and where, by the name the caller gave it: of several mistakes the one that lies deepest tells most.

    Args:
        errors: pydantic's.
        place: where the value stands that they are of.
    """
    wrong = max(errors, key=lambda one: len(one["loc"]))
    inner = [str(part) for part in wrong["loc"] if not _names_a_choice(part)]
    field = ".".join([*([place] if place else []), *inner]) or "body"
    return f"{field}: {wrong['msg']}{_shown(wrong.get('input'))}", field


def _names_a_choice(part: object) -> bool:
    """Where a field may have one of several shapes, pydantic names the one that it tried: nothing the caller wrote."""
    return isinstance(part, str) and (part in _CHOICES or "[" in part)


def _shown(value: object) -> str:
    """A short value helps to find the mistake; a passage or a whole body does not belong into an error."""
    return f" (got {value!r})" if isinstance(value, (int, float, bool)) or value is None else ""
