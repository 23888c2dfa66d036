"""An operator's own query stands within another one, where neither a semicolon nor a second statement may follow it."""

from __future__ import annotations

import re

# Texts and names may hold semicolons and what looks like a comment. The last alternative is what is left open
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ | \s+ )
    | \b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    | (?P<end> ; )
    | (?P<open> /\* | ['"] )
    | \w+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def one_statement(query: str) -> str:
    """The query without the semicolon that ends it, and without what comments follow that.

    Raises:
        ValueError: something else follows, or a text, a name or a comment is left open.
    """
    end: int | None = None
    for token in _TOKEN.finditer(query):
        if token["open"]:
            raise ValueError(f"has a {token[0]} that nothing closes")
        if token["end"] and end is None:
            end = token.start()
        elif end is not None and not (token["comment"] or token["end"]):
            raise ValueError("must be a single statement: something follows its semicolon")
    return query if end is None else query[:end].rstrip()
