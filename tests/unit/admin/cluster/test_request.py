"""What is sent: one JSON object, or several, one a line."""

from __future__ import annotations

from jrerank.admin.cluster.request import Request


def test_a_body_is_json_in_its_own_script() -> None:
    request = Request("PUT", "/a", {"query": "富士山"})
    assert (request.payload(), request.content_type) == ('{"query": "富士山"}', "application/json")


def test_lines_end_each() -> None:
    request = Request("POST", "/_bulk", lines=[{"index": {}}, {"text": "a\nb"}])
    assert request.payload() == '{"index": {}}\n{"text": "a\\nb"}\n'
    assert request.content_type == "application/x-ndjson"


def test_nothing_is_sent_where_there_is_nothing() -> None:
    assert Request("GET", "/a").payload() is None
    assert Request("PUT", "/a", {}).payload() == "{}"
