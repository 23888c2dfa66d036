"""What of a hit is read: its passage fields as one text, each value of them, or what the engine has highlighted."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jrerank.stores.passage import ValueBounds, passage_text, passage_texts

PassageFrom = Literal["fields", "values", "highlight"]
Json = Mapping[str, Any]
# Each of them is looked for in each fragment
MAX_TAGS = 50
_PLAIN_TAGS = ["<em>", "</em>"]
_STYLED_TAGS = [*(f'<em class="hlt{number}">' for number in range(1, 11)), "</em>"]


@dataclass(frozen=True, slots=True)
class Highlighting:
    """How a search's highlights are marked: by which tags, longer ones first, and whether they are escaped as HTML."""

    tags: tuple[str, ...] = ()
    is_escaped: bool = False

    @classmethod
    def of(cls, asked: object) -> Highlighting | None:
        """Of `highlight` of a search's body; None where there are more tags than are looked for."""
        tags = dict.fromkeys(_tags(asked))
        is_escaped = isinstance(asked, dict) and asked.get("encoder") == "html"
        return None if len(tags) > MAX_TAGS else cls(tuple(sorted(tags, key=len, reverse=True)), is_escaped)


def passages_of(
    hit: Json,
    fields: Sequence[str],
    passage_from: PassageFrom,
    highlighting: Highlighting | None,
    bounds: ValueBounds,
) -> tuple[str, ...]:
    """The passages of a hit, of which the best counts; none where it shows none.

    Args:
        fields: the passage fields.
        highlighting: of the search; without, and without highlights in passage fields, a hit is read as `fields`.
        bounds: of the passages that are made of `values`.
    """
    if passage_from == "highlight" and highlighting is not None:
        text = _highlighted(hit.get("highlight"), fields, highlighting)
        if text is not None:
            return (text,)
    source = hit.get("_source")
    if not isinstance(source, dict) or not fields:
        return ()
    if passage_from == "values":
        return passage_texts(source, fields, bounds)
    text = passage_text(source, fields)
    return () if text is None else (text,)


def _highlighted(found: object, fields: Sequence[str], highlighting: Highlighting) -> str | None:
    """The fragments of all passage fields, a line each, without the marks around words."""
    if not isinstance(found, dict):
        return None
    plain = html.unescape if highlighting.is_escaped else str
    lines = [
        plain(_without(fragment, highlighting.tags))
        for field in fields
        for fragment in found.get(field) or ()
        if isinstance(fragment, str)
    ]
    return "\n".join(line for line in lines if line.strip()) or None


def _tags(asked: object) -> Iterator[str]:
    """The marks that a search asks for: a field's own, the whole search's, else the engine's."""
    if not isinstance(asked, dict):
        return
    yield from _own_tags(asked) or (_STYLED_TAGS if asked.get("tags_schema") == "styled" else _PLAIN_TAGS)
    fields = asked.get("fields")
    for named in fields if isinstance(fields, list) else [fields]:
        for options in named.values() if isinstance(named, dict) else ():
            yield from _own_tags(options)


def _own_tags(options: object) -> list[str]:
    found = [options.get(key) for key in ("pre_tags", "post_tags")] if isinstance(options, dict) else []
    listed = [tag for tags in found for tag in (tags if isinstance(tags, list) else [tags])]
    return [tag for tag in listed if isinstance(tag, str) and tag]


def _without(text: str, tags: Sequence[str]) -> str:
    for tag in tags:
        text = text.replace(tag, "")
    return text
