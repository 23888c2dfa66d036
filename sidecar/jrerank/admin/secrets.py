"""Secrets come from the environment or from files, never from the command line, where others could read them."""

from __future__ import annotations

import os
from pathlib import Path

from jrerank.errors import ConfigurationError


def secret(variable: str, file: Path | None) -> str | None:
    """The file's first line, else the variable's value, else None.

    Raises:
        ConfigurationError: the file cannot be read, or is empty.
    """
    if file is None:
        return os.environ.get(variable) or None
    try:
        lines = file.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
    if not lines:
        raise ConfigurationError(f"{file} is empty: it should hold the value of {variable}")
    return lines[0].strip()
