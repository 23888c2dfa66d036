"""Requests as shell: any text arrives as it is, secrets and ids stay variables."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.curl import curl, quoted
from jrerank.admin.cluster.request import Request

CONNECTION = Connection("JRERANK_OPENSEARCH", "https://search.example:9200")
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=200, deadline=None)
@given(WORDS, WORDS)
def test_any_text_is_one_word_of_shell(before: str, after: str) -> None:
    assert shlex.split(quoted(f"{before} {after}")) == [f"{before} {after}"]


def test_what_a_dry_run_knows_stays_a_variable_and_nothing_else_does() -> None:
    word = quoted("""{"id": "$CONNECTOR_ID", "it's": "${parameters.query} $HOME"}""")
    environment = {"CONNECTOR_ID": 'a"$b', "HOME": "wrong", "PATH": "/usr/bin:/bin"}
    printed = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, text=True, check=True, env=environment
    )
    assert printed.stdout == """{"id": "a"$b", "it's": "${parameters.query} $HOME"}"""


def test_a_request_without_a_body() -> None:
    assert curl(Request("GET", "/_search/pipeline/a"), CONNECTION) == (
        "curl -sS --fail-with-body -X GET https://search.example:9200/_search/pipeline/a"
    )


def test_parameters_and_odd_names_are_escaped() -> None:
    line = curl(Request("DELETE", "/_inference/rerank/a b", parameters={"force": "true"}), CONNECTION)
    assert shlex.split(line)[-1] == "https://search.example:9200/_inference/rerank/a%20b?force=true"


def test_what_is_remembered_becomes_a_variable() -> None:
    line = curl(Request("POST", "/c", {}, remember="connector_id"), CONNECTION)
    answer = '{"task":"x","connector_id":"abc-1_2","other":"y"}'
    script = f"curl() {{ printf '%s' '{answer}'; }}\n{line}\nprintf %s $CONNECTOR_ID"
    assert (
        subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout == "abc-1_2"
    )


class TestWhoAsks:
    def line(self, **who: object) -> list[str]:
        connection = Connection("JRERANK_OPENSEARCH", **who)  # type: ignore[arg-type]
        return shlex.split(curl(Request("GET", "/"), connection))

    def test_the_password_is_a_variable(self) -> None:
        line = self.line(user="admin", password="hidden")
        assert line[line.index("--user") + 1] == "admin:$JRERANK_OPENSEARCH_PASSWORD"
        assert "hidden" not in " ".join(line)

    def test_the_api_key_is_a_variable(self) -> None:
        line = self.line(api_key="hidden")
        assert "authorization: ApiKey $JRERANK_OPENSEARCH_API_KEY" in line

    def test_aws_signs_with_its_own_variables(self) -> None:
        line = self.line(aws_region="ap-northeast-1", aws_service="aoss")
        assert line[line.index("--aws-sigv4") + 1] == "aws:amz:ap-northeast-1:aoss"
        assert "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" in line

    def test_the_authority_is_a_file(self) -> None:
        assert "/etc/a b.pem" in self.line(ca_file=Path("/etc/a b.pem"))
