"""Foreign text in a terminal."""

from __future__ import annotations

from rich.text import Text


def plain(text: str) -> Text:
    """A passage for a table: brackets in it are no markup, and escape sequences don't reach the terminal."""
    return Text("".join(char if char.isprintable() else " " for char in text))
