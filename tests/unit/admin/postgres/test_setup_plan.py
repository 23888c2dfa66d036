"""What has to be done so that a database can rerank, by what the server has and the role may do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jrerank.admin.postgres.choices import Form, Transport
from jrerank.admin.postgres.files import Script
from jrerank.admin.postgres.offers import Extension, Offers
from jrerank.admin.postgres.setup_plan import (
    MASK,
    Server,
    choose_owner,
    choose_transport,
    choose_wrapper,
    close_step,
    functions_steps,
    mapping_steps,
    search_path_step,
    server_steps,
    transport_steps,
)
from jrerank.admin.postgres.sidecar_address import read_address
from jrerank.errors import ConfigurationError

ADDRESS = read_address("http://sidecar:8080", "sidecar:5433", None, None)
Versions = dict[str, tuple[str | None, str | None]]
HTTP: Versions = {"http": ("1.7", None)}
DBLINK: Versions = {"dblink": ("1.2", None)}
OURS: Versions = {"jrerank": ("0.1.0", None)}
SCRIPT = Script("0.1.0", Path("jrerank--0.1.0.sql"))


def offers(*, extensions: Versions, functions: str | None = None, can: bool = True) -> Offers:
    """`extensions`: by name, the version offered and the one installed. `can`: as a superuser."""
    return Offers(
        database="docs",
        role="me",
        version="18",
        is_superuser=can,
        may_create_roles=can,
        has_wrapper=False,
        has_owner=False,
        asks_as=None,
        has_mapping=False,
        has_schema=can,
        may_grant_user=can,
        has_loopback=False,
        extensions={name: Extension(*versions) for name, versions in extensions.items()},
        functions=functions,
    )


@pytest.mark.parametrize(
    ("has", "wrapper", "keyed", "expected"),
    [
        (HTTP | DBLINK, "jrerank", True, Transport.HTTP),
        (HTTP, "jrerank", False, Transport.HTTP),
        (DBLINK, "jrerank", True, Transport.DBLINK),
        (HTTP | DBLINK, "dblink_fdw", True, Transport.DBLINK),
    ],
)
def test_http_where_it_is_and_the_url_has_a_place_else_dblink(
    has: Versions, wrapper: str, keyed: bool, expected: Transport
) -> None:
    chosen = choose_transport(Transport.AUTO, offers(extensions=has), ADDRESS, wrapper, keyed=keyed)
    assert chosen is expected


@pytest.mark.parametrize(
    ("has", "address", "keyed", "said"),
    [
        ({}, ADDRESS, True, "http: this server has no extension http; dblink: this server has no"),
        (HTTP, read_address(None, "a:1", None, None), True, "http: --url is needed"),
        (DBLINK, read_address("http://a", None, None, None), True, "dblink: --pgwire HOST:PORT is needed"),
        (DBLINK, ADDRESS, False, "dblink: an API key is needed"),
    ],
)
def test_what_keeps_each_transport_from_serving_is_said(
    has: Versions, address: object, keyed: bool, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        choose_transport(Transport.AUTO, offers(extensions=has), address, "jrerank", keyed=keyed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("has", "can", "form", "wrapper", "owner"),
    [
        (OURS, False, Form.AUTO, "jrerank", "jrerank_owner"),
        ({}, True, Form.AUTO, "jrerank", "jrerank_owner"),
        ({}, False, Form.AUTO, "dblink_fdw", "me"),
        (OURS, False, Form.SCRIPT, "dblink_fdw", "me"),
    ],
)
def test_a_trusted_extension_may_what_its_installer_may_not(
    has: Versions, can: bool, form: Form, wrapper: str, owner: str
) -> None:
    offered = offers(extensions=has, can=can)
    assert (choose_wrapper(offered, form), choose_owner(offered, form)) == (wrapper, owner)


def test_functions_that_are_there_keep_the_role_that_they_ask_as() -> None:
    there = replace(offers(extensions={}, functions="0.1.0"), asks_as="me")
    assert (choose_wrapper(there, Form.AUTO), choose_owner(there, Form.AUTO)) == ("dblink_fdw", "me")


@pytest.mark.parametrize(
    ("has", "functions", "form", "expected"),
    [
        (OURS, None, Form.AUTO, ["extension jrerank 0.1.0"]),
        ({}, None, Form.AUTO, ["functions of jrerank 0.1.0, by jrerank--0.1.0.sql"]),
        (OURS, None, Form.SCRIPT, ["functions of jrerank 0.1.0, by jrerank--0.1.0.sql"]),
        ({"jrerank": ("0.1.0", "0.1.0")}, "0.1.0", Form.AUTO, []),
        ({"jrerank": ("0.2.0", "0.1.0")}, "0.1.0", Form.AUTO, ["extension jrerank 0.1.0 -> 0.2.0"]),
        ({}, "0.1.0", Form.AUTO, []),
    ],
)
def test_functions_are_installed_or_upgraded_in_the_form_that_they_have(
    has: Versions,
    functions: str | None,
    form: Form,
    expected: list[str],
    tmp_path: Path,
) -> None:
    (tmp_path / SCRIPT.path).write_text("select 1")
    script = Script(SCRIPT.version, tmp_path / SCRIPT.path)
    steps = functions_steps(offers(extensions=has, functions=functions), form, script)
    assert [step.what for step in steps] == expected


def test_an_extension_whose_files_are_missing_is_not_replaced_by_a_script() -> None:
    with pytest.raises(ConfigurationError, match="--as script"):
        list(functions_steps(offers(extensions={}), Form.EXTENSION, SCRIPT))


def test_an_extension_that_is_there_is_not_made_again() -> None:
    assert not list(transport_steps(offers(extensions={"http": ("1.7", "1.7")}), Transport.HTTP))
    (step,) = transport_steps(offers(extensions=HTTP), Transport.HTTP)
    assert step.statement.as_string(None) == 'create extension if not exists "http"'


def test_a_server_is_made_changed_or_left() -> None:
    options = {"url": "http://it's"}
    (made,) = server_steps(None, "jrerank", options)
    assert "options (\"url\" 'http://it''s')" in made.statement.as_string(None)
    (changed,) = server_steps(Server("jrerank", {"url": "http://a", "host": "b"}), "jrerank", options)
    assert changed.statement.as_string(None) == (
        "alter server jrerank options (drop \"host\", set \"url\" 'http://it''s')"
    )
    assert not list(server_steps(Server("jrerank", options), "jrerank", options))
    assert len(list(server_steps(Server("dblink_fdw", {}), "jrerank", options))) == 2


def test_a_key_is_masked_where_it_is_shown() -> None:
    *_, step = mapping_steps("jrerank_owner", "sesa'me")
    assert "password 'sesa''me'" in step.statement.as_string(None)
    assert step.masked is not None
    assert f"password '{MASK}'" in step.masked.as_string(None)
    assert "sesa" not in step.masked.as_string(None) + step.what


def test_what_a_server_has_beside_an_address_stays() -> None:
    server = Server("jrerank", {"url": "http://old", "connect_timeout": "5", "curlopt_cainfo": "/ca.pem"})
    [step] = server_steps(server, "jrerank", {"url": "http://new", "connect_timeout": "2"})
    assert "http://new" in step.what
    assert "connect_timeout=5 curlopt_cainfo=/ca.pem" in step.what


def test_nobody_else_may_use_a_transport_that_is_closed() -> None:
    text = close_step("http", "jrerank_owner").statement.as_string(None)
    assert "'http'" in text
    assert "'jrerank_owner'" in text


@pytest.mark.parametrize(("role", "said"), [("app", "of app"), (None, "of this database")])
def test_the_search_path_is_of_a_role_or_of_the_database(role: str | None, said: str) -> None:
    assert said in search_path_step(role).what


def test_without_a_schema_to_create_in_the_extension_goes_to_pg_catalog() -> None:
    has = offers(extensions={"jrerank": ("0.1.0", None)})
    [step] = functions_steps(replace(has, has_schema=False), Form.AUTO, SCRIPT)
    assert step.statement.as_string(None).endswith('"jrerank" schema pg_catalog')
    [step] = functions_steps(has, Form.AUTO, SCRIPT)
    assert step.statement.as_string(None).endswith('"jrerank"')
