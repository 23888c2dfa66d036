"""A fingerprint knows its body again, key included, and tells nobody what the key is."""

from __future__ import annotations

from jrerank.admin.opensearch.fingerprint import fingerprint, is_of

BODY = {"name": "a", "credential": {"key": "hidden"}}


def test_it_knows_the_same_body_again_in_any_order_of_keys() -> None:
    mark = fingerprint(BODY)
    assert is_of(f"jrerank for p {mark}", dict(reversed(BODY.items())))


def test_another_key_is_another_body() -> None:
    assert not is_of(fingerprint(BODY), BODY | {"credential": {"key": "other"}})


def test_two_of_the_same_body_differ() -> None:
    assert fingerprint(BODY) != fingerprint(BODY)
    assert "hidden" not in fingerprint(BODY)


def test_descriptions_of_others_have_none() -> None:
    for description in ("", "my connector", "[abc.def]", "None"):
        assert not is_of(description, BODY)
