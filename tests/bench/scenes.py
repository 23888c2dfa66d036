"""Adds scenes to those that the bundled model is trained on: `python -m bench.scenes NEW... --into data/reading-scenes.jsonl`.

A scene is kept as far as it is well-formed, isn't there twice, and is far from the questions and sentences of the sets that judge
(`bench.reading`): a model that has seen them shows nothing there. Without new files it looks through what is there.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from bench.reading import Case, cases
from jrerank.evaluation.bigrams import bigrams

_NEAR_QUESTION, _NEAR_SENTENCE, _NEAR_CASE = 0.45, 0.6, 0.28
_FIELDS = ("questions", "answers", "decoys")
_CONTENT = re.compile(r"[一-鿿々]+|[ァ-ヶー]+|[0-9a-z]+")

Item = Mapping[str, list[str]]


class HeldOut:
    """Texts that judge, found by what they share with another.

    `near` is the share of the bigrams of both texts, 0 to 1, that are shared by two which are too close.
    """

    def __init__(self, texts: Iterable[str], near: float) -> None:
        self._texts = [(text, _bigrams(text)) for text in texts]
        self._near = near
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        self._by_content: dict[frozenset[str], str] = {}
        for place, (text, pairs) in enumerate(self._texts):
            if len(content := _content(text)) > 1:
                self._by_content.setdefault(content, text)
            for pair in pairs:
                self._holders[pair].append(place)

    def like(self, text: str) -> str | None:
        """One that is near, or has the same content words, two at least, around other particles."""
        if same := self._by_content.get(_content(text)):
            return same
        pairs = _bigrams(text)
        for place in self._candidates(pairs):
            other, other_pairs = self._texts[place]
            count = len(pairs & other_pairs)
            if count > self._near * (len(pairs) + len(other_pairs) - count):
                return other
        return None

    def _candidates(self, pairs: frozenset[str]) -> set[int]:
        """Holders of the rarest pairs: a near text lacks fewer of the pairs than those are, so that it has one of them."""
        holders = sorted((self._holders.get(pair, ()) for pair in pairs), key=len)
        return {place for places in holders[: len(pairs) - int(self._near * len(pairs))] for place in places}


class JudgingCases:
    """Questions with their right sentences. An item may ask and answer the same in other words: rare bigrams of both tell."""

    def __init__(self, cases: Iterable[Case], near: float) -> None:
        pairs = [(case.question, _bigrams(case.question), _bigrams(case.sentences[0])) for case in cases]
        holders = Counter(pair for _, question, right in pairs for pair in question | right)
        self._rarity = {pair: math.log(1 + len(pairs) / count) for pair, count in holders.items()}
        self._cases = [
            (text, question, right, self._sum(question) * self._sum(right)) for text, question, right in pairs
        ]
        self._near = near

    def asked_by(self, item: Item) -> str | None:
        """The question that it is too close to: by the geometric mean of the shares that question and answer have in common."""
        asked, answered = (_bigrams(" ".join(item[field])) for field in ("questions", "answers"))
        for text, question, right, whole in self._cases:
            if (both := question & asked) and self._sum(both) * self._sum(
                right & answered
            ) > self._near**2 * whole:
                return text
        return None

    def _sum(self, pairs: Iterable[str]) -> float:
        return sum(self._rarity[pair] for pair in pairs)


def _bigrams(text: str) -> frozenset[str]:
    return frozenset(bigrams(text))


def _content(text: str) -> frozenset[str]:
    """Runs of kanji, of katakana and of figures or Latin letters."""
    return frozenset(_CONTENT.findall(unicodedata.normalize("NFKC", text).lower()))


@dataclass(slots=True)
class Sieve:
    """Keeps what may be trained on, each item once, and says why the rest may not."""

    questions: HeldOut
    sentences: HeldOut
    cases: JudgingCases
    left_out: list[tuple[str, str]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @staticmethod
    def against(judging: Sequence[Case]) -> Sieve:
        """One that keeps out what is near these."""
        return Sieve(
            HeldOut((case.question for case in judging), _NEAR_QUESTION),
            HeldOut((text for case in judging for text in case.sentences), _NEAR_SENTENCE),
            JudgingCases(judging, _NEAR_CASE),
        )

    def scene(self, line: str) -> str | None:
        """The line with its good items; none if there are fewer than two, which have nothing to be told from."""
        try:
            scene = json.loads(line)
            name, items = str(scene["scene"]), list(scene["items"])
        except (ValueError, TypeError, KeyError) as error:
            self._leave_out("malformed line", f"{error!r}: {line:.100}")
            return None
        kept = [good for item in items if (good := self._item(item)) is not None]
        if len(kept) < 2:
            self._leave_out("scene with fewer than two items", name)
            return None
        return json.dumps({"scene": name, "items": kept}, ensure_ascii=False)

    def _item(self, item: object) -> Item | None:
        if not _is_well_formed(item):
            self._leave_out("malformed item", f"{item!r:.200}")
            return None
        texts: Item = {key: list(dict.fromkeys(item.get(key, []))) for key in _FIELDS}
        return texts if self._may_be_read(texts) and self._is_new(texts) else None

    def _may_be_read(self, texts: Item) -> bool:
        for question in texts["questions"]:
            if judging := self.questions.like(question):
                self._leave_out("question near one that judges", f"{question} ~ {judging}")
                return False
        for sentence in (*texts["answers"], *texts["decoys"]):
            if judging := self.sentences.like(sentence):
                self._leave_out("sentence near one that judges", f"{sentence} ~ {judging}")
                return False
        if judging := self.cases.asked_by(texts):
            self._leave_out(
                "item that asks and says what one does that judges", f"{texts['questions']} ~ {judging}"
            )
            return False
        if both := set(texts["answers"]) & set(texts["decoys"]):
            self._leave_out("answer that is a decoy, too", ", ".join(both))
        return not both

    def _is_new(self, texts: Item) -> bool:
        key = json.dumps([texts["questions"], texts["answers"]])
        if key in self._seen:
            self._leave_out("item that is there already", ", ".join(texts["questions"]))
            return False
        self._seen.add(key)
        return True

    def _leave_out(self, why: str, what: str) -> None:
        self.left_out.append((why, what))


def _is_well_formed(item: object) -> TypeGuard[Item]:
    if not isinstance(item, dict) or not {"questions", "answers"} <= item.keys() <= set(_FIELDS):
        return False
    return all(map(_are_texts, item.values())) and bool(item["questions"] and item["answers"])


def _are_texts(texts: object) -> bool:
    return isinstance(texts, list) and all(
        isinstance(text, str) and text.strip() == text != "" for text in texts
    )


def main() -> None:
    """Rewrite the file with what is new at its end, and say what was left out."""
    parser = argparse.ArgumentParser(prog="python -m bench.scenes")
    parser.add_argument("new", nargs="*", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="where the whole goes [default: --into]")
    options = parser.parse_args()
    sieve = Sieve.against([*cases("paraphrases"), *cases("not_fooled")])
    lines = [
        line
        for file in (options.into, *options.new)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    kept = [scene for line in lines if (scene := sieve.scene(line)) is not None]
    (options.out or options.into).write_text("".join(f"{scene}\n" for scene in kept), encoding="utf-8")
    for why, what in sieve.left_out:
        print(f"{why}: {what}")
    print(
        f"{len(kept)} of {len(lines)} scenes kept; left out: {dict(Counter(why for why, _ in sieve.left_out))}"
    )


if __name__ == "__main__":
    main()
