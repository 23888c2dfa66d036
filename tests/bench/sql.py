"""SQL against HTTP, pgbench against the engine, and deadlines: `python -m bench.sql` (from `make bench-sql`)."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer

from bench.sql_faults import ALLOWED_MS, faults
from integration.postgres.extensions import MissingToolError
from integration.postgres.installed import APP, Installed, add_loopback, install
from integration.postgres.servers import SERVERS, Database, PostgresServer
from integration.postgres.sidecar import API_KEY, KeyedSidecar
from jrerank.admin.postgres.setup_statements import CLOSE_EXTENSION
from jrerank.evaluation.dataset import load_dataset
from sidecars import running_sidecar

PASSAGES, CHARS, CLIENTS, LOAD_PASSAGES = 100, 300, 16, 20
MANY, MANY_CHARS = 1000, 30
# As the recipes in sql/README.md write them
COLLECTED = "SELECT jrerank.hits(jrerank.hit(id, text, score) ORDER BY score DESC, id) IS NULL FROM found"
COPIED = "SELECT jrerank.hits(id, text, score ORDER BY score DESC, id) IS NULL FROM found"
HITS = """
SELECT rank, score, id FROM jrerank.rerank_hits(
    '富士山の高さ', (SELECT jrerank.hits(jrerank.hit(id, text, score) ORDER BY score DESC, id) FROM found), top_n => 10)
"""
# How an application sends the documents: sql/README.md says when which
FORMS = {
    "text": "rerank_json(%s, %s)",
    "text, list": "rerank(%s, %s)",
    "binary": "rerank(%s, %b)",
}
WAYS = ((15, "dblink"), (18, "dblink"), (18, "http"))
METRIC = re.compile(r"^jrerank_pgwire_connections (\S+)", re.MULTILINE)


def passages(count: int) -> list[str]:
    """Real Japanese text, each of `CHARS` characters."""
    text = "".join(load_dataset().passages.values())
    return [text[at : at + CHARS] for at in range(0, count * CHARS, CHARS)]


@contextmanager
def sidecar(folder: Path, **environment: str) -> Iterator[KeyedSidecar]:
    with running_sidecar(folder, api_keys=API_KEY, pgwire_port="0", **environment) as running:
        yield KeyedSidecar(running, running.pgwire_port)


@contextmanager
def databases(
    asked: KeyedSidecar, *, closed_too: bool = False, loopback_too: bool = False
) -> Iterator[dict[str, Installed]]:
    """One for each way that this machine has, all asking one sidecar; with dblink also closed to others, or with a loopback."""
    with ExitStack() as stack:
        servers, ways = {}, {}
        for major in SERVERS:
            try:
                servers[major] = stack.enter_context(SERVERS[major]())
            except MissingToolError as error:
                print(f"without PostgreSQL {major}: {error}", flush=True)
        for major, transport in WAYS:
            if major in servers:
                ways[f"{major} {transport}"] = made(servers[major], transport, transport, asked)
                if closed_too and transport == "dblink":
                    closed = ways[f"{major} closed"] = made(servers[major], "closed", transport, asked)
                    with closed.database.connect() as admin:
                        admin.execute(
                            sql.SQL(CLOSE_EXTENSION).format(extension=transport, owner="jrerank_owner")
                        )
                if loopback_too and transport == "dblink":
                    ways[f"{major} with loopback"] = made(servers[major], "loopback", transport, asked)
                    add_loopback(ways[f"{major} with loopback"].database)
        yield ways


def made(server: PostgresServer, name: str, transport: str, asked: KeyedSidecar) -> Installed:
    """A database of this name with the extension."""
    with server.connect() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return install(Database(server, name), transport, asked.address)


def overhead(folder: Path, rounds: int) -> None:
    """Median times in turn, with the scores in the sidecar's cache: what is left is the way there and back."""
    with sidecar(folder) as asked, databases(asked, closed_too=True) as ways, ExitStack() as stack:
        client = stack.enter_context(asked.running.client(API_KEY))
        few, many = passages(PASSAGES), [text[:MANY_CHARS] for text in passages(MANY)]
        apart = stack.enter_context(next(iter(ways.values())).connect())
        calls: dict[str, Callable[[], object]] = {
            "psycopg alone, list as text": lambda: list_as_text(apart, few),
            "HTTP": lambda: over_http(client, few),
            "HTTP, 1,000 hits": lambda: over_http(client, many),
        }
        for name, installed in ways.items():
            connection = stack.enter_context(installed.connect())
            connection.execute("SET jrerank.timeout_ms = 30000")
            connection.execute("SET jrerank.on_error = 'error'")
            connection.execute("CREATE TEMP TABLE found (id bigint, text text, score float8)")
            rows = [(place, text, 1 / place) for place, text in enumerate(many, 1)]
            connection.cursor().executemany("INSERT INTO found VALUES (%s, %s, %s)", rows)
            for form in FORMS:
                calls[f"{name}, {form}"] = partial(over_sql, connection, few, form)
            calls[f"{name}, 1,000 hits"] = partial(fetched, connection, HITS)
            calls[f"{name}, hits() of 1,000"] = partial(fetched, connection, COLLECTED)
            calls[f"{name}, hits() that copy"] = partial(fetched, connection, COPIED)
        medians = {name: 1000 * statistics.median(times) for name, times in timed(calls, rounds).items()}
    for name, median in medians.items():
        base = medians["HTTP, 1,000 hits" if "1,000" in name else "HTTP"]
        added = (
            ""
            if any(part in name for part in ("hits()", "HTTP", "alone"))
            else f", added {median - base:+.2f} ms"
        )
        print(f"{name:<28} {median:7.2f} ms{added}")


