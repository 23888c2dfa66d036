"""One request to a cluster, before anybody sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
JSON_TYPE, NDJSON_TYPE = "application/json", "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` has a leading slash; `body` is one JSON object, `lines` several, one a line.

    `remember` names the key of the answer that later requests need, such as `connector_id`; `note` is for who reads it.
    """

    method: str
    path: str
    body: Json | None = None
    lines: Sequence[Json] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    remember: str = ""
    note: str = ""

    @property
    def content_type(self) -> str:
        """Of what is sent."""
        return NDJSON_TYPE if self.lines else JSON_TYPE

    def payload(self) -> str | None:
        """What is sent, or None."""
        if self.lines:
            return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines)
        return None if self.body is None else json.dumps(self.body, ensure_ascii=False)
