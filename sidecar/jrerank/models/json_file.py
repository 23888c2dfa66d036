"""A JSON object in a file."""

from __future__ import annotations

import json
from pathlib import Path

from jrerank.errors import CorruptModel


def read_json(path: Path) -> dict[str, object]:
    """The object in the file.

    Raises:
        CorruptModel: the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise CorruptModel(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CorruptModel(f"{path} is not a JSON object")
    return content
