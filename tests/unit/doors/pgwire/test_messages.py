"""Messages as bytes, held to the layout in PostgreSQL's documentation."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.pgwire import messages
from jrerank.doors.pgwire.messages import (
    ANSWER,
    ONE,
    CancelRequest,
    EncryptionRequest,
    NotUtf8,
    ProtocolViolation,
    Result,
    Startup,
)
from wire import fields, startup

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, TEXTS))
def test_a_startup_has_its_parameters(parameters: dict[str, str]) -> None:
    assert messages.parse_first(startup(**parameters)[4:]) == Startup(3 << 16, parameters)


@pytest.mark.parametrize("code", [80877103, 80877104])
def test_a_client_may_ask_for_encryption(code: int) -> None:
    assert messages.parse_first(struct.pack("!i", code)) == EncryptionRequest(tls=code == 80877103)


@given(st.integers(0, 2**32 - 1), st.binary(min_size=4, max_size=4))
def test_a_cancel_request_names_a_connection_and_its_secret(process_id: int, secret: bytes) -> None:
    body = struct.pack("!iI", 80877102, process_id) + secret
    assert messages.parse_first(body) == CancelRequest(process_id, secret)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "too short"),
        (b"\0\3\0", "too short"),
        (struct.pack("!i", 80877102) + b"1234567", "12 bytes"),
        (b"\0\3\0\0", "end with a zero byte"),
        (b"\0\3\0\0user\0me\0", "end with a zero byte"),
        (b"\0\3\0\0user\0\0", "pairs"),
    ],
)
def test_a_broken_first_message_is_said_to_be(body: bytes, said: str) -> None:
    with pytest.raises(ProtocolViolation, match=said):
        messages.parse_first(body)


@given(st.binary())
def test_any_first_message_is_understood_or_refused(body: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        assert isinstance(messages.parse_first(body), (Startup, CancelRequest, EncryptionRequest))


@given(TEXTS)
def test_a_text_ends_with_its_zero_byte(text: str) -> None:
    assert messages.text_of(text.encode() + b"\0") == text


@pytest.mark.parametrize("body", [b"", b"no end", b"one\0two\0", b"\0\0"])
def test_a_text_without_its_end_breaks_the_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        messages.text_of(body)


def test_another_encoding_is_no_violation_but_said() -> None:
    with pytest.raises(NotUtf8, match=r"not UTF-8: .* at byte 0"):
        messages.text_of("富士山".encode("euc_jp") + b"\0")


@given(st.text("ABC-", min_size=1), st.binary())
def test_a_sasl_response_has_a_mechanism_and_data(mechanism: str, data: bytes) -> None:
    body = mechanism.encode() + b"\0" + struct.pack("!i", len(data)) + data
    assert messages.sasl_initial_response(body) == (mechanism, data)
    with pytest.raises(ProtocolViolation):
        messages.sasl_initial_response(body + b"!")


@given(st.binary())
def test_any_sasl_response_is_understood_or_refused(body: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        messages.sasl_initial_response(body)


def test_every_message_says_its_length() -> None:
    made = [
        messages.authentication(10, b"SCRAM-SHA-256\0\0"),
        messages.negotiate_version(["_pq_.command_tag"]),
        messages.parameter_status("client_encoding", "UTF8"),
        messages.backend_key_data(7, b"1234"),
        messages.ready_for_query(True),
        messages.error_response("22023", "富士山", hint="高い", fatal=True),
        messages.row_description(ANSWER),
        messages.data_row(ANSWER, "{}"),
        messages.completion("SELECT 1"),
        messages.completion(""),
    ]
    for one in made:
        assert int.from_bytes(one[1:5], "big") == len(one) - 1


def test_an_error_has_a_sqlstate_a_severity_and_a_hint() -> None:
    error = messages.error_response("53000", "too much", hint="Try again in 1 s.")
    expected = {"S": "ERROR", "V": "ERROR", "C": "53000", "M": "too much", "H": "Try again in 1 s."}
    assert fields(error[5:]) == expected
    assert fields(messages.error_response("08P01", "no", fatal=True)[5:])["S"] == "FATAL"


def test_a_zero_byte_cannot_cut_an_error_short() -> None:
    assert fields(messages.error_response("22023", "a\0b")[5:])["M"] == "ab"


def test_a_whole_result_is_described_sent_and_completed() -> None:
    sent = messages.whole_result(Result("SELECT 1", ANSWER, '{"a": "富士"}'))
    row = '{"a": "富士"}'.encode()
    description = b"answer\0" + struct.pack("!ihihih", 0, 0, 114, -1, -1, 0)
    assert sent == (
        b"T" + struct.pack("!ih", 6 + len(description), 1) + description
        + b"D" + struct.pack("!ihi", 10 + len(row), 1, len(row)) + row
        + b"C" + struct.pack("!i", 13) + b"SELECT 1\0"
    )  # fmt: skip


def test_a_statement_without_rows_only_completes() -> None:
    assert messages.whole_result(Result("PART")) == b"C\0\0\0\x09PART\0"
    assert messages.whole_result(Result("")) == b"I\0\0\0\4"


def test_a_number_has_a_binary_form_and_a_json_is_its_own() -> None:
    assert messages.data_row(ONE, "1", binary=True).endswith(b"\0\0\0\4\0\0\0\1")
    assert messages.data_row(ANSWER, "{}", binary=True) == messages.data_row(ANSWER, "{}")
