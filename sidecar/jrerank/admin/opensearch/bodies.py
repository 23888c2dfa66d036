"""Request bodies that ship as JSON files, with named places to fill.

`"<window>"` alone becomes the value, of whatever type; within a longer text, or as a key, `<window>` becomes its text.
A place whose value is None is left out, and so is the object or list that this leaves empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jrerank.admin.cluster.request import Json
from jrerank.shipped import shipped

_PLACE = re.compile(r"<([a-z_]+)>")


def body(file: str, **values: object) -> Json:
    """The body in `connectors/{file}`, filled.

    Raises:
        KeyError: the file names a place that `values` lacks.
    """
    template = json.loads((shipped("connectors") / file).read_text(encoding="utf-8"))
    filled: Json = _filled(template, values)
    return filled


def _filled(node: Any, values: Mapping[str, object]) -> Any:
    if isinstance(node, dict):
        pairs = ((_text(key, values), _filled(value, values), value) for key, value in node.items())
        return {key: new for key, new, old in pairs if not _is_lost(new, old)}
    if isinstance(node, list):
        return [
            new for new, old in ((_filled(value, values), value) for value in node) if not _is_lost(new, old)
        ]
    if isinstance(node, str):
        alone = _PLACE.fullmatch(node)
        return values[alone[1]] if alone else _text(node, values)
    return node


def _is_lost(new: object, old: object) -> bool:
    """What was there and is nothing now; `{}` in the file itself stays."""
    return new is None or (isinstance(old, (dict, list)) and bool(old) and not new)


def _text(text: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values[place[1]]), text)
