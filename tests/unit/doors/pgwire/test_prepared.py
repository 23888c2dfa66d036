"""Prepared statements and portals."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from jrerank.doors.bodies import OpenBodies
from jrerank.doors.pgwire.extended import Bind, Named, Parse
from jrerank.doors.pgwire.faults import NotSpoken, UnknownName
from jrerank.doors.pgwire.kept_statements import KeptStatements
from jrerank.doors.pgwire.messages import NotUtf8
from jrerank.doors.pgwire.prepared import MAX_PREPARED_BYTES, PreparedStatements
from jrerank.errors import InputTooLong, InvalidInput, Overloaded

TEXT, JSONB = 25, 3802


@pytest.fixture
def bodies() -> OpenBodies:
    return OpenBodies(10_000_000)


@pytest.fixture
def prepared(bodies: OpenBodies) -> Iterator[PreparedStatements]:
    with bodies.share() as share:
        yield PreparedStatements(share, KeptStatements(10_000_000))


def bind(*values: bytes | None, statement: str = "", binary: bool = False) -> Bind:
    return Bind("", statement, [binary] * len(values), values, False)


def test_a_text_without_parameters_runs_as_it_is(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "{}", ()))
    prepared.bind(bind())
    assert prepared.portal("").text == "{}"
    assert prepared.statement("").type_oids == ()


def test_a_parameter_is_the_whole_request(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "SELECT rerank($1)", (0,)))
    prepared.bind(bind('{"query": "富士山"}'.encode()))
    assert prepared.portal("").text == '{"query": "富士山"}'
    assert prepared.statement("").type_oids == (TEXT,)


def test_the_type_of_a_parameter_need_not_be_given(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "$1", ()))
    assert prepared.statement("").type_oids == (TEXT,)


def test_a_binary_jsonb_begins_with_its_version(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "$1", (JSONB,)))
    prepared.bind(bind(b"\x01{}", binary=True))
    assert prepared.portal("").text == "{}"
    prepared.bind(bind(b"{}"))
    assert prepared.portal("").text == "{}"


def test_other_parameters_are_not_spoken(prepared: PreparedStatements) -> None:
    with pytest.raises(NotSpoken):
        prepared.parse(Parse("", "SELECT $1, $2", (TEXT, TEXT)))
    prepared.parse(Parse("", "{}", ()))
    prepared.parse(Parse("one", "$1", (TEXT,)))
    for wrong in (bind(b"{}"), bind(statement="one"), bind(b"{}", b"{}", statement="one")):
        with pytest.raises(NotSpoken):
            prepared.bind(wrong)


def test_a_request_cannot_be_null_nor_in_another_encoding(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "$1", (TEXT,)))
    with pytest.raises(InvalidInput, match="NULL"):
        prepared.bind(bind(None))
    with pytest.raises(NotUtf8):
        prepared.bind(bind(b"\xff"))


def test_names_are_kept_until_they_are_forgotten(prepared: PreparedStatements) -> None:
    for name in ("", "one", "two"):
        prepared.parse(Parse(name, "{}", ()))
    prepared.close(Named(portal=False, name="one"))
    prepared.close(Named(portal=False, name="never there"))
    with pytest.raises(UnknownName, match="'one'"):
        prepared.statement("one")
    prepared.forget("two")
    with pytest.raises(UnknownName):
        prepared.statement("two")
    prepared.forget("ALL")
    with pytest.raises(UnknownName):
        prepared.bind(bind())


def test_portals_end_with_their_transaction(prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "{}", ()))
    prepared.bind(bind())
    prepared.forget_portals()
    with pytest.raises(UnknownName, match="portal"):
        prepared.portal("")
    prepared.bind(bind())
    prepared.close(Named(portal=True, name=""))
    with pytest.raises(UnknownName, match="portal"):
        prepared.portal("")


def test_a_client_cannot_make_it_keep_without_end(prepared: PreparedStatements) -> None:
    with pytest.raises(InputTooLong, match=f"{MAX_PREPARED_BYTES} bytes"):
        for number in range(10_000):
            prepared.parse(Parse(f"s{number}", "{}", ()))


def test_a_statement_makes_room_for_its_successor(prepared: PreparedStatements) -> None:
    for name in ("", "named"):
        for _ in range(10):
            prepared.parse(Parse(name, "{" + " " * (MAX_PREPARED_BYTES - 1_000) + "}", ()))


def test_only_a_statement_without_a_name_may_be_large(prepared: PreparedStatements) -> None:
    large = "{" + " " * MAX_PREPARED_BYTES + "}"
    with pytest.raises(InputTooLong):
        prepared.parse(Parse("named", large, ()))
    assert not prepared.is_large
    prepared.parse(Parse("named", "{}", ()))
    prepared.parse(Parse("", large, ()))
    assert prepared.is_large
    prepared.forget_unnamed()
    assert not prepared.is_large
    assert prepared.statement("named").text == "{}"


@pytest.mark.parametrize("text", ["a", "富士", "😀"])
def test_what_counts_is_what_is_allocated(
    text: str, bodies: OpenBodies, prepared: PreparedStatements
) -> None:
    """One character beyond the first 65,536 makes each of a text's take four bytes."""
    text = text + " " * 1_000_000
    prepared.parse(Parse("", text, ()))
    with bodies.share() as others:
        left = bodies.most_bytes("") - sys.getsizeof(text)
        with pytest.raises(Overloaded):
            others.take_text(left)
        others.take_text(left - 2_000)


