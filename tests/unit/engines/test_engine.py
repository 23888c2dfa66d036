"""One window that breaks a batch costs the others of the batch nothing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engines import MOUNTAIN, SKY, GatedEngine
from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit, score_each
from jrerank.errors import EngineError


def window(*ids: int) -> Window:
    return Window(array("i", ids), 1)


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_the_culprits_are_found_and_nobody_else_fails(breaks: list[bool]) -> None:
    engine = GatedEngine(limit=BatchLimit(20, 1000), is_open=True)
    results = score_each(engine, [window(1, MOUNTAIN if bad else SKY) for bad in breaks])
    assert [isinstance(result, EngineError) for result in results] == breaks
    assert all(result == 1.0 for result, bad in zip(results, breaks, strict=True) if not bad)


class OddEngine(GatedEngine):
    """Fails in a way that no engine of ours should."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__(is_open=True)
        self._error = error

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        if self._error is not None:
            raise self._error
        return []


def test_a_panic_of_native_code_is_an_error_of_its_window() -> None:
    (result,) = score_each(OddEngine(SystemExit("panic")), [window(1)])
    assert isinstance(result, EngineError)
    assert "SystemExit: panic" in str(result)


def test_an_engine_that_miscounts_is_not_believed() -> None:
    (result,) = score_each(OddEngine(None), [window(1)])
    assert isinstance(result, EngineError)
    assert "0 results for 1 windows" in str(result)
