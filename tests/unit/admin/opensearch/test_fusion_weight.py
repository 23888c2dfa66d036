"""What the pages, compose and `setup --help` name as the weight over kuromoji is what the bundled model recommends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jrerank.admin.demo.command import fusion_weight
from jrerank.admin.demo.opensearch import weight_for_kuromoji

ROOT = Path(__file__).parents[4]
OPTION = r"--fusion linear:([\d.]+)"
BODY = r'"method": "linear", "weight": ([\d.]+)'
PLACES = [
    ("README.md", OPTION),
    ("compose/load-opensearch", OPTION),
    ("compose/README.md", BODY),
    ("connectors/opensearch/README.md", BODY),
    ("sidecar/jrerank/admin/opensearch/setup.py", r"([\d.]+) with bundled over kuromoji"),
]


@pytest.mark.parametrize(("file", "pattern"), PLACES)
def test_it_is_near_the_recommended_one(file: str, pattern: str) -> None:
    """nDCG@10 is flat from half of it to twice as much; three times as much cost a third of the gain."""
    named = [float(weight) for weight in re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"))]
    recommended = weight_for_kuromoji(fusion_weight("bundled"))
    assert named
    assert all(recommended / 2 <= weight <= recommended * 2 for weight in named), (named, recommended)


def test_all_places_name_the_same() -> None:
    texts = [((ROOT / file).read_text(encoding="utf-8"), pattern) for file, pattern in PLACES]
    assert len({weight for text, pattern in texts for weight in re.findall(pattern, text)}) == 1
