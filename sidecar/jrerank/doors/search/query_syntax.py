"""The words of `query_string` and `simple_query_string`, without operators and without what is excluded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from jrerank.doors.search.fields import FieldKind

_LUCENE = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<exclude>[-!]|NOT(?=[\s(]))
    | (?P<operator>[+]|&&|[|]{1,2}|(?:AND|OR)(?=[\s(]))
    | (?P<open>\()
    | (?P<close>\))
    | "(?P<phrase>(?:[^"\\]++|\\.)*+)"?
    | (?P<skipped>[\[{][^\]}]*[\]}]?|/(?:[^/\\]++|\\.)++/|[\^~][\d.]*|[:\]}^])
    | (?P<field>(?:[^\s()"\[\]{}:^~\\]++|\\.)++):(?=\S)
    | (?P<term>(?:[^\s()"\[\]{}:^~\\]++|\\.)++)
    """,
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<exclude>-)
    | (?P<operator>[+|])
    | (?P<open>\()
    | (?P<close>\))
    | "(?P<phrase>(?:[^"\\]++|\\.)*+)"?
    | (?P<skipped>~\d*)
    | (?P<field>(?!))
    | (?P<term>(?:[^\s()"|~\\]++|\\.)++)
    """,
    re.VERBOSE | re.DOTALL,
)
# More of a query than this the model would not read either
_MAX_CHARS = 4_000
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WILDCARDS = re.compile(r"(?<!\\)[*?]")


@dataclass(slots=True)
class _Clause:
    """What holds for the words inside of a pair of parentheses, or for the next word."""

    is_excluded: bool = False
    kind: FieldKind | None = None


@dataclass(slots=True)
class _Words:
    """Words without a field or on a text field go before those on a field of unknown kind."""

    likely: list[str] = field(default_factory=list)
    unlikely: list[str] = field(default_factory=list)

    def add(self, word: str, clause: _Clause) -> None:
        if not word.strip() or clause.is_excluded or clause.kind is FieldKind.OTHER:
            return
        (self.unlikely if clause.kind is FieldKind.UNKNOWN else self.likely).append(word)


def query_string_words(query: str, kind: Callable[[str], FieldKind]) -> str:
    """Of Lucene's syntax; `kind` says which words on a field (`title:富士山`) count."""
    return _words(_LUCENE, query, kind)


def simple_query_string_words(query: str) -> str:
    """Of the simple syntax, which has no fields."""
    return _words(_SIMPLE, query, lambda name: FieldKind.UNKNOWN)


def _words(syntax: re.Pattern[str], query: str, kind: Callable[[str], FieldKind]) -> str:
    query = query[:_MAX_CHARS]
    words, around, following = _Words(), [_Clause()], _Clause()
    position, is_plain = 0, True
    while position < len(query):
        token = syntax.match(query, position)
        position = position + 1 if token is None else max(token.end(), position + 1)
        name, text = (None, "") if token is None else (token.lastgroup, token[token.lastgroup or 0])
        is_plain = is_plain and name in {"space", "term"}
        if name == "exclude":
            following.is_excluded = True
        elif name == "field":
            following.kind = kind(_unescaped(text))
        elif name == "open":
            around.append(_within(around[-1], following))
            following = _Clause()
        elif name == "close":
            del around[max(1, len(around) - 1) :]
        elif name in {"term", "phrase"}:
            word = _unescaped(_WILDCARDS.sub("", text) if name == "term" else text)
            is_plain = is_plain and word == text
            words.add(word, _within(around[-1], following))
            following = _Clause()
        elif name == "skipped" and text[0] in "[{/":
            following = _Clause()
    return query if is_plain else " ".join(words.likely or words.unlikely)


def _within(around: _Clause, clause: _Clause) -> _Clause:
    kind = around.kind if clause.kind is None else clause.kind
    return _Clause(around.is_excluded or clause.is_excluded, kind)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)
