"""What the cards of all models have in common, as it is written and as it is read again. It needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping

CARD_FILE = "README.md"
_COMMANDS = re.compile(r"^## ([^\n]*[Mm]ade[^\n]*)\n\n```sh\n(.*?)\n```", re.MULTILINE | re.DOTALL)


def card_text(*blocks: str) -> str:
    """A card of these blocks, each of which ends with a line break."""
    return "\n".join(blocks)


def front(name: str, introduction: str) -> str:
    """The front matter that the hub reads, the title, and what the model is."""
    return (
        "---\nlanguage: ja\npipeline_tag: text-ranking\ntags: [cross-encoder, reranker]\n---\n"
        f"# {name}\n\n{introduction}\n"
    )


def table(rows: Mapping[str, str]) -> str:
    """Of facts by their names."""
    return "".join(("| | |\n|---|---|\n", *(f"| {name} | {value} |\n" for name, value in rows.items())))


def made_by(command: str, title: str = "Made by") -> str:
    """The command line that makes the model again."""
    return f"## {title}\n\n```sh\n{command}\n```\n"


def table_row(card: str, name: str) -> str | None:
    """What the card's table says there, if it has such a row."""
    match = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", card, re.MULTILINE)
    return match[1] if match else None


def commands(card: str) -> list[tuple[str, str]]:
    """The titles and the command lines of how it was made."""
    return _COMMANDS.findall(card)
