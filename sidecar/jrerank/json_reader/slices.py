"""A large JSON text, parsed slice by slice: it is cut between the items of its arrays and objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A parser that is at it without a break takes some 0.2 ms for so much text, and 3 ms for as many empty objects
SLICE_BYTES = 64 * 1024
# The bound of pydantic_core's parser, for a text in one piece
MAX_DEPTH = 200
# What is looked at for a token is bounded, since a match does not let other threads in either: some milliseconds at most
_TOKEN_BYTES = 128 * 1024
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb"(?:[^\"\[\]{}]++|" + _STRING + rb")*+"


def _nested(levels: int) -> bytes:
    """A container of at most so many levels."""
    inner = _PLAIN if levels == 1 else _PLAIN + rb"(?:" + _nested(levels - 1) + _PLAIN + rb")*+"
    return rb"[\[{]" + inner + rb"[\]}]"


# Some items at once, each with its comma. A hit, of which engines send thousands, has a document with lists of objects
_SCALAR = rb'[^"\[\]{},]{1,1024}+'
_ITEMS = rb"(?:(?:" + _SCALAR + rb"|" + _STRING + rb"|" + _nested(4) + rb"){0,4}+,){1,16}+"
_TOKEN = re.compile(
    _ITEMS + rb"|" + _SCALAR + rb"|" + _STRING + rb"|" + _nested(4) + rb'|["\[\]{},]', re.DOTALL
)
_STRING_PART = re.compile(rb'(?:[^"\\]{1,256}+|\\.){1,1024}+', re.DOTALL)
_FOLLOWING = re.compile(rb"[ \t\r\n]*+(?:(,)|(?=[\]}]))")
_POSITION = re.compile(" at line .*")
_CLOSING = {b"[": b"]", b"{": b"}"}
_COMMA = ord(",")
_BLANK = b" \t\r\n"
Parse = Callable[[bytes], Any]


def sliced(text: bytes, parse: Parse) -> Any:
    """The value of a JSON text, of which `parse` is given about `SLICE_BYTES` at a time: an array or object of some items.

    Raises:
        ValueError: the text is not JSON, or is nested more than `MAX_DEPTH` levels deep.
    """
    return _Reader(text, parse).value()


@dataclass(slots=True)
class _Container:
    """An array or object that is open.

    It begins at `begin` and its present item at `item`; up to `unparsed` it has been parsed, into `value` once there is any of it.
    `is_after_comma`: an item has to follow `unparsed`; `is_after_container`: nothing does.
    """

    kind: bytes
    begin: int
    item: int
    unparsed: int
    value: Any = None
    is_after_comma: bool = False
    is_after_container: bool = False


class _Reader:
    """One pass over the text. A container is parsed with what is around it, unless it is larger than a slice."""

    def __init__(self, text: bytes, parse: Parse) -> None:
        self._text = text
        self._parse = parse
        self._open: list[_Container] = []

    def value(self) -> Any:
        """What the text says."""
        place = 0
        while token := _TOKEN.match(self._text, place, place + _TOKEN_BYTES):
            begin, place = token.span()
            mark = self._text[begin:place] if place - begin == 1 else b""
            if mark in (b"]", b"}"):
                place, value = self._end(mark, place)
                if not self._open:
                    return value
            else:
                place = self._go_on(mark, place)
        if self._open:
            raise ValueError(f"EOF while parsing at byte {place}")
        return self._parse(self._text)  # a lone string or number, or no JSON: the parser says what is wrong

    def _go_on(self, mark: bytes, place: int) -> int:
        if mark == b'"':
            return self._string_end(place)
        if mark in _CLOSING:
            self._begin(mark, place)
        elif self._text[place - 1] == _COMMA and self._open:
            self._separate(place)
        return place

    def _string_end(self, place: int) -> int:
        while part := _STRING_PART.match(self._text, place):
            place = part.end()
        if self._text[place : place + 1] != b'"':
            raise ValueError(f"EOF while parsing a string at byte {place}")
        return place + 1

    def _begin(self, kind: bytes, place: int) -> None:
        if not self._open:
            self._check_blank(0, place - 1, "expected value")
        if len(self._open) >= MAX_DEPTH:
            raise ValueError(f"recursion limit exceeded at byte {place - 1}")
        self._open.append(_Container(kind, place - 1, place, place))

    def _separate(self, place: int) -> None:
        inner = self._open[-1]
        if place - inner.unparsed > SLICE_BYTES:
            self._store_around(len(self._open) - 1)
            self._store(inner, place - 1, needs_item=True)
            inner.unparsed, inner.is_after_comma = place, True
        inner.item = place

    def _end(self, mark: bytes, place: int) -> tuple[int, Any]:
        """Where to go on, and the value of the container that ends here, if it has one of its own."""
        if not self._open or _CLOSING[self._open[-1].kind] != mark:
            raise ValueError(f"expected value at byte {place - 1}")
        ended, depth = self._open[-1], len(self._open) - 1
        if ended.value is not None or place - ended.begin > SLICE_BYTES or not depth:
            self._store_around(depth)
            self._store(ended, place - 1, needs_item=ended.is_after_comma)
        self._open.pop()
        if not self._open:
            self._check_blank(place, len(self._text), "trailing characters")
        elif ended.value is not None:
            place = self._add_container(self._open[-1], ended, place)
        return place, ended.value

    def _store_around(self, depth: int) -> None:
        """Let a container have a value of its own, and so those around it, with their items before it."""
        for outer in self._open[:depth]:
            if outer.unparsed < outer.item:
                self._store(outer, outer.item - 1, needs_item=True)
                outer.unparsed, outer.is_after_comma = outer.item, True
        for one in self._open[: depth + 1]:
            if one.value is None:
                one.value = [] if one.kind == b"[" else {}

    def _store(self, container: _Container, end: int, *, needs_item: bool) -> None:
        """Parse the items up to `end`, where there is a comma or the container's end."""
        if container.is_after_container:  # which is followed by nothing but the end
            return
        part = self._text[container.unparsed : end]
        value = self._parsed(container.kind + part + _CLOSING[container.kind], container.unparsed)
        if needs_item and not value:
            raise ValueError(f"expected value at byte {end}")
        if container.value is None:
            container.value = value
        elif container.kind == b"[":
            container.value.extend(value)
        else:
            container.value.update(value)

    def _add_container(self, outer: _Container, inner: _Container, place: int) -> int:
        """Add one that has a value of its own to the one around it, and read the comma that follows, if one does."""
        if outer.kind == b"[":
            self._check_blank(outer.unparsed, inner.begin, "expected `,`")
            outer.value.append(inner.value)
        else:
            key = self._text[outer.unparsed : inner.begin]
            outer.value |= dict.fromkeys(self._parsed(b"{" + key + b"[]}", outer.unparsed), inner.value)
        following = _FOLLOWING.match(self._text, place)
        if following is None:
            raise ValueError(f"expected `,` at byte {place}")
        outer.is_after_comma = following[1] == b","
        outer.is_after_container = not outer.is_after_comma
        outer.unparsed = outer.item = following.end()
        return following.end()

    def _parsed(self, part: bytes, begin: int) -> Any:
        try:
            return self._parse(part)
        except ValueError as error:
            raise ValueError(f"{_POSITION.sub('', str(error))} after byte {begin}") from None

    def _check_blank(self, begin: int, end: int, fault: str) -> None:
        if self._text[begin:end].strip(_BLANK):
            raise ValueError(f"{fault} after byte {begin}")
