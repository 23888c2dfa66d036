"""Which addresses are private, and which pattern trusts one of them and no other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.trust import (
    ONLY_ML_NODES,
    PRIVATE_IP,
    TRUSTED,
    TRUSTED_PRIVATE,
    distrust,
    is_private,
    trust,
    trusted_pattern,
    what_is_missing,
)
from recordings.ml_commons import MlCommons

URL = "http://10.0.0.7:8080"


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://10.0.0.7", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://sidecar:8080", True),
        ("http://sidecar.search.internal", True),
        ("https://rerank.example.com", False),
        ("https://8.8.8.8", False),
    ],
)
def test_private_addresses_are_told_by_their_looks(url: str, private: bool) -> None:
    assert is_private(url) is private


@given(
    st.from_regex(r"https?://[a-z0-9.\-]{1,20}(:[0-9]{1,5})?", fullmatch=True), st.text("a.:/-0", max_size=8)
)
def test_a_pattern_trusts_what_is_below_its_address_only(url: str, more: str) -> None:
    pattern = trusted_pattern(url)
    assert re.fullmatch(pattern, f"{url}/v1/rerank")
    if more and not more.startswith("/"):
        assert not re.fullmatch(pattern, f"{url}{more}/v1/rerank")


def test_a_dot_is_a_dot() -> None:
    assert not re.fullmatch(trusted_pattern("http://a.b"), "http://aXb/v1/rerank")


class TestSettings:
    def run(self, server: MlCommons, url: str = URL, private: bool = True) -> bool:
        return trust(LiveCluster(Connection("JRERANK_OPENSEARCH", server.url)), url, private, print)

    def test_what_is_written_once_is_not_written_twice(self) -> None:
        with MlCommons() as server:
            assert self.run(server)
            assert not self.run(server)

    def test_a_setting_is_changed_where_it_was_set(self) -> None:
        with MlCommons() as server:
            server.settings["transient"][TRUSTED] = ["^https://a/.*$"]
            self.run(server)
            assert server.settings["transient"][TRUSTED] == ["^https://a/.*$", trusted_pattern(URL)]
            assert TRUSTED not in server.settings["persistent"]

    def test_a_public_address_needs_less(self) -> None:
        with MlCommons() as server:
            self.run(server, "https://rerank.example.com", private=False)
            assert set(server.settings["persistent"]) == {TRUSTED, ONLY_ML_NODES}

    def test_what_is_missing_is_named(self) -> None:
        with MlCommons() as server:
            cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
            assert what_is_missing(cluster, URL) == [TRUSTED, PRIVATE_IP, TRUSTED_PRIVATE]
            assert what_is_missing(cluster, "https://rerank.example.com") == [TRUSTED]
            self.run(server)
            assert what_is_missing(cluster, URL) == []
            distrust(cluster, URL, print)
            assert what_is_missing(cluster, URL) == [TRUSTED, TRUSTED_PRIVATE]

    def test_before_3_7_there_is_one_list(self) -> None:
        with MlCommons(version="3.6.0") as server:
            cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
            assert what_is_missing(cluster, URL) == [TRUSTED, PRIVATE_IP]

    def test_a_list_that_was_set_as_a_text_is_still_a_list(self) -> None:
        with MlCommons() as server:
            server.settings["persistent"][TRUSTED] = f"[^https://a/.*$,{trusted_pattern(URL)}]"
            assert PRIVATE_IP in what_is_missing(LiveCluster(Connection("X", server.url)), URL)
            self.run(server)
            assert server.settings["persistent"][TRUSTED] == f"[^https://a/.*$,{trusted_pattern(URL)}]"
