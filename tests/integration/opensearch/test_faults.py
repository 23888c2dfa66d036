"""A sidecar fails while sixteen clients search: no search fails, each answers in time and says why."""

from __future__ import annotations

import time

import pytest

from integration.opensearch.clients import BODY, PAUSE_S, Clients
from integration.opensearch.conftest import TIMEOUT_MS, Sidecars
from integration.opensearch.corpus import PASSAGE_FIELDS
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.faults import FAULTS, Fault, mode
from integration.opensearch.search import Engine, ids, marker
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("release", [OPENSEARCH_3], indirect=True, ids=["3.8.0"]),
]

PATIENCE_MS = 5_000
SETTLED_S = TIMEOUT_MS / 1000 + PAUSE_S


@pytest.mark.parametrize(("fault", "cure", "reasons"), list(FAULTS.values()), ids=list(FAULTS))
def test_no_search_fails_and_each_says_why(
    engine: Engine, sidecars: Sidecars, fault: Fault, cure: Fault, reasons: set[str]
) -> None:
    plain = engine.plain(BODY)
    with Clients(str(engine.http.base_url), "rerank").searching() as clients:
        healthy = clients.warm_record()
        time.sleep(SETTLED_S)  # what began before the fault belongs to neither record
        begun_before = clients.new_record()
        fault(sidecars.main)
        faulty = clients.full_record()
        time.sleep(SETTLED_S)
        cure(sidecars.main)
        engine.await_closed_circuits()
        time.sleep(SETTLED_S)
        clients.new_record()
        healed = clients.warm_record()
    assert set(healthy.statuses) == set(faulty.statuses) == set(healed.statuses) == {200}
    assert set(healthy.reasons) == set(healed.reasons) == {None}
    assert (faulty.reasons | begun_before.reasons).keys() & reasons
    assert set(faulty.reasons) <= reasons | {None, "circuit_open"}
    assert faulty.orders == {tuple(ids(plain))}
    # how soon is measured by `make bench`; here it is only that nobody waits for the sidecar for ever
    assert faulty.p99_ms() <= PATIENCE_MS, faulty


def test_the_circuit_opens_and_costs_nothing_while_it_is(engine: Engine, sidecars: Sidecars) -> None:
    sidecars.main.behave("status_500")
    reasons = [marker(engine.search(BODY))["reason"] for _ in range(10)]
    assert reasons == ["status_500"] * 5 + ["circuit_open"] * 5
    stats = engine.stats()["endpoints"]["main"][0]
    assert stats["circuit"] == "open"


@pytest.mark.parametrize("name", ["kill", "freeze", "status_500"])
def test_the_other_sidecar_answers_instead(engine: Engine, sidecars: Sidecars, name: str) -> None:
    engine.put_pipeline("pair", passage_fields=PASSAGE_FIELDS, endpoint="pair", timeout_ms=1000)
    fault = {"kill": FakeSidecar.kill, "freeze": FakeSidecar.freeze}.get(name, mode(name))
    fault(sidecars.second)
    try:
        for _ in range(6):
            assert marker(engine.search(BODY, search_pipeline="pair"))["outcome"] == "complete"
    finally:
        if name == "freeze":
            sidecars.second.thaw()


def test_both_sidecars_gone(engine: Engine, sidecars: Sidecars) -> None:
    engine.put_pipeline("pair", passage_fields=PASSAGE_FIELDS, endpoint="pair")
    sidecars.second.kill()
    sidecars.third.kill()
    assert marker(engine.search(BODY, search_pipeline="pair"))["reason"] in {"unreachable", "connection_lost"}


class TestOnFailureError:
    def test_fails_the_search_and_says_why(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        sidecars.main.behave("status_500")
        response = engine.http.post("docs/_search", json=BODY, params={"search_pipeline": "strict"})
        assert response.status_code == 503
        assert "status_500" in response.text

    def test_an_answer_that_scored_nothing_is_a_failure_too(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        sidecars.main.behave("passthrough")
        response = engine.http.post("docs/_search", json=BODY, params={"search_pipeline": "strict"})
        assert response.status_code == 503
        assert "engine_error" in response.text

    def test_what_is_passed_through_is_no_failure(self, engine: Engine) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        assert marker(engine.search({**BODY, "size": 0}, search_pipeline="strict"))["reason"] == "size_zero"


def test_a_late_page_is_still_the_callers(engine: Engine, sidecars: Sidecars) -> None:
    sidecars.main.behave("status_500")
    for start, size in ((0, 10), (10, 10), (95, 10)):
        body = {**BODY, "from": start, "size": size, "_source": ["number"]}
        response, plain = engine.search(body), engine.plain(body)
        assert response["hits"] == plain["hits"]
