"""What `postgres setup` lets its caller choose."""

from __future__ import annotations

from enum import StrEnum


class Transport(StrEnum):
    """How a database asks the sidecar."""

    AUTO = "auto"
    HTTP = "http"
    DBLINK = "dblink"


class Form(StrEnum):
    """What the functions are installed as."""

    AUTO = "auto"
    EXTENSION = "extension"
    SCRIPT = "script"
