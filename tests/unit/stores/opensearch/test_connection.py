import asyncio
import gc
import json
import os
import shutil
import socket
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from certificates import make_certificate
from jrerank.errors import Abandoned, ConfigurationError, Overloaded, StoreError
from jrerank.fairness.caller import on_behalf_of
from jrerank.stores.opaque_id import asking_for
from jrerank.stores.opensearch import bounded
from jrerank.stores.opensearch.connection import Connection
from jrerank.stores.opensearch.settings import OpenSearchSettings
from jrerank.stores.replies import counted_by
from jrerank.stores.search import EngineReply
from recorded import Asked, recorded_server

SETTINGS: dict[str, Any] = {"kind": "elasticsearch", "index": "docs", "text_fields": "body"}


@asynccontextmanager
async def connected(urls: list[str], **given: Any) -> AsyncIterator[Connection]:
    connection = Connection("docs", OpenSearchSettings.read("docs", SETTINGS | {"urls": urls} | given))
    try:
        yield connection
    finally:
        await connection.close()


def fine(_: Asked) -> tuple[int, Any]:
    return 200, {"ok": True}


async def ask(connection: Connection, timeout_s: float = 10) -> EngineReply:
    return await connection.request("POST", "/docs/_search", {"size": 1}, {"routing": "a b"}, timeout_s)


async def test_who_asks_one_thing_does_not_wait_for_all_that_another_caller_asks() -> None:
    with recorded_server(fine) as engine:
        async with connected([engine.url], max_connections=1) as connection:
            asking = []
            for caller, count in (("many", 6), ("few", 1)):
                with on_behalf_of(caller):
                    asking += [
                        asyncio.create_task(connection.request("GET", f"/{caller}", None, {}, 10))
                        for _ in range(count)
                    ]
            await asyncio.gather(*asking)
    assert [asked.path for asked in engine.asked].index("/few") <= 2


async def test_who_gets_no_connection_in_time_is_told_so() -> None:
    def slow(_: Asked) -> tuple[int, Any]:
        time.sleep(0.3)
        return 200, {}

    with recorded_server(slow) as engine:
        async with connected([engine.url], max_connections=1) as connection:
            first = asyncio.create_task(ask(connection))
            await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                await ask(connection, 0.05)
            assert (await first).status == 200
            assert (await ask(connection)).status == 200


async def test_a_request_and_its_reply() -> None:
    with recorded_server(fine) as engine:
        async with connected([engine.url + "/prefix"]) as connection:
            assert await ask(connection) == EngineReply(200, {"ok": True})
    (asked,) = engine.asked
    assert (asked.method, asked.path, asked.parameters) == (
        "POST",
        "/prefix/docs/_search",
        {"routing": "a b"},
    )
    assert asked.json() == {"size": 1}
    assert "authorization" not in asked.headers


AUTHORIZATIONS = {
    "basic": ({"user": "山田", "password": "秘密"}, "Basic 5bGx55SwOuenmOWvhg=="),
    "an API key": ({"api_key": "ZW5jb2RlZA=="}, "ApiKey ZW5jb2RlZA=="),
}


@pytest.mark.parametrize(("given", "header"), list(AUTHORIZATIONS.values()), ids=list(AUTHORIZATIONS))
async def test_authorization(given: dict[str, str], header: str) -> None:
    with recorded_server(fine) as engine:
        async with connected([engine.url], **given) as connection:
            await ask(connection)
    assert engine.asked[0].headers["authorization"] == header


async def test_tls_with_its_own_authority_and_without(tmp_path: Path) -> None:
    if shutil.which("openssl") is None and os.environ.get("CI") != "true":
        pytest.skip("openssl isn't installed: run tests/install-system-packages as root")
    certificate = make_certificate(tmp_path)
    with recorded_server(fine, certificate) as engine:
        async with connected([engine.url], ca_file=str(certificate.certificate)) as trusting:
            assert (await ask(trusting)).status == 200
        async with connected([engine.url]) as doubting:
            with pytest.raises(StoreError, match="cannot be reached"):
                await ask(doubting)
    assert len(engine.asked) == 1


async def test_aws_signs_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-test")
    with recorded_server(fine) as engine:
        async with connected([engine.url], aws_region="ap-northeast-1") as connection:
            await ask(connection)
    (asked,) = engine.asked
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/ap-northeast-1/es/aws4_request" in asked.headers["authorization"]
    assert asked.json() == {"size": 1}


def test_aws_without_credentials_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    settings = OpenSearchSettings.read("docs", SETTINGS | {"urls": "http://127.0.0.1:9", "aws_region": "r"})
    with pytest.raises(ConfigurationError, match="aws_region: no AWS"):
        Connection("docs", settings)


