"""The sidecar as a cluster's nodes reach it."""

from __future__ import annotations

import pytest

from jrerank.admin.opensearch.sidecar_address import checked_sidecar_url, sidecar_key
from jrerank.errors import InvalidInput


def test_a_slash_at_the_end_is_dropped() -> None:
    assert checked_sidecar_url("http://10.0.0.7:8080/") == "http://10.0.0.7:8080"
    assert checked_sidecar_url("https://search.example/jrerank") == "https://search.example/jrerank"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "sidecar:8080",
        "ftp://a",
        "http://",
        "http://a?b=c",
        "http://u:p@a",
        "http://[x",
        "http://a:abc",
    ],
)
def test_what_is_no_base_url_is_refused(url: str | None) -> None:
    with pytest.raises(InvalidInput, match="--sidecar-url"):
        checked_sidecar_url(url)


def test_a_dry_run_never_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", "hidden")
    assert sidecar_key(None, dry_run=False) == "hidden"
    assert sidecar_key(None, dry_run=True) == "$JRERANK_SIDECAR_API_KEY"
    monkeypatch.delenv("JRERANK_SIDECAR_API_KEY")
    assert sidecar_key(None, dry_run=True) is None