def fetched(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> object:
    """All rows of a statement."""
    return connection.execute(statement.encode()).fetchall()


def over_http(client: httpx.Client, documents: list[str]) -> object:
    hits = [{"id": str(number), "text": text} for number, text in enumerate(documents)]
    body = {"query": "富士山の高さ", "hits": hits, "timeout_ms": 30_000}
    return client.post("/v1/hits", json=body).raise_for_status().json()


def over_sql(connection: psycopg.Connection[tuple[Any, ...]], documents: list[str], form: str) -> object:
    """What HTTP answers. Of a list, psycopg looks at each of 90,000 bytes in Python; binary and JSON are written in C."""
    given = json.dumps(documents, ensure_ascii=False) if "json" in FORMS[form] else documents
    statement = f"SELECT index, score FROM jrerank.{FORMS[form]}"
    return connection.execute(statement, ("富士山の高さ", given), binary=form == "binary").fetchall()


def list_as_text(connection: psycopg.Connection[tuple[Any, ...]], documents: list[str]) -> object:
    """What psycopg does before anything is sent."""
    return Transformer.from_context(connection).dump_sequence([documents], [PyFormat.TEXT])


def timed(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call in each round, after three that warm up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 3):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number >= 3:
                times[name].append(time.perf_counter() - started)
    return times


def load(folder: Path, seconds: int) -> None:
    """pgbench with a new query each time, and as many threads over HTTP, which is what the engine can do."""
    documents = passages(LOAD_PASSAGES)
    script = folder / "rerank.sql"
    quoted = ", ".join("'" + document.replace("'", "''") + "'" for document in documents)
    script.write_text(
        "\\set number random(1, 1000000000)\n"
        f"SELECT count(*) FROM jrerank.rerank('富士山 ' || :number, ARRAY[{quoted}], timeout_ms => 60000);\n"
    )
    with sidecar(folder, cache_bytes="0") as asked, databases(asked) as ways:
        engine = http_rate(asked, documents, seconds)
        print(f"{CLIENTS} threads over HTTP: {engine:.2f} reranks of {LOAD_PASSAGES} a second", flush=True)
        for name, installed in ways.items():
            before = connections(asked, installed)
            rate, failed = pgbench(installed, script, seconds)
            time.sleep(1)
            after = connections(asked, installed)
            print(
                f"pgbench, {CLIENTS} clients, {name:<9} {rate:6.2f} a second ({rate / engine:.2f}x), errors: {failed},"
                f" connections (sidecar, PostgreSQL) before {before}, after {after}",
                flush=True,
            )


def http_rate(asked: KeyedSidecar, documents: list[str], seconds: int) -> float:
    """Reranks a second."""
    done, ends = [0] * CLIENTS, time.monotonic() + seconds

    def run(number: int) -> None:
        hits = [{"id": str(place), "text": text} for place, text in enumerate(documents)]
        with asked.running.client(API_KEY) as client:
            while time.monotonic() < ends:
                query = f"富士山 {number} {done[number]}"
                client.post(
                    "/v1/hits", json={"query": query, "hits": hits, "timeout_ms": 60_000}
                ).raise_for_status()
                done[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - started)


def pgbench(installed: Installed, script: Path, seconds: int) -> tuple[float, str]:
    """Reranks a second, and what failed: with on_error = error, an answer that is not the sidecar's ends the run."""
    with installed.database.connect() as admin:
        admin.execute(f"ALTER DATABASE {installed.database.name} SET jrerank.on_error = 'error'")
    server = installed.database.server
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", APP]
    options = ["-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-f", str(script)]
    command = [str(server.bin / "pgbench"), *where, *options, installed.database.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    errors = [line for line in done.stderr.splitlines() if "error" in line.lower() or "aborted" in line]
    return (float(rate.group(1)) if rate else 0.0), errors[0] if errors else "none"


def connections(asked: KeyedSidecar, installed: Installed) -> tuple[int, int]:
    """To the sidecar's PostgreSQL-wire door, and of the application to PostgreSQL."""
    with asked.running.client(API_KEY) as client:
        found = METRIC.search(client.get("/metrics").text)
    with installed.database.connect() as admin:
        row = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (APP,)).fetchone()
    assert found is not None
    assert row is not None
    return int(float(found.group(1))), int(row[0])


def worst_faults(folder: Path, rounds: int) -> None:
    """By how many milliseconds statements of new sessions overran their timeouts, at worst."""
    started = time.monotonic()
    with sidecar(folder) as asked, databases(asked, loopback_too=True) as ways:
        for number, (name, worst) in enumerate(faults(ways, folder, rounds)):
            if number == 0:
                print(f"worst of {rounds}, in ms over the timeout; * is more than {ALLOWED_MS}")
                print(f"{'':<20}" + "".join(f"{case:>30}" for case in worst), flush=True)
            cells = (f"{over:+.0f}{'*' if over > ALLOWED_MS else ' '}" for over in worst.values())
            print(f"{name:<20}" + "".join(f"{cell:>30}" for cell in cells), flush=True)
    print(f"in {time.monotonic() - started:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sql")
    parser.add_argument("parts", nargs="*", help="of overhead, load, faults; all by default")
    parser.add_argument("--rounds", type=int, default=300, help="of overhead")
    parser.add_argument("--seconds", type=int, default=60, help="of load, for each way")
    parser.add_argument("--tries", type=int, default=5, help="of faults, for each case")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path], None]] = {
        "overhead": lambda folder: overhead(folder, options.rounds),
        "load": lambda folder: load(folder, options.seconds),
        "faults": lambda folder: worst_faults(folder, options.tries),
    }
    if unknown := set(options.parts) - parts.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        for part in options.parts or parts:
            parts[part](Path(folder))


if __name__ == "__main__":
    main()
