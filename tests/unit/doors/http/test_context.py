"""What a request brings beside its body."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.http.context import ENVOY_TIMEOUT, arrival_of, caller_of, disown, own, proxy_timeout_ms
from jrerank.doors.intake import Caller
from jrerank.errors import InvalidInput
from jrerank.fairness.caller import Owner


def request(header: str | None = None, scope: Mapping[str, object] = {}) -> Request:
    headers = [] if header is None else [(ENVOY_TIMEOUT.encode(), header.encode("latin-1"))]
    return Request({"type": "http", "headers": headers, "client": ("10.0.0.1", 5), **scope})


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
    assert caller_of(request(scope={"jrerank.caller": "key-1"})).name == "key-1"
    assert caller_of(request()).name == "10.0.0.1"
    assert caller_of(request(scope={"client": None})).name == ""


def test_a_caller_waits_from_the_arrival_for_as_long_as_the_proxy_does() -> None:
    assert caller_of(request("250", {"jrerank.arrival": 12.5})) == Caller("10.0.0.1", 12.5, 250)
    assert caller_of(request()).patience_ms == math.inf


def test_a_connection_is_owned_by_who_has_shown_a_key_on_it() -> None:
    owner = Owner()
    own(request(scope={"jrerank.owner": owner}), "key-1")
    assert owner == Owner("key-1", is_known=True)
    disown(request(scope={"jrerank.owner": owner}))
    assert owner == Owner()
    disown(request())
    own(request(), "key-1")  # by another protocol than ours
