"""Foreign text in a terminal, whatever its encoding."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.text import Text


def replace_what_cannot_be_shown(*streams: TextIO) -> None:
    """A terminal in cp932 has no emoji: a question mark instead of a traceback."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def json_line(content: Any, stream: TextIO) -> str:
    """JSON on one line; in ASCII where the stream's encoding lacks a character of it, or has another one in its place."""
    line, encoding = json.dumps(content, ensure_ascii=False), stream.encoding or "utf-8"
    try:
        stays = line.encode(encoding).decode(encoding) == line
    except UnicodeEncodeError:
        stays = False
    return line if stays else json.dumps(content)


def plain(text: str) -> Text:
    """A passage for a table: brackets in it are no markup, and escape sequences don't reach the terminal."""
    from rich.text import Text

    return Text("".join(char if char.isprintable() else " " for char in text))
