"""`demo --engine opensearch`: the same in OpenSearch, through its search pipeline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jrerank.admin.demo.sidecar import running_sidecar

if TYPE_CHECKING:
    from jrerank.admin.demo.asking import Asking
    from jrerank.admin.demo.comparison import Answered
    from jrerank.admin.demo.opensearch_index import Found, PassageIndex
    from jrerank.evaluation.dataset import Dataset, Question

Outcomes = Counter[str | None]
# kuromoji makes fewer terms of a question than there are bigrams in it, so BM25 scores are smaller. Fitted on questions of JaQuAD's
# dev set that the demo does not ask: a weight of 0.6 over bigrams is as good as one of 2 here, and around both nDCG@10 is flat.
_BIGRAM_SCORE_OVER_KUROMOJIS = 3.3


def weight_for_kuromoji(weight: float) -> float:
    """A weight of the first stage's score that was fitted to BM25 over bigrams, as models recommend it, for this index."""
    return weight * _BIGRAM_SCORE_OVER_KUROMOJIS


@dataclass(frozen=True, slots=True)
class Asked:
    """What was answered, how often the plugin said what, and where both still answer."""

    answered: list[Answered]
    outcomes: Outcomes
    node_url: str
    sidecar_url: str

    def how_to_try(self) -> str:
        """A search to copy: of the question whose passage gained most."""
        question = min(self.answered, key=_rank_after_minus_before).question
        return (
            f"The node ({self.node_url}) and the sidecar ({self.sidecar_url}) run until Ctrl-C. "
            "Try, and compare with ?search_pipeline=_none:\n\n"
            f"curl -s '{self.node_url}/passages/_search' -H 'content-type: application/json' -d '"
            f'{{"query": {{"match": {{"text": "{question.text}"}}}}, "size": 3, "_source": ["title"]}}\'\n'
        )


@contextmanager
def asked(
    dataset: Dataset, asking: Asking, model: str, precision: str, window: int, weight: float
) -> Iterator[Asked]:
    """Boot a node with kuromoji and the plugin, and a sidecar; load and ask; both are stopped at the end.

    Raises:
        ConfigurationError: something that a node needs is missing, or one of both did not start.
    """
    import httpx

    from jrerank.admin.demo.opensearch_index import create_passage_index
    from jrerank.admin.opensearch_node.build import build
    from jrerank.admin.opensearch_node.node import Node
    from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

    outcomes: Outcomes = Counter()
    build(OPENSEARCH_3)  # what is missing is missed before anything is started
    with (
        running_sidecar(model, precision) as sidecar_url,
        Node(settings={"jrerank.endpoint.sidecar.urls": sidecar_url}, jvm=()) as node,
        httpx.Client(base_url=node.url, timeout=60, trust_env=False) as client,
    ):
        index = create_passage_index(client, dataset.passages, window, weight)
        index.first_stage(dataset.questions[0].text)  # the first search of all reads the index from disk
        answered = [_ask(question, index, outcomes) for question in asking.of(dataset)]
        yield Asked(answered, outcomes, node.url, sidecar_url)


def _rank_after_minus_before(one: Answered) -> int:
    places = [
        ids.index(one.question.passage_id) if one.question.passage_id in ids else len(ids)
        for ids in (one.reranked, one.first_stage)
    ]
    return places[0] - places[1]


def _ask(question: Question, index: PassageIndex, outcomes: Outcomes) -> Answered:
    """The three searches; the fused one finds all scores in the sidecar's cache, so its time is not counted."""
    from jrerank.admin.demo.comparison import Answered

    first, search_s = _timed(index.first_stage, question.text)
    reranked, rerank_s = _timed(index.reranked, question.text)
    fused = index.fused(question.text)
    outcomes.update([reranked.outcome, fused.outcome])
    return Answered(question, first.ids, reranked.ids, fused.ids, search_s, rerank_s)


def _timed(search: Callable[[str], Found], query: str) -> tuple[Found, float]:
    started = time.perf_counter()
    found = search(query)
    return found, time.perf_counter() - started
