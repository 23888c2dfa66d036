"""Requests that are sent, and requests that are only shown."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from jrerank.admin.cluster.cluster import DryRunCluster, LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.request import Request
from jrerank.errors import ConfigurationError, Refused, Unavailable
from recordings.server import Asked, RecordedServer, engine_error

PREFIX = "JRERANK_OPENSEARCH"


def refuse(asked: Asked) -> None:
    raise engine_error(400, "the reason")


@pytest.fixture
def server() -> Iterator[RecordedServer]:
    states = iter(["DEPLOYING", "DEPLOYED"])
    routes = [
        ("GET /there", lambda asked: {"a": 1}),
        ("GET /list", lambda asked: [1, 2]),
        ("GET /model", lambda asked: {"model_state": next(states, "FAILED")}),
        ("GET /missing", lambda asked: (_ for _ in ()).throw(engine_error(404, "no such thing"))),
        ("POST /wrong", refuse),
        ("(?:PUT|POST) /.*", lambda asked: {"raw": asked.raw, "type": asked.headers["content-type"]}),
    ]
    with RecordedServer(routes) as running:
        yield running


def live(server: RecordedServer, **who: object) -> LiveCluster:
    return LiveCluster(Connection(PREFIX, server.url, **who))  # type: ignore[arg-type]


class TestLive:
    def test_bodies_arrive_as_they_are(self, server: RecordedServer) -> None:
        answer = live(server).ask(Request("PUT", "/a", {"q": "富士山"}))
        assert answer == {"raw": '{"q": "富士山"}', "type": "application/json"}
        answer = live(server).ask(Request("POST", "/_bulk", lines=[{"a": 1}, {"b": 2}]))
        assert answer == {"raw": '{"a": 1}\n{"b": 2}\n', "type": "application/x-ndjson"}

    def test_a_look_at_nothing_is_none(self, server: RecordedServer) -> None:
        assert live(server).look("/there") == {"a": 1}
        assert live(server).look("/missing") is None
        assert live(server).look("/list") == {"answer": [1, 2]}

    def test_a_refusal_is_in_the_words_of_the_cluster(self, server: RecordedServer) -> None:
        with pytest.raises(Refused, match="POST /wrong: 400 the reason") as caught:
            live(server).ask(Request("POST", "/wrong", {}))
        assert caught.value.status == 400

    def test_nobody_there(self) -> None:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 does not answer"):
            LiveCluster(Connection(PREFIX, "http://127.0.0.1:9")).look("/")

    def test_another_server_than_a_cluster(self) -> None:
        """Python's own, which lists a folder as HTML."""
        http = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        try:
            with pytest.raises(Unavailable, match=r"does not answer as a cluster does: .*text/html"):
                LiveCluster(Connection(PREFIX, f"http://127.0.0.1:{http.server_address[1]}")).look("/")
        finally:
            http.shutdown()
            http.server_close()

    def test_waits_until_it_is_so(self, server: RecordedServer) -> None:
        cluster = live(server)
        cluster.wait_for("/model", "model_state", "DEPLOYED", {"FAILED"}, 10)
        with pytest.raises(Unavailable, match="is FAILED"):
            cluster.wait_for("/model", "model_state", "DEPLOYED", {"FAILED"}, 10)
        with pytest.raises(Unavailable, match="still FAILED after 0 s"):
            cluster.wait_for("/model", "model_state", "DEPLOYED", (), 0.01)


class TestWhoAsks:
    def test_a_user(self, server: RecordedServer) -> None:
        live(server, user="admin", password="pass:word").look("/there")
        sent = base64.b64decode(server.seen[-1].headers["authorization"].removeprefix("Basic "))
        assert sent == b"admin:pass:word"

    def test_an_api_key(self, server: RecordedServer) -> None:
        live(server, api_key="a2V5").look("/there")
        assert server.seen[-1].headers["authorization"] == "ApiKey a2V5"

    def test_an_aws_account_signs_each_request(
        self, server: RecordedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
        live(server, aws_region="ap-northeast-1").ask(
            Request("PUT", "/a", {"q": "山"}, parameters={"force": "true"})
        )
        seen = server.seen[-1]
        assert seen.headers["authorization"] == self._signed_again(server.url, seen)
        assert "hidden" not in str(seen.headers)

    def _signed_again(self, url: str, seen: Asked) -> str:
        """By the same account, from what has arrived."""
        signed = seen.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        headers = {name: seen.headers[name] for name in signed if name != "x-amz-date"}
        request = AWSRequest("PUT", f"{url}{seen.path}?force=true", headers, seen.raw.encode())
        signer = SigV4Auth(Credentials("AKID", "hidden"), "es", "ap-northeast-1")
        request.context["timestamp"] = request.headers["X-Amz-Date"] = seen.headers["x-amz-date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return f"{seen.headers['authorization'].split('Signature=')[0]}Signature={signer.signature(text, request)}"

    def test_an_aws_account_that_is_not_there(
        self, server: RecordedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(ConfigurationError, match="no AWS credentials"):
            live(server, aws_region="ap-northeast-1")

    def test_a_certificate_of_its_own_authority(self, tmp_path: Path) -> None:
        pem, key = tmp_path / "c.pem", tmp_path / "c.key"
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=c -addext subjectAltName=IP:127.0.0.1"
        subprocess.run(
            [*command.split(), "-keyout", str(key), "-out", str(pem)], check=True, capture_output=True
        )
        with RecordedServer([("GET /there", lambda asked: {"a": 1})], (pem, key)) as server:
            assert live(server, ca_file=pem).look("/there") == {"a": 1}
            with pytest.raises(Unavailable, match="certificate verify failed"):
                live(server).look("/there")


class TestPretended:
    def test_nobody_is_asked(self, server: RecordedServer) -> None:
        shown: list[str] = []
        cluster = DryRunCluster(Connection(PREFIX, server.url), show=shown.append)
        assert cluster.look("/there") is None
        assert cluster.ask(Request("POST", "/c", {}, remember="connector_id", note="why")) == {
            "connector_id": "$CONNECTOR_ID"
        }
        cluster.wait_for("/model", "model_state", "DEPLOYED", (), 10)
        assert shown[0] == "# why"
        assert shown[1].startswith("CONNECTOR_ID=$(curl ")
        assert shown[2].startswith("until curl ")
        assert server.seen == []

    def test_what_it_looks_at_may_be_real(self, server: RecordedServer) -> None:
        connection = Connection(PREFIX, server.url)
        assert DryRunCluster(connection, LiveCluster(connection)).look("/there") == {"a": 1}
