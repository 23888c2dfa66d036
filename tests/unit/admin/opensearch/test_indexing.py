"""Loading goes on where a cluster is busy, and stops where it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.indexing import NewIndex, create_index, index_body, load
from jrerank.admin.opensearch.passages import Passage
from jrerank.errors import ConfigurationError, InvalidInput, Unavailable
from recordings.server import Answer, Asked, RecordedServer, engine_error

PASSAGES = [Passage(str(number), {"text": f"{number}番"}, number) for number in range(1200)]
KNN = {"type": "knn_vector", "dimension": 3}


class Index(RecordedServer):
    """Takes what it is given, but for what `refuses` says."""

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        nodes = {"n": {"name": "n", "plugins": [{"name": name} for name in plugins]}}
        super().__init__(
            [
                ("GET /_nodes/plugins", lambda asked: {"nodes": nodes}),
                ("GET /passages", lambda asked: {} if self.is_there else self.refuse_all(404)),
                ("GET /_search/pipeline/rerank", lambda asked: {"rerank": {}}),
                ("GET /_search/pipeline/.*", lambda asked: self.refuse_all(404)),
                ("PUT /passages/_settings", lambda asked: {}),
                ("PUT /passages", lambda asked: {}),
                ("POST /passages/_bulk", self.bulk),
                ("POST /passages/_refresh", lambda asked: {}),
            ]
        )
        self.is_there = False
        self.written: dict[str, Any] = {}
        self.answers: list[int] = []  # status of the next passages; of all others 201
        self.busy = 0  # the next requests as a whole

    def refuse_all(self, status: int) -> None:
        raise engine_error(status, "for a reason")

    def bulk(self, asked: Asked) -> dict[str, Any]:
        if self.busy:
            self.busy -= 1
            raise Answer(429, {"error": "too many"})
        lines = asked.lines
        items = [self.item(head, line) for head, line in zip(lines[::2], lines[1::2], strict=True)]
        return {"errors": any(item["index"]["status"] >= 400 for item in items), "items": items}

    def item(self, head: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        status = self.answers.pop(0) if self.answers else 201
        if status == 201:
            self.written[head["index"]["_id"]] = line
        return {"index": {"status": status, "error": {"reason": "of its own"}}}


def run(server: Index, waits: list[float] | None = None) -> int:
    cluster = LiveCluster(Connection("X", server.url))
    return load(cluster, "passages", PASSAGES, sleep=(waits if waits is not None else []).append)


def test_all_are_written_in_several_bulks() -> None:
    with Index() as server:
        assert run(server) == len(PASSAGES)
        assert list(server.written) == [passage.id for passage in PASSAGES]
        assert server.writes() == [*["POST /passages/_bulk"] * 3, "POST /passages/_refresh"]


def test_long_passages_make_smaller_bulks() -> None:
    long = [Passage(str(number), {"text": "長" * 1_500_000}, 0) for number in range(4)]
    with Index() as server:
        load(LiveCluster(Connection("X", server.url)), "passages", long)
        assert server.writes().count("POST /passages/_bulk") == 2


def test_what_is_refused_for_now_alone_is_sent_again() -> None:
    waits: list[float] = []
    with Index() as server:
        server.answers = [201, 429, 201, 429, *[201] * 496, 429]
        run(server, waits)
        assert len(server.written) == len(PASSAGES)
        assert len(server.seen[1].lines) == 4, "the two of them"
    assert waits == [0.5, 1.0]


def test_waits_grow_up_to_a_limit() -> None:
    waits: list[float] = []
    with Index() as server:
        server.busy = 9
        run(server, waits)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_cluster_that_stays_busy_is_given_up() -> None:
    with Index() as server:
        server.busy = 99
        with pytest.raises(Unavailable, match="500 passages from 0 on were not written"):
            run(server)


def test_a_passage_that_is_refused_is_named() -> None:
    with Index() as server:
        server.answers = [201, 201, 400]
        with pytest.raises(ConfigurationError, match="passage 2 was refused: 400 of its own"):
            run(server)


@pytest.mark.parametrize(
    ("plugins", "analyzer"),
    [(("analysis-kuromoji", "opensearch-knn"), "kuromoji"), (("opensearch-knn",), "cjk")],
)
def test_the_analyzer_is_the_best_there_is(plugins: tuple[str, ...], analyzer: str) -> None:
    with Index(plugins) as server:
        create_index(LiveCluster(Connection("X", server.url)), NewIndex("passages", dimension=3), print)
        body = server.seen[-1].body
    assert body["settings"]["index"]["analysis"] == {"analyzer": {"default": {"type": analyzer}}}
    assert body["settings"]["index"]["knn"] is True
    assert body["mappings"] == {"properties": {"vector": KNN}}


def test_without_vectors_there_is_no_field_for_them() -> None:
    body = index_body(NewIndex("a", shards=2, replicas=0, default_pipeline="p"), "cjk", has_knn=True)
    assert body == {
        "settings": {
            "index": {
                "number_of_shards": 2,
                "number_of_replicas": 0,
                "search.default_pipeline": "p",
                "analysis": {"analyzer": {"default": {"type": "cjk"}}},
            }
        }
    }


@pytest.mark.parametrize("is_there", [False, True])
def test_a_default_pipeline_that_is_not_there_is_refused_before_anything_is_written(is_there: bool) -> None:
    with Index() as server:
        server.is_there = is_there
        cluster = LiveCluster(Connection("X", server.url))
        with pytest.raises(InvalidInput, match="no search pipeline rernak"):
            create_index(cluster, NewIndex("passages", default_pipeline="rernak"), print)
        assert server.writes() == []


@pytest.mark.parametrize("name", ["rerank", "_none"])
def test_a_default_pipeline_that_is_there_or_none_at_all(name: str) -> None:
    with Index() as server:
        create_index(
            LiveCluster(Connection("X", server.url)), NewIndex("passages", default_pipeline=name), print
        )
        assert server.seen[-1].body["settings"]["index"]["search.default_pipeline"] == name
