"""What an error is called on the wire."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from jrerank import errors
from jrerank.doors.pgwire import faults
from jrerank.doors.pgwire.messages import NotUtf8, ProtocolViolation
from wire import fields


@pytest.mark.parametrize(
    ("error", "sqlstate", "kind"),
    [
        (errors.InvalidInput("top_n: no", field="top_n"), "22023", "invalid_input"),
        (errors.InputTooLong(), "54000", "too_large"),
        (errors.UnknownStore(), "42704", "unknown_store"),
        (errors.Overloaded(), "53000", "overloaded"),
        (errors.Unavailable(), "57P03", "unavailable"),
        (errors.NotAuthorized(), "28P01", "not_authorized"),
        (faults.Cancelled(), "57014", "cancelled"),
        (faults.TooManyConnections(), "53300", "too_many_connections"),
        (faults.ShuttingDown(), "57P01", "shutting_down"),
        (faults.NoSql(), "42601", "no_sql"),
        (faults.NotSpoken(), "0A000", "not_spoken"),
        (faults.UnknownName("there is no portal 'a'"), "26000", "unknown_name"),
        (NotUtf8("not UTF-8"), "22021", "not_utf8"),
        (ProtocolViolation("broken"), "08P01", "protocol_violation"),
    ],
)
def test_every_error_has_its_code(error: Exception, sqlstate: str, kind: str) -> None:
    fault = faults.fault_of(error)
    assert (fault.sqlstate, fault.kind) == (sqlstate, kind)
    assert fault.message


def test_a_message_of_its_own_is_told() -> None:
    assert faults.fault_of(errors.InvalidInput("top_n: no", field="top_n")).message == "top_n: no"


def test_it_is_said_when_to_come_back() -> None:
    assert faults.fault_of(errors.Overloaded(retry_after_s=3.0)).hint == "Try again in 3 s."


def test_a_wrong_password_is_told_what_the_password_is() -> None:
    fault = faults.fault_of(errors.NotAuthorized())
    assert fault.message == "password authentication failed"
    assert fault.hint == "The password is an API key of the sidecar."


def test_what_nobody_thought_of_is_logged_and_not_told() -> None:
    with capture_logs() as logged:
        fault = faults.fault_of(RuntimeError("secret"))
    assert (fault.sqlstate, fault.kind) == ("XX000", "internal")
    assert "secret" not in fault.message
    assert [(one["event"], one["error"]) for one in logged] == [("pgwire_failed", "RuntimeError")]


def test_a_fault_is_an_error_or_the_end() -> None:
    fault = faults.Fault("22023", "invalid_input", "no")
    assert fields(fault.encoded()[5:])["S"] == "ERROR"
    assert fields(fault.encoded(fatal=True)[5:])["S"] == "FATAL"
