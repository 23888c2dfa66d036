"""Where a cluster is, and who asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.cluster.connection import read_connection
from jrerank.errors import ConfigurationError, InvalidInput

PREFIX = "JRERANK_OPENSEARCH"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "USER", "PASSWORD", "API_KEY"):
        monkeypatch.delenv(f"{PREFIX}_{name}", raising=False)


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_connection(PREFIX).url == "http://localhost:9200"
    monkeypatch.setenv(f"{PREFIX}_URL", "https://a.example/")
    assert read_connection(PREFIX).url == "https://a.example"
    assert read_connection(PREFIX, "https://b.example:9200").url == "https://b.example:9200"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_PASSWORD", "hidden")
    connection = read_connection(PREFIX, user="admin")
    assert connection.password == "hidden"
    assert "hidden" not in repr(connection)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("search.example:9200", "not an address"),
        ("ftp://a", "not an address"),
        ("http://localhost:99999", "not an address"),
        ("http://localhost:abc", "not an address"),
        ("http://[::1", "not an address"),
        ("https://u:p@a", "--user instead"),
    ],
)
def test_a_url_that_makes_no_sense(url: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_connection(PREFIX, url)


def test_a_user_needs_a_password() -> None:
    with pytest.raises(ConfigurationError, match="JRERANK_OPENSEARCH_PASSWORD"):
        read_connection(PREFIX, user="admin")


def test_one_way_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_API_KEY", "k")
    with pytest.raises(InvalidInput, match="exclude each other"):
        read_connection(PREFIX, aws_region="ap-northeast-1")


def test_other_services_of_aws_are_refused() -> None:
    with pytest.raises(InvalidInput, match="es and aoss"):
        read_connection(PREFIX, aws_region="ap-northeast-1", aws_service="s3")


def test_an_authority_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read_connection(PREFIX, ca_file=Path("/nowhere.pem"))
