"""One-sentence facts made from templates, with distractors that share most of their words.

A model trained on encyclopedia paragraphs alone learns that the passage with the right words is the right one. These groups differ
in what matters only: another attribute of the same thing, the same attribute of another, a sentence that repeats the question
without an answer, another number, a negation.
"""

from __future__ import annotations

import random

from jrerank.training.examples import Group
from jrerank.training.fact_templates import DENIED, EMPTY, EVENTS, OPPOSITES, THINGS, TOWNS, Attribute


def fact(draw: random.Random) -> Group:
    """A question about an attribute of a thing, a sentence or two that tell it, and five distractors."""
    things, attributes = draw.choice(list(THINGS.values()))
    thing, other = draw.sample(things, 2)
    asked, *rest = draw.sample(attributes, min(4, len(attributes)))
    question = draw.choice(asked.questions).format(e=thing)
    right = _stated(draw, thing, asked)
    if draw.random() < 0.3:
        right = _two(draw, right, _stated(draw, thing, rest[0]))
    wrong = [_stated(draw, thing, attribute) for attribute in rest[: draw.randint(1, 3)]]
    wrong += [_stated(draw, other, asked), draw.choice(EMPTY).format(e=thing, a=asked.name)]
    if draw.random() < 0.3:
        wrong.append(_two(draw, _stated(draw, thing, rest[-1]), _stated(draw, other, asked)))
    return Group(question, (right, *draw.sample(wrong, len(wrong))[:5]))


def denial(draw: random.Random) -> Group:
    """A property or its denial, against the opposite, another property, and another thing."""
    things, _ = draw.choice(list(THINGS.values()))
    thing, other = draw.sample(things, 2)
    pair, another = draw.sample(OPPOSITES, 2)
    side = draw.randrange(2)
    question = draw.choice(("{p}{e}", "{e}は{p}", "{e}、{p}もの", "{p}{e}はどれ？")).format(
        e=thing, p=pair[side]
    )
    sentence = [draw.choice(DENIED) for _ in range(4)]
    return Group(
        question,
        (
            sentence[0].format(e=thing, p=pair[side]),
            sentence[1 if draw.random() < 0.5 else 0].format(e=thing, p=pair[1 - side]),
            sentence[2].format(e=thing, p=another[draw.randrange(2)]),
            sentence[3].format(e=other, p=pair[1 - side]),
        ),
    )


def number(draw: random.Random) -> Group:
    """An event of a year and a place, against other years and places."""
    place, elsewhere = draw.sample(TOWNS, 2)
    year = draw.randrange(1900, 2024)
    near = [year + shift for shift in draw.sample((-10, -2, -1, 1, 2, 10, 100, -100), 2)]
    event, another = draw.sample(EVENTS, 2)
    forms = ("{y}年、{p}で{x}。", "{p}で{x}のは{y}年のことである。", "{p}では{y}年に{x}。")
    said = [draw.choice(forms) for _ in range(5)]
    right = said[0].format(y=year, p=place, x=event)
    wrong = [said[i + 1].format(y=other, p=place, x=event) for i, other in enumerate(near)]
    wrong += [said[3].format(y=year, p=elsewhere, x=event), said[4].format(y=year, p=place, x=another)]
    asks = ("{y}年に{p}で{x}か", "{p}で{y}年に{x}", "{y}年 {p} {x}")
    return Group(draw.choice(asks).format(y=year, p=place, x=event), (right, *wrong))


def synthetic_fact(draw: random.Random) -> Group:
    """A group of one of these kinds; half-width or full-width forms are mixed in."""
    kind = draw.random()
    group = fact(draw) if kind < 0.7 else denial(draw) if kind < 0.85 else number(draw)
    if draw.random() < 0.1:
        return Group(group.question.translate(_FULL_WIDTH), group.texts)
    return group


def _stated(draw: random.Random, thing: str, attribute: Attribute) -> str:
    return draw.choice(attribute.statements).format(e=thing, v=attribute.value(draw))


def _two(draw: random.Random, first: str, second: str) -> str:
    return first + second if draw.random() < 0.5 else second + first


_FULL_WIDTH = {ord("0") + i: chr(ord("０") + i) for i in range(10)}
