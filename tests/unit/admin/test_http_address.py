"""What is an address over HTTP, and what is none."""

from __future__ import annotations

import pytest

from jrerank.admin.http_address import http_parts


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://10.0.0.7:8080", "10.0.0.7", 8080),
        ("https://search.example/jrerank", "search.example", None),
        ("http://[::1]:9200", "::1", 9200),
    ],
)
def test_an_address_has_parts(url: str, host: str, port: int | None) -> None:
    parts = http_parts(url)
    assert parts is not None
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "search.example:9200",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://a:0",
        "http://a:abc",
        "http://[::1",
        "http://[x]",
    ],
)
def test_what_is_none_has_no_parts(url: str) -> None:
    assert http_parts(url) is None
