"""The cases of `tests/vectors`, which the plugin's tests run too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class Case:
    input: dict[str, Any]
    expected: Any


def cases(file: str) -> list[Any]:
    """The cases of a file, as parameters of a test."""
    content = json.loads((_FOLDER / file).read_text(encoding="utf-8"))
    return [pytest.param(Case(one["input"], one["expected"]), id=one["name"]) for one in content]
