import sys
from typing import Any

import pytest

from jrerank.assembly import open_stores
from jrerank.errors import ConfigurationError
from jrerank.settings import Settings, StoreSettings
from jrerank.stores.search import SearchEngine

SEARCH = {"urls": "http://127.0.0.1:9", "index": "docs", "text_fields": ["title", "body"]}
POSTGRES = {"dsn": "postgresql://127.0.0.1:9/docs", "table": "docs"}


def settings_of(kind: Any, **given: object) -> Settings:
    well = POSTGRES if kind == "postgres" else SEARCH
    return Settings.load(stores={"docs": StoreSettings(kind=kind, **(well | given))})


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
async def test_a_search_engine_is_a_store_that_can_be_searched(kind: str) -> None:
    async with open_stores(settings_of(kind)) as stores:
        assert isinstance(stores["docs"], SearchEngine)
        assert stores["docs"].text_fields == ("title", "body")


async def test_a_database_is_a_store_that_cannot_be_searched_and_may_be_down() -> None:
    async with open_stores(settings_of("postgres")) as stores:
        assert not isinstance(stores["docs"], SearchEngine)


@pytest.mark.parametrize(
    ("kind", "field", "value"), [("opensearch", "index", "*"), ("postgres", "table", "")]
)
async def test_what_is_wrong_with_a_store_is_named(kind: str, field: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"JRERANK_STORES\.docs\.{field}"):
        async with open_stores(settings_of(kind, **{field: value})):
            pass


async def test_a_missing_package_is_named_with_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in [name for name in sys.modules if name.startswith("jrerank.stores.postgres")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'jrerank\[postgres\]'"):
        async with open_stores(settings_of("postgres")):
            pass
