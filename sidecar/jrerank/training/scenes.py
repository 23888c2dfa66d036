"""Groups from scenes: a handful of questions about one thing, whose answers are each other's distractors.

Encyclopedia paragraphs teach that the passage with the right words is the right one. In a scene all texts have the right words (the
same shop, the same river), and only one of them answers: what is left to learn from is what the sentences say. The idea is that of
contrast sets (Gardner et al., 2020).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.training.examples import Group

_MOST_WRONG = 8
_OTHER_ENDS = ("!", "?", "！", "？", "」", "』", ")", "）")


@dataclass(frozen=True, slots=True)
class SceneItem:
    """`questions` ask for the same, `answers` say the same in other words, `decoys` have the question's words and don't answer."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    decoys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Items about one thing, which `title` names if it isn't empty."""

    items: tuple[SceneItem, ...]
    title: str = ""


class SceneMaker:
    """Draws an item of a scene; no answer of a scene may answer another item of it."""

    def __init__(self, scenes: Sequence[Scene], joined: float = 0.25, titled: float = 0.25) -> None:
        self._places = [(scene, item) for scene in scenes for item in range(len(scene.items))]
        self._joined = joined
        self._titled = titled

    def __call__(self, draw: random.Random) -> Group:
        """The answer first; in `joined` of the groups the texts are of two sentences that belong to different questions.

        Every text has a full stop or has none by chance: whoever writes scenes ends sentences with one and bare phrases without.
        In `titled` of the groups of a scene with a title all texts have it as their first line, as a stored passage's fields do.
        """
        scene, place = draw.choice(self._places)
        item = scene.items[place]
        others = [draw.choice(other.answers) for at, other in enumerate(scene.items) if at != place]
        draw.shuffle(others)
        right = draw.choice(item.answers)
        if len(others) > 2 and draw.random() < self._joined:
            right = _together(draw, right, others.pop())
            others = [_together(draw, text, draw.choice(others)) for text in others]
        wrong = [*item.decoys, *others][:_MOST_WRONG]
        texts = (right, *draw.sample(wrong, len(wrong)))
        question = draw.choice(item.questions)
        title = f"{scene.title}\n" if scene.title and draw.random() < self._titled else ""
        return Group(question, tuple(title + _ended(draw, text) for text in texts))


def _ended(draw: random.Random, text: str) -> str:
    if text.endswith(_OTHER_ENDS):
        return text
    return text.rstrip("。") + draw.choice(("", "。"))


def _together(draw: random.Random, first: str, second: str) -> str:
    if first == second:
        return first
    return first + second if draw.random() < 0.5 else second + first
