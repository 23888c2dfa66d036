"""The reference in sql/README.md, held to the server."""

from __future__ import annotations

import re

import pytest

from integration.postgres.extensions import SQL
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, KeyedSidecar

README = (SQL / "README.md").read_text(encoding="utf-8")
REFERENCE = README[README.index("\n## Reference") :]
INSTALL, FUNCTIONS, SETTINGS, OUTCOMES = (
    REFERENCE.split(f"\n### {name}\n")[1].split("\n### ")[0]
    for name in ("Install", "Functions", "Settings", "Outcomes")
)


def first_cells(section: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


@pytest.fixture
def set_up(database: Database, sidecar: KeyedSidecar) -> Database:
    """As the section says, by its own statements."""
    [statements] = re.findall(r"```sql\n(.*?)```", INSTALL, re.DOTALL)
    for said, here in {
        "http://127.0.0.1:8080": sidecar.running.url,
        "5433": str(sidecar.pgwire_port),
        "an API key of the sidecar": API_KEY,
    }.items():
        assert said in statements
        statements = statements.replace(said, here)
    with database.connect() as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'app'").fetchone() is None:
            admin.execute("CREATE ROLE app LOGIN")
        admin.execute("CREATE EXTENSION dblink")
        admin.execute("CREATE EXTENSION jrerank")
        admin.execute(statements.encode())
    return database


def test_what_it_says_of_installing_is_enough_to_rerank(set_up: Database) -> None:
    with set_up.connect("app") as connection:
        connection.execute("SET jrerank.status = 'session'")
        connection.execute("SELECT * FROM jrerank.rerank('富士山', ARRAY['山', '川'], timeout_ms => 20000)")
        row = connection.execute("SELECT outcome, transport FROM jrerank.rerank_status()").fetchone()
    assert row == ("complete", "dblink")


def test_the_outcome_beside_the_rows(set_up: Database) -> None:
    [statement] = re.findall(r"```sql\n(.*?)```", OUTCOMES, re.DOTALL)
    with set_up.connect("app") as connection:
        connection.execute("SET jrerank.timeout_ms = 20000")
        rows = connection.execute(statement.encode()).fetchall()
    assert [row[2] for row in rows] == ["complete", "complete"]


def test_every_function_that_may_be_called_is_in_it_and_no_other(set_up: Database) -> None:
    with set_up.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'jrerank'::regnamespace"
            r" AND proname NOT LIKE '\_%' AND proname <> 'check_options'"
        ).fetchall()
    named = {name.partition("(")[0] for name in first_cells(FUNCTIONS) if "(" in name} | {"hit"}
    assert {row[0] for row in rows} == named


def test_every_setting_and_reason_is_in_the_script() -> None:
    script = (SQL / "jrerank--0.2.0.sql").read_text(encoding="utf-8")
    for setting in first_cells(SETTINGS):
        name = setting.removeprefix("jrerank.")
        assert f"'jrerank.{name}'" in script or f"'{name}'" in script
    for reason in first_cells(OUTCOMES):
        assert f"'{reason}'" in script
    read = set(re.findall(r"jrerank\._(?:setting|choice)\('(\w+)'", script)) - {"last_status"}
    assert read <= {setting.removeprefix("jrerank.") for setting in first_cells(SETTINGS)}
