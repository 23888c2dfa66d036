from pathlib import Path
from typing import Any

import pytest

from jrerank.errors import ConfigurationError
from jrerank.stores.opensearch.settings import OpenSearchSettings

SECRET = "hush-7f3"
MINIMAL: dict[str, Any] = {
    "kind": "opensearch",
    "urls": "https://search.example:9200",
    "index": "docs",
    "text_fields": "body",
}


def read(**given: Any) -> OpenSearchSettings:
    return OpenSearchSettings.read("docs", MINIMAL | given)


def test_one_of_a_kind_needs_no_list() -> None:
    settings = read(text_fields=["title", "chunks.text"])
    assert settings.urls == ("https://search.example:9200",)
    assert settings.index == ("docs",)
    assert settings.text_fields == ("title", "chunks.text")


def test_documents_stay_with_the_engine_unless_told_otherwise() -> None:
    assert not read().returns_text


def test_secrets_come_from_their_field_or_their_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert read(user="u", password=SECRET).secret() == SECRET
    assert read(user="u", password_file=str(file)).secret() == SECRET
    assert read(api_key=SECRET).secret() == SECRET
    assert read(api_key_file=str(file)).secret() == SECRET
    assert read().secret() is None
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="holds no secret"):
        read(api_key_file=str(file)).secret()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no node": ({"urls": []}, "docs.urls"),
    "no scheme": ({"urls": "search.example:9200"}, "docs.urls.0"),
    "another scheme": ({"urls": "ftp://search.example"}, "docs.urls.0"),
    "a port that is none": ({"urls": "http://search.example:99999"}, "docs.urls.0"),
    "a password in the URL": ({"urls": f"https://u:{SECRET}@search.example"}, "docs.urls.0"),
    "no index": ({"index": []}, "docs.index"),
    "an index pattern": ({"index": "logs-*"}, "docs.index.0"),
    "several in one": ({"index": "a,b"}, "docs.index.0"),
    "a path": ({"index": "../_cluster"}, "docs.index.0"),
    "all of them": ({"index": "_all"}, "docs.index.0"),
    "no field": ({"text_fields": []}, "docs.text_fields"),
    "a field pattern": ({"text_fields": ["body*"]}, "docs.text_fields.0"),
    "a user without a password": ({"user": "u"}, "docs"),
    "a password without a user": ({"password": SECRET}, "docs"),
    "two ways to get in": ({"user": "u", "password": SECRET, "api_key": SECRET}, "user and api_key"),
    "a file that is not there": ({"password_file": "/nowhere/secret"}, "docs.password_file"),
    "a misspelt field": ({"pasword": SECRET}, "docs.pasword"),
    "a secret that is no text": ({"api_key": [SECRET]}, "docs.api_key"),
    "no time": ({"search_timeout_ms": 0}, "docs.search_timeout_ms"),
}


@pytest.mark.parametrize(("given", "place"), list(WRONG.values()), ids=list(WRONG))
def test_what_is_wrong_is_named_and_no_secret_repeated(given: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**given)
    message = str(caught.value)
    assert message.startswith("JRERANK_STORES.docs")
    assert place in message
    assert SECRET not in message


def test_a_ca_file_holds_a_certificate(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(ConfigurationError, match="ca_file holds no certificate"):
        read(ca_file=str(file))
