"""What a running sidecar makes of hit lists."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from jrerank.admin.demo.comparison import Sidecar, ask, figures
from jrerank.domain import Candidate
from jrerank.evaluation.dataset import Question
from jrerank.evaluation.measures import ndcg
from sidecars import running_sidecar

QUESTION = Question("富士山の標高は", "b")
HITS = (
    Candidate("a", "味噌汁の作り方", 9.0),
    Candidate("b", "富士山の標高は3776メートルで、日本で最も高い山である", 8.0),
)


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with running_sidecar(tmp_path_factory.mktemp("sidecar")) as running, running.client() as client:
        yield Sidecar(client)


def test_a_question_is_searched_reranked_and_fused(sidecar: Sidecar) -> None:
    answered = ask(QUESTION, lambda query: HITS if query == QUESTION.text else (), sidecar, 1000.0)
    assert (answered.first_stage, answered.reranked, answered.fused) == (("a", "b"), ("b", "a"), ("a", "b"))
    assert answered.rerank_s > 0 <= answered.search_s


def test_a_refusal_is_not_taken_for_an_answer(sidecar: Sidecar) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        sidecar.rerank("空", [Candidate("a", "空", None)], fusion_weight=1.0)


def test_figures_are_means_over_the_questions() -> None:
    found = figures([(["a", "b"], "a"), (["a", "b"], "b"), (["a"], "b")])
    assert found.ndcg == pytest.approx((1 + ndcg(["a", "b"], {"b": 1})) / 3)
    assert found.reciprocal_rank == pytest.approx((1 + 0.5) / 3)
