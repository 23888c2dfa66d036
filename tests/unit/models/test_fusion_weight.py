"""The recommended weight of the first stage, beside a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.errors import CorruptModel
from jrerank.models.fusion_weight import FUSION_FILE, read_fusion_weight, write_fusion_weight


def test_it_is_read_as_it_was_written_and_may_be_missing(tmp_path: Path) -> None:
    assert read_fusion_weight(tmp_path) is None
    write_fusion_weight(tmp_path, 0.15)
    assert read_fusion_weight(tmp_path) == 0.15


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"bm25_weight": "1"}', '{"bm25_weight": true}', '{"bm25_weight": -1}']
)
def test_what_is_no_weight_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FUSION_FILE).write_text(content)
    with pytest.raises(CorruptModel, match="bm25_weight"):
        read_fusion_weight(tmp_path)
