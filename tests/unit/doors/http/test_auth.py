"""API keys, as bearer tokens or in a header of their own."""

from __future__ import annotations

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.http.auth import authorize
from jrerank.errors import NotAuthorized

KEYS = ("first-key", "鍵")


def request(authorization: str | None, **more: str) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_each_of_several_keys_opens(key: str, scheme: str) -> None:
    authorize(request(scheme + key), KEYS)


@pytest.mark.parametrize("header", ["api_key", "x_api_key"])
def test_so_does_one_in_a_header_of_its_own(header: str) -> None:
    authorize(request(None, **{header: " first-key "}), KEYS)
    authorize(request("Basic dXNlcg==", **{header: "鍵"}), KEYS)
    with pytest.raises(NotAuthorized):
        authorize(request(None, **{header: "first"}), KEYS)


def test_a_wrong_token_is_not_made_good_by_another_header() -> None:
    with pytest.raises(NotAuthorized):
        authorize(request("Bearer wrong", x_api_key="first-key"), KEYS)


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", "first-key", "Basic first-key", "Bearer first-key2", "Bearer FIRST-KEY"]
)  # fmt: skip
def test_anything_else_does_not(sent: str | None) -> None:
    with pytest.raises(NotAuthorized, match="Authorization: Bearer KEY"):
        authorize(request(sent), KEYS)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20))
def test_no_text_opens_that_is_not_a_key(text: str) -> None:
    if text.strip() not in KEYS:
        with pytest.raises(NotAuthorized):
            authorize(request(f"Bearer {text}"), KEYS)


def test_without_keys_everybody_may() -> None:
    authorize(request(None), ())


def test_a_callers_name_does_not_tell_the_key() -> None:
    first, second = request("Bearer first-key"), request("Bearer 鍵")
    for one in (first, second):
        authorize(one, KEYS)
    assert first.scope["jrerank.caller"].startswith("key-")
    assert first.scope["jrerank.caller"] != second.scope["jrerank.caller"]
    assert "first" not in first.scope["jrerank.caller"]