def test_all_of_it_is_given_back(bodies: OpenBodies, prepared: PreparedStatements) -> None:
    for name in ("", "one", "two"):
        prepared.parse(Parse(name, "$1", ()))
        prepared.bind(bind(b"{}" + b" " * 1_000, statement=name))
    prepared.close(Named(portal=True, name="other"))
    prepared.forget_unnamed()
    prepared.close(Named(portal=False, name="one"))
    prepared.forget("ALL")
    assert bodies.used_bytes == 0


def test_what_there_is_no_room_for_is_not_kept(bodies: OpenBodies, prepared: PreparedStatements) -> None:
    prepared.parse(Parse("", "$1", ()))
    with bodies.share() as others:
        others.hold(9_990_000)
        with pytest.raises(Overloaded):
            prepared.parse(Parse("one", " " * 20_000, ()))
        with pytest.raises(Overloaded):
            prepared.bind(bind(b" " * 20_000))
        for missing in (prepared.portal, lambda _: prepared.statement("one")):
            with pytest.raises(UnknownName):
                missing("")


def test_of_all_connections_the_statement_goes_that_was_used_longest_ago(bodies: OpenBodies) -> None:
    kept = KeptStatements(50_000)
    with bodies.share() as share, bodies.share() as other:
        one, two = PreparedStatements(share, kept), PreparedStatements(other, kept)
        for name in "abcd":
            one.parse(Parse(name, " " * 10_000, ()))
        one.bind(bind(statement="a"))
        two.parse(Parse("a", " " * 10_000, ()))
        for name, connection in (("b", one), ("never", two)):
            with pytest.raises(UnknownName, match="prepare it again"):
                connection.bind(bind(statement=name))
        assert all(one.statement(name) for name in "acd")
        assert two.statement("a")
        two.parse(Parse("", " " * 100_000, ()))
        assert one.statement("c"), "one without a name counts elsewhere"
        one.forget_all()
    assert bodies.used_bytes == 0


def test_a_connection_that_has_ended_makes_room(bodies: OpenBodies) -> None:
    kept = KeptStatements(25_000)
    with bodies.share() as share:
        stays = PreparedStatements(share, kept)
        stays.parse(Parse("first", " " * 10_000, ()))
        for _ in range(10):
            comes = PreparedStatements(share, kept)
            comes.parse(Parse("a", " " * 10_000, ()))
            comes.forget_all()
        assert stays.statement("first")
