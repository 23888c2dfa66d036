"""JSONL of passages, of pairs and of clicks -> what a model is trained on; a wrong line is known by its file and number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from jrerank.admin.jsonl import Line, read_lines
from jrerank.errors import InvalidInput
from jrerank.training.examples import Corpus, Pair, Passage
from jrerank.training.scenes import Scene, SceneItem


def read_corpus(passages: Path, pairs: Path | None = None, clicks: Path | None = None) -> Corpus:
    """Passages have `id`, `text`, perhaps `title`; pairs `question`, `passage_id`, perhaps `answers`, `negative_ids`, `scores`.

    A click log has `query` and `hits`, in the order that was shown, each with `id` and `clicked`.

    Raises:
        InvalidInput: a file can't be read, a field is missing or wrong, an id is not among the passages, or there are no pairs.
    """
    places: dict[str, int] = {}
    texts: list[Passage] = []
    for line in _lines(passages):
        with_id = line.id
        if with_id in places:
            raise _wrong(passages, line, f"`id` {with_id!r} is there twice")
        places[with_id] = len(texts)
        texts.append(Passage(_text(passages, line, "title", ""), _text(passages, line, "text")))
    read = [_pair(pairs, line, places) for line in _lines(pairs)] if pairs else []
    if clicks:
        read += [pair for line in _lines(clicks) for pair in _clicked(clicks, line, places)]
    if not read or not texts:
        raise InvalidInput(f"there are {len(texts)} passages and {len(read)} pairs: nothing to train on")
    return Corpus(tuple(texts), tuple(read))


def read_paragraphs(file: Path) -> list[str]:
    """One a line.

    Raises:
        InvalidInput: the file can't be read.
    """
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read: {error}", field="text") from None


def read_scenes(file: Path) -> list[Scene]:
    """A scene a line: `items`, each with `questions`, `answers` and perhaps `decoys`; perhaps its name, `scene`.

    Raises:
        InvalidInput: the file can't be read, a field is missing or wrong, or a scene has one item only.
    """
    return [_scene(file, line) for line in _lines(file)]


def _scene(file: Path, line: Line) -> Scene:
    items = line.content.get("items")
    if not isinstance(items, list) or len(items) < 2 or not all(isinstance(item, dict) for item in items):
        raise _wrong(file, line, "`items` is not a list of two objects or more")
    title = line.content.get("scene", "")
    if not isinstance(title, str):
        raise _wrong(file, line, f"`scene` is {title!r}, not a text")
    return Scene(tuple(_scene_item(file, line, item) for item in items), " ".join(title.split()))


def _scene_item(file: Path, line: Line, item: Mapping[str, object]) -> SceneItem:
    return SceneItem(
        _texts(file, line, item, "questions"),
        _texts(file, line, item, "answers"),
        _texts(file, line, {"decoys": [], **item}, "decoys", least=0),
    )


def _texts(file: Path, line: Line, item: Mapping[str, object], field: str, least: int = 1) -> tuple[str, ...]:
    texts = item.get(field)
    if not isinstance(texts, list) or len(texts) < least or not all(isinstance(t, str) and t for t in texts):
        raise _wrong(file, line, f"`{field}` is {texts!r}, not a list of texts")
    return tuple(texts)


def _pair(file: Path, line: Line, places: Mapping[str, int]) -> Pair:
    negatives = line.content.get("negative_ids", [])
    answers = line.content.get("answers", [])
    scores = line.content.get("scores", {})
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise _wrong(file, line, "`answers` is not a list of strings")
    if not isinstance(negatives, list):
        raise _wrong(file, line, "`negative_ids` is not a list")
    if not isinstance(scores, dict) or not all(_is_number(score) for score in scores.values()):
        raise _wrong(file, line, "`scores` is not an object of ids and numbers")
    right = _place(file, line, line.content.get("passage_id"), places)
    wrong = tuple(dict.fromkeys(_place(file, line, id, places) for id in negatives))
    if right in wrong:
        raise _wrong(file, line, "`negative_ids` has the `passage_id` itself")
    return Pair(
        _text(file, line, "question"),
        right,
        tuple(answer for answer in answers if answer),
        wrong,
        {_place(file, line, id, places): float(score) for id, score in scores.items()},
    )


def _clicked(file: Path, line: Line, places: Mapping[str, int]) -> Iterator[Pair]:
    """A click answers the query; what was skipped above the last click does not (Joachims, 2002)."""
    hits = line.content.get("hits")
    if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
        raise _wrong(file, line, "`hits` is not a list of objects")
    query = _text(file, line, "query")
    clicked = [at for at, hit in enumerate(hits) if _is_clicked(file, line, hit)]
    seen = [_place(file, line, hit.get("id"), places) for hit in hits[: clicked[-1] + 1 if clicked else 0]]
    right = dict.fromkeys(seen[at] for at in clicked)
    negatives = tuple(dict.fromkeys(place for place in seen if place not in right))
    for place in right:
        yield Pair(query, place, (), negatives)


def _is_clicked(file: Path, line: Line, hit: Mapping[str, object]) -> bool:
    """Many logs have 0 and 1."""
    clicked = hit.get("clicked", False)
    if clicked not in (0, 1):
        raise _wrong(file, line, f"`clicked` is {clicked!r}, not true or false")
    return bool(clicked)


def _place(file: Path, line: Line, id: object, places: Mapping[str, int]) -> int:
    place = places.get(str(id))
    if place is None:
        raise _wrong(file, line, f"no passage has the id {id!r}")
    return place


def _text(file: Path, line: Line, field: str, default: str | None = None) -> str:
    value = line.content.get(field, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise _wrong(file, line, f"`{field}` is {value!r}, not a text")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _lines(file: Path) -> Iterator[Line]:
    try:
        yield from read_lines(file)
    except InvalidInput as error:
        raise InvalidInput(f"{file.name}: {error}", field=error.field) from None


def _wrong(file: Path, line: Line, what: str) -> InvalidInput:
    return InvalidInput(f"{file.name}, line {line.number}: {what}", field=f"line {line.number}")
