"""What a route asks of a request."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.http.asking import ENVOY_TIMEOUT, arrival_of, caller_of, proxy_timeout_ms, timeout_ms_of
from jrerank.errors import InvalidInput


def request(header: str | None = None, scope: Mapping[str, object] = {}) -> Request:
    headers = [] if header is None else [(ENVOY_TIMEOUT.encode(), header.encode("latin-1"))]
    app = SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(timeout_ms=30_000)))
    return Request({"type": "http", "headers": headers, "app": app, "client": ("10.0.0.1", 5), **scope})


@pytest.mark.parametrize(
    ("asked", "header", "timeout_ms"),
    [
        (None, None, 30_000),
        (300, None, 300),
        (60_000, None, 60_000),
        (None, "250", 250),
        (300, "250", 250),
        (300, "5000", 300),
    ],
)
def test_the_body_says_how_long_and_the_proxy_no_longer_than_that(
    asked: int | None, header: str | None, timeout_ms: float
) -> None:
    assert timeout_ms_of(request(header), asked) == timeout_ms


@pytest.mark.parametrize("header", ["", "0", "-1", "1.5", "soon", "²", "1e3"])
def test_a_proxys_timeout_that_is_none_is_named(header: str) -> None:
    with pytest.raises(InvalidInput, match="positive number of milliseconds") as caught:
        proxy_timeout_ms(request(header))
    assert caught.value.field == ENVOY_TIMEOUT


@given(st.integers(1, 10**300))
def test_any_positive_number_is_a_timeout(number: int) -> None:
    assert 0 < proxy_timeout_ms(request(str(number))) < math.inf


def test_a_request_has_arrived_when_the_middleware_saw_it() -> None:
    assert arrival_of(request(scope={"jrerank.arrival": 12.5})) == 12.5
    assert arrival_of(request()) <= time.monotonic()


def test_a_caller_is_known_by_key_else_by_address() -> None:
    assert caller_of(request(scope={"jrerank.caller": "key-1"})) == "key-1"
    assert caller_of(request()) == "10.0.0.1"
    assert caller_of(request(scope={"client": None})) == ""
