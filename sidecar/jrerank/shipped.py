"""Files that ship beside the code: SQL scripts, what connectors install, the plugin's sources.

An installed package has them in a folder of its own; a checkout has them at its top, where people look for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGED = Path(__file__).parent / "_shipped"
_CHECKOUT = Path(__file__).parents[2]


def shipped(name: Literal["sql", "connectors"]) -> Path:
    """The folder of that name."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _CHECKOUT / name


def is_installed() -> bool:
    """Whether these folders are part of an installed package: what is made from them belongs elsewhere then."""
    return _PACKAGED.is_dir()