@pytest.mark.parametrize("body", [{"error": {"type": "parsing_exception"}, "status": 400}, "no JSON here"])
async def test_what_the_engine_refuses_is_its_reply(body: object) -> None:
    with recorded_server(lambda _: (400, body)) as engine:
        async with connected([engine.url]) as connection:
            reply = await ask(connection)
    assert reply == EngineReply(400, body)
    assert reply.size_bytes == len(body if isinstance(body, str) else json.dumps(body))
    assert len(engine.asked) == 1


async def test_the_engine_hears_under_which_name_it_is_asked() -> None:
    with recorded_server(fine) as engine:
        async with connected([engine.url]) as connection:
            for name in ("search 7", "", "x" * 257, "山"):
                with asking_for(name):
                    await ask(connection)
            await ask(connection)
    assert [asked.headers.get("x-opaque-id") for asked in engine.asked] == ["search 7", *[None] * 4]


async def test_a_node_that_is_down_is_passed_over() -> None:
    with recorded_server(fine) as engine:
        async with connected([unused_url(), engine.url]) as connection:
            for _ in range(4):
                assert (await ask(connection)).status == 200


async def test_nobody_there() -> None:
    async with connected([unused_url()]) as connection:
        with pytest.raises(StoreError, match="cannot be reached"):
            await ask(connection)


async def test_no_answer_in_time() -> None:
    def hang(_: Asked) -> tuple[int, Any]:
        time.sleep(1)
        return 200, {}

    with recorded_server(hang) as engine:
        async with connected([engine.url]) as connection:
            with pytest.raises(TimeoutError):
                await ask(connection, timeout_s=0.1)
    assert len(engine.asked) == 1


async def test_an_answer_that_is_no_json() -> None:
    with recorded_server(lambda _: (200, "<html>")) as engine:
        async with connected([engine.url]) as connection:
            reply = await ask(connection)
    assert reply == EngineReply(200, "<html>")


def unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def test_a_reply_is_read_as_far_as_there_is_room_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded, "MAX_REPLY_BYTES", 100_000)
    with recorded_server(lambda _: (200, {"text": "x" * 200_000})) as engine:
        async with connected([engine.url]) as connection:
            with pytest.raises(StoreError, match="larger than 100000 bytes"):
                await ask(connection)
            assert len(engine.asked) == 1, "the node is not down"


async def test_what_was_read_of_a_reply_that_is_too_large_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server's garbage collector hardly ever looks at what has lived as long as a request."""
    monkeypatch.setattr(bounded, "MAX_REPLY_BYTES", 4_000_000)
    large = {"text": "x" * 5_000_000}
    gc.disable()
    tracemalloc.start()
    try:
        with recorded_server(lambda _: (200, large)) as engine:
            async with connected([engine.url]) as connection:
                with pytest.raises(StoreError):
                    await ask(connection)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept_bytes < 2_000_000


@pytest.mark.parametrize("status", [200, 500])
async def test_a_reply_counts_to_the_request_that_waits_for_it(status: int) -> None:
    taken: list[int] = []

    def take(size: int) -> None:
        taken.append(size)
        if sum(taken) > 600_000:
            raise Overloaded("no room")

    with recorded_server(lambda _: (status, {"text": "x" * 700_000})) as engine:
        async with connected([engine.url]) as connection:
            with counted_by(take), pytest.raises(Overloaded):
                await ask(connection)
            assert len(engine.asked) == 1
            reply = await ask(connection)
    assert (reply.status, len(reply.body["text"])) == (status, 700_000)
    assert sum(taken) < 800_000


async def test_what_is_made_of_a_large_reply_is_counted_beside_the_event_loop_and_may_end_there() -> None:
    taken: list[int] = []

    def take(size: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            taken.append(size)
            if len(taken) == 3:
                raise Abandoned

    with recorded_server(lambda _: (200, {"items": [{}] * 300_000})) as engine:
        async with connected([engine.url]) as connection:
            with counted_by(take), pytest.raises(Abandoned):
                await ask(connection)
            assert len((await ask(connection)).body["items"]) == 300_000
    assert len(taken) == 3
    assert 1_000_000 < sum(taken) < 20_000_000


async def test_a_large_reply_that_was_given_up_keeps_no_other_waiting() -> None:
    parsing, given_up, slices = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def take(_: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            slices.append(1)
            loop.call_soon_threadsafe(parsing.set)
            assert given_up.wait(10)

    with recorded_server(lambda _: (200, {"items": [{}] * 300_000})) as engine:
        async with connected([engine.url]) as connection:
            with counted_by(take):
                asked = asyncio.create_task(ask(connection))
            await asyncio.wait_for(parsing.wait(), 10)
            asked.cancel()
            await asyncio.wait([asked])
            given_up.set()
            await ask(connection)
    assert len(slices) == 1


async def test_half_a_character_and_numbers_beyond_all_bounds_come_as_they_were_sent() -> None:
    sent = {"half": "\ud83d", "items": [1e308, -0.0, 10**30] * 30_000}
    with recorded_server(lambda _: (200, sent)) as engine:
        async with connected([engine.url]) as connection:
            assert (await ask(connection)).body == sent
